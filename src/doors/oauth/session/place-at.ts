import type { Context } from "hono";
import type { AppEnv } from "../../../http/context.ts";
import { askOfPlace } from "../authorize/ask-of-place.ts";
import { trouble } from "../authorize/back.ts";
import { placeOf } from "../authorize/place.ts";
import { ENDPOINTS } from "../endpoints.ts";
import type { Place } from "./sign-in-page.ts";

const LONGEST = 8_192;

/**
 * The place that a form of ours came from, read anew. Only addresses of this door that begin something lead on: whatever else a browser
 * brings is refused, so that a form leads nowhere that its page did not.
 */
export async function placeAt(c: Context<AppEnv>, to: string): Promise<Place | Response> {
  if (to.length > LONGEST || !to.startsWith(`${ENDPOINTS.authorization_endpoint}?`)) {
    return await trouble(c, "request");
  }
  const ask = await askOfPlace(c, to);
  if (ask instanceof Response) return ask;
  return { client: ask.client, place: placeOf(ask.parameters), redirectUri: ask.redirectUri };
}
