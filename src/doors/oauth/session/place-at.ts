import type { Context } from "hono";
import { ownClient } from "../../../core/client/own-client.ts";
import type { Realm } from "../../../core/ids.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { askOfPlace } from "../authorize/ask-of-place.ts";
import { trouble } from "../authorize/back.ts";
import { placeOf } from "../authorize/place.ts";
import { namedClient } from "../client-auth.ts";
import { codeOfPlace, devicePlace } from "../device/place.ts";
import { clientOfUserCode } from "../device/verification.ts";
import { clientOfPlace, passkeysPlace } from "../passkey/paths.ts";
import { placeOfPhone, realmOfPhonePlace } from "../phone/place.ts";
import type { Place } from "./place.ts";

/**
 * The place that a form of ours came from, read anew. Only addresses of this door that begin something lead on: whatever else a browser
 * brings is refused, so that a form leads nowhere that its page did not.
 */
export async function placeAt(c: Context<AppEnv>, to: string): Promise<Place | Response> {
  const code = codeOfPlace(to);
  if (code !== undefined) return await placeOfDevice(c, code);
  const named = clientOfPlace(to);
  if (named !== undefined) return await placeOfPasskeys(c, named);
  const phoneRealm = realmOfPhonePlace(to);
  if (phoneRealm !== undefined) return placeOfPhonePage(c, phoneRealm);
  const ask = await askOfPlace(c, to);
  if (ask instanceof Response) return ask;
  return { client: ask.client, place: placeOf(ask.parameters), redirectUri: ask.redirectUri };
}

/** The verification page, under the client whose code was typed. */
async function placeOfDevice(c: Context<AppEnv>, code: string): Promise<Place | Response> {
  const client = await clientOfUserCode(services(c), { typed: code, ip: originOf(c).ip });
  if (!client.ok) return await trouble(c, client.error.code === "code_locked" ? "busy" : "request");
  c.set("client", client.value);
  return { client: client.value, place: devicePlace(code) };
}

/** The phone page, under the client of our own pages. */
function placeOfPhonePage(c: Context<AppEnv>, realm: Realm): Place {
  const client = ownClient(realm, services(c).config.name);
  c.set("client", client);
  return { client, place: placeOfPhone(realm) };
}

/** The page of passkeys, under the client that was named. */
export async function placeOfPasskeys(c: Context<AppEnv>, named: string): Promise<Place | Response> {
  const client = await namedClient(c, named);
  if (!client.ok) return await trouble(c, "busy");
  if (!client.value) return await trouble(c, "client");
  c.set("client", client.value);
  return { client: client.value, place: passkeysPlace(client.value.id) };
}
