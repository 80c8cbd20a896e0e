import type { Context } from "hono";
import type { AppEnv } from "../../../http/context.ts";
import { ENDPOINTS } from "../endpoints.ts";
import { given, type Parameters, REQUEST_LIMIT } from "../form.ts";
import { type Ask, readAsk } from "./ask.ts";
import { refuseAsk, trouble } from "./back.ts";

/** Each parameter by its first value, and the names of those that came again. */
export function fromQuery(query: URLSearchParams): {
  readonly parameters: Parameters;
  readonly repeated: readonly string[];
} {
  const names = [...new Set(query.keys())];
  return {
    parameters: given(Object.fromEntries(names.map((name) => [name, query.get(name) ?? ""]))),
    repeated: names.filter((name) => query.getAll(name).length > 1),
  };
}

/**
 * The request that a page of ours came from, read anew: nothing that a browser brings back is believed. Whatever is not an address of the
 * authorization endpoint is refused, so that a form leads nowhere that its page did not.
 */
export async function askOfPlace(c: Context<AppEnv>, place: string): Promise<Ask | Response> {
  if (place.length > REQUEST_LIMIT + 1_024 || !place.startsWith(`${ENDPOINTS.authorization_endpoint}?`)) {
    return await trouble(c, "request");
  }
  const { parameters, repeated } = fromQuery(new URL(place, "https://place").searchParams);
  const ask = await readAsk(c, parameters, repeated);
  return ask.ok ? ask.value : await refuseAsk(c, ask.error);
}
