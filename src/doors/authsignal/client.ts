import type { Context, MiddlewareHandler } from "hono";
import type { Requester } from "../../core/audit/record.ts";
import { textOfBase64 } from "../../core/base64.ts";
import type { Client } from "../../core/client/client.ts";
import { type ClientId, parseClientId } from "../../core/ids.ts";
import type { Refusal } from "../../core/refusal.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import { clientName } from "../../http/read-limits.ts";
import { refuse } from "./errors.ts";
import { type ActionToken, readToken } from "./tokens.ts";

const NOT_KNOWN: Result<never, Refusal> = no({ code: "unknown_client" });

/** What is in front of the first colon of a Basic header, in any of the SDKs' spellings of base64 (§2.2). */
export function basicName(c: Context): string | undefined {
  const given = /^Basic +([A-Za-z0-9+/_=-]+) *$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  const text = given === undefined ? undefined : textOfBase64(given);
  if (text === undefined) return undefined;
  const name = text.split(":", 1)[0] ?? "";
  return name === "" ? undefined : name;
}

/**
 * Lets nobody in but the holder of a client's secret (§2.2). A right one passes whatever its address has missed; what is not known to be
 * right is counted before the table is asked, and a miss after it.
 */
export const requireSecret: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { limits } = services(c);
  const { ip } = originOf(c);
  const client = await secretOwner(c);
  if (client === "busy") return tooMany(c);
  if (!client) {
    return (await limits.miss(ip)) ? refuse(c, { code: "bad_client_secret" }) : tooMany(c);
  }
  if (client.disabledAt !== undefined) return refuse(c, { code: "client_disabled" });
  c.set("client", client);
  return await next();
};

async function secretOwner(c: Context<AppEnv>): Promise<Client | "busy" | undefined> {
  const { clients, clock, limits, secrets } = services(c);
  const secret = basicName(c);
  if (secret === undefined) return undefined;
  const hash = await secrets.hash(secret);
  if (!(await limits.check(originOf(c).ip, hash))) return "busy";
  const client = await clients.findBySecret(hash, clock.now());
  limits.vouch(hash, client !== undefined);
  return client;
}

const tooMany = (c: Context<AppEnv>): Response =>
  refuse(c, { code: "too_many", scope: "ip", retryAt: services(c).clock.now() + 60_000 });

/** The client of this id, which names and proves nothing: the tenant's Basic header is public (§2.2). */
export async function clientNamed(
  c: Context<AppEnv>,
  name: string | undefined,
): Promise<Result<Client, Refusal>> {
  const { clients, limits } = services(c);
  const id = idOf(name);
  const client = id && (await clients.find(id));
  if (id) limits.vouch(clientName(id), client !== undefined);
  if (!client) return NOT_KNOWN;
  if (client.disabledAt !== undefined) return no({ code: "client_disabled" });
  c.set("client", client);
  return ok(client);
}

const idOf = (name: string | undefined): ClientId | undefined =>
  name === undefined ? undefined : parseClientId(percentDecoded(name));

/** The client that the tenant's Basic header names, whether or not there is one. */
export const namedTenant = (c: Context<AppEnv>): ClientId | undefined => idOf(basicName(c));

/** The client of the tenant's Basic header. */
export const tenantOf = (c: Context<AppEnv>): Promise<Result<Client, Refusal>> =>
  clientNamed(c, basicName(c));

/** A request whose sender is known: the client, and the token when there is one. */
export type Sender = { readonly client: Client; readonly token?: ActionToken };

const bearerText = (c: Context): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(c.req.header("Authorization") ?? "")?.[1];

/** The action token of a text and its client, which must still work. */
export async function tokenOf(
  c: Context<AppEnv>,
  text: string | undefined,
): Promise<Result<{ readonly client: Client; readonly token: ActionToken }, Refusal>> {
  if (text === undefined) return no({ code: "bad_token", detail: "missing" });
  const token = await readToken(services(c), text);
  if (!token.ok) return token;
  const client = await clientNamed(c, token.value.clientId);
  return client.ok ? ok({ client: client.value, token: token.value }) : client;
}

/** The action token of the Bearer header. */
export const bearerOf = (c: Context<AppEnv>) => tokenOf(c, bearerText(c));

/** Bearer when one was sent, else the tenant's Basic. */
export async function senderOf(c: Context<AppEnv>): Promise<Result<Sender, Refusal>> {
  if (bearerText(c) !== undefined) return await bearerOf(c);
  const client = await tenantOf(c);
  return client.ok ? ok({ client: client.value }) : client;
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Who asks for a change, as the audit trail names it. */
export function requester(c: Context<AppEnv>): Requester {
  const { ip } = originOf(c);
  return { actor: `client:${c.get("client").id}`, ...(ip === undefined ? {} : { ip }) };
}
