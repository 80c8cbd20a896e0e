import type { Context } from "hono";
import { allowsOrigin, type Client } from "../../core/client/client.ts";
import { parseClientId } from "../../core/ids.ts";
import type { RefusalOf } from "../../core/refusal.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { SECOND } from "../../core/time.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import { doorCors } from "../../http/cors.ts";
import { retryAfterMinute } from "../../http/ip-limits.ts";
import { clientName } from "../../http/read-limits.ts";
import { checkServiceToken, type ServiceCall, type TokenRefusal } from "./service-token.ts";
import { uuidOf } from "./translate.ts";

/** The token of `Authorization: Bearer`. */
const tokenOf = (c: Context): string | undefined =>
  /^Bearer +(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];

/**
 * Whether a token for this call comes along, good or not. SDKs leak the headers of earlier calls into later ones (LoginID §0.6): a token
 * for another call is such a leak.
 */
export function bringsToken(c: Context<AppEnv>, scope: string): boolean {
  const token = tokenOf(c);
  const claims = token === undefined ? undefined : services(c).clientTokens.peek(token);
  return (claims?.type ?? claims?.scope) === scope;
}

/**
 * Checks the service token of this call (LoginID §2.2). A stray `X-Client-ID` is looked at only when nothing else names a client. The
 * address is counted until the client it names has sent a good token.
 */
export async function serviceCall(
  c: Context<AppEnv>,
  scope: string,
  bodyClientId?: string,
): Promise<Result<ServiceCall, TokenRefusal | TooMany>> {
  const { limits, clientTokens } = services(c);
  const { ip } = originOf(c);
  const token = tokenOf(c);
  const clientId = bodyClientId ?? c.req.header("X-Client-ID") ?? c.req.header("X-API-Key");
  const peeked = token === undefined ? undefined : clientTokens.peek(token);
  const named = typeof peeked?.client_id === "string" ? peeked.client_id : clientId;
  if (peeked && !(await limits.check(ip, named && clientName(named)))) return no(tooMany(c));
  const checked = await checkServiceToken(services(c), { token, scope, bodyClientId, clientId, ip });
  if (!checked.ok) return checked;
  limits.vouch(clientName(checked.value.client.id), true);
  c.set("tokenClient", checked.value.client);
  return checked;
}

/** The client that a call names where no token is needed; a disabled one is as good as none. */
export async function namedClient(
  c: Context<AppEnv>,
  name: string,
): Promise<Result<Client, RefusalOf<"unknown_client" | "too_many">>> {
  const { clients, limits } = services(c);
  const id = parseClientId(name);
  if (!id) return no({ code: "unknown_client" });
  if (!(await limits.check(originOf(c).ip, clientName(id)))) return no(tooMany(c));
  const client = await clients.find(id);
  limits.vouch(clientName(id), client !== undefined);
  if (!client || client.disabledAt !== undefined) return no({ code: "unknown_client" });
  c.set("client", client);
  return ok(client);
}

type TooMany = RefusalOf<"too_many">;

/** Until the minute ends, as limits for an address count. */
export function tooMany(c: Context<AppEnv>): TooMany {
  const now = services(c).clock.now();
  return { code: "too_many", scope: "ip", retryAt: now + retryAfterMinute(now) * SECOND };
}

/** Whether a page asks that the client does not list (LoginID §9.16); other callers send no Origin. */
export function isForeignPage(c: Context<AppEnv>, client: Client): boolean {
  const origin = c.req.header("Origin");
  return origin !== undefined && origin !== services(c).config.issuer && !allowsOrigin(client, origin);
}

/** A preflight cannot name its client, which stands in the body: it passes, and the answer is readable by the client's pages only. */
export const pagesMayAsk = doorCors({
  origins: (c, origin) =>
    c.get("client") ? allowsOrigin(c.get("client"), origin) : c.req.method === "OPTIONS",
  credentials: false,
  methods: ["POST", "OPTIONS"],
  headers: ["Content-Type", "Authorization", "X-Client-ID", "Request-ID"],
});

/** `namespace_id` and `nid`: this deployment, as a UUID that its issuer gives. */
export const namespaceOf = async (c: Context<AppEnv>): Promise<string> => {
  const { handles, config } = services(c);
  return uuidOf(await handles.digest(["loginid-namespace", config.issuer]));
};
