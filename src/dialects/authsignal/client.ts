import type { Context, MiddlewareHandler } from "hono";
import type { Client } from "../../core/client/client.ts";
import { parseClientId } from "../../core/ids.ts";
import type { Refusal } from "../../core/refusal.ts";
import { no, ok, type Result } from "../../core/result.ts";
import type { Requester } from "../../core/usecases/audit-event.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import { lenientBase64 } from "./credentials-text.ts";
import { refuse } from "./errors.ts";
import { type ActionToken, readToken } from "./tokens.ts";

const NOT_KNOWN: Result<never, Refusal> = no({ code: "unknown_client" });

/** What is in front of the first colon of a Basic header, in any of the SDKs' spellings of base64 (§2.2). */
export function basicName(c: Context): string | undefined {
  const given = /^Basic +([A-Za-z0-9+/_=-]+) *$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  const text = given === undefined ? undefined : lenientBase64(given);
  if (text === undefined) return undefined;
  const name = text.split(":", 1)[0] ?? "";
  return name === "" ? undefined : name;
}

/** Lets nobody in but the holder of a client's secret (§2.2); a miss is counted for its address. */
export const requireSecret: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { clients, clock, limits, secrets } = services(c);
  const { ip } = originOf(c);
  if (limits.blocked(ip)) return tooMany(c);
  const secret = basicName(c);
  const client =
    secret === undefined ? undefined : await clients.findBySecret(await secrets.hash(secret), clock.now());
  if (!client) {
    return (await limits.miss(ip)) ? refuse(c, { code: "bad_client_secret" }) : tooMany(c);
  }
  if (client.disabledAt !== undefined) return refuse(c, { code: "client_disabled" });
  c.set("client", client);
  return await next();
};

const tooMany = (c: Context<AppEnv>): Response =>
  refuse(c, { code: "too_many", scope: "ip", retryAt: services(c).clock.now() + 60_000 });

/** The client of this id, which names and proves nothing: the tenant's Basic header is public (§2.2). */
export async function clientNamed(
  c: Context<AppEnv>,
  name: string | undefined,
): Promise<Result<Client, Refusal>> {
  const id = name === undefined ? undefined : parseClientId(percentDecoded(name));
  const client = id === undefined ? undefined : await services(c).clients.find(id);
  if (!client) return NOT_KNOWN;
  if (client.disabledAt !== undefined) return no({ code: "client_disabled" });
  c.set("client", client);
  return ok(client);
}

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
  return { actor: `client:${c.var.client.id}`, ...(ip === undefined ? {} : { ip }) };
}
