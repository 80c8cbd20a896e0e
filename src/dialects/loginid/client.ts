import type { Context } from "hono";
import { allowsOrigin, type Client } from "../../core/client/client.ts";
import { parseClientId } from "../../core/ids.ts";
import type { Result } from "../../core/result.ts";
import {
  checkServiceToken,
  type ServiceCall,
  type TokenRefusal,
  unpadded,
} from "../../core/usecases/check-service-token.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import { doorCors } from "../../http/cors.ts";
import { uuidOf } from "./translate.ts";

/** The token of `Authorization: Bearer`. */
const tokenOf = (c: Context): string | undefined =>
  /^Bearer +(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];

/** Checks the service token of this call (LoginID §2.2). A stray `X-Client-ID` is looked at only when nothing else names a client. */
export async function serviceCall(
  c: Context<AppEnv>,
  scope: string,
  bodyClientId?: string,
): Promise<Result<ServiceCall, TokenRefusal>> {
  const checked = await checkServiceToken(services(c), {
    token: tokenOf(c),
    scope,
    bodyClientId,
    clientId: bodyClientId ?? c.req.header("X-Client-ID") ?? c.req.header("X-API-Key"),
    ip: originOf(c).ip,
  });
  if (checked.ok) c.set("tokenClient", checked.value.client);
  return checked;
}

/** The client that a call names where no token is needed; a disabled one is as good as none. */
export async function namedClient(c: Context<AppEnv>, name: string): Promise<Client | undefined> {
  const id = parseClientId(unpadded(name));
  const client = id && (await services(c).clients.find(id));
  if (!client || client.disabledAt !== undefined) return undefined;
  c.set("client", client);
  return client;
}

/** Whether a page asks that the client does not list (LoginID §9.16); other callers send no Origin. */
export function isForeignPage(c: Context<AppEnv>, client: Client): boolean {
  const origin = c.req.header("Origin");
  return origin !== undefined && origin !== services(c).config.issuer && !allowsOrigin(client, origin);
}

/** A preflight cannot name its client, which stands in the body: it passes, and the answer is readable by the client's pages only. */
export const pagesMayAsk = doorCors({
  origins: (c, origin) => (c.var.client ? allowsOrigin(c.var.client, origin) : c.req.method === "OPTIONS"),
  credentials: false,
  methods: ["POST", "OPTIONS"],
  headers: ["Content-Type", "Authorization", "X-Client-ID", "Request-ID"],
});

/** `namespace_id` and `nid`: this deployment, as a UUID that its issuer gives. */
export const namespaceOf = async (c: Context<AppEnv>): Promise<string> => {
  const { handles, config } = services(c);
  return uuidOf(await handles.digest(["loginid-namespace", config.issuer]));
};
