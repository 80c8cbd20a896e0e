import type { Context } from "hono";
import { textOfBase64 } from "../core/base64.ts";
import type { Client } from "../core/client/client.ts";
import { no, ok, type Result } from "../core/result.ts";
import { type AppEnv, ipOf, services } from "./context.ts";

export type IdAndSecret = { readonly id: string; readonly secret: string };

/** Whether an `Authorization` header has the scheme Basic (RFC 7617 §2), whatever follows. */
export const isBasic = (header: string | undefined): boolean => /^Basic\b/i.test(header ?? "");

/** Id and secret of a client, each form-encoded before they were joined (RFC 6749 §2.3.1); undefined for any other header. */
export function basicOf(header: string): IdAndSecret | undefined {
  const given = /^Basic +([A-Za-z0-9+/_=-]+) *$/i.exec(header)?.[1];
  const text = given === undefined ? undefined : textOfBase64(given);
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0) return undefined;
  const id = formDecoded(text.slice(0, colon));
  const secret = formDecoded(text.slice(colon + 1));
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/** The client with this id and this secret, or none; `busy` where the address has asked for too many. */
export async function clientBySecret(
  c: Context<AppEnv>,
  { id, secret }: IdAndSecret,
): Promise<Result<Client | undefined, "busy">> {
  const { clients, clock, limits, secrets } = services(c);
  const hash = await secrets.hash(secret);
  if (!(await limits.check(ipOf(c), hash))) return no("busy");
  const client = await clients.findBySecret(hash, clock.now());
  limits.vouch(hash, client !== undefined);
  return ok(client?.id === id ? client : undefined);
}
