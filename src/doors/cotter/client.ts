import type { Context, MiddlewareHandler } from "hono";
import type { Client } from "../../core/client/client.ts";
import { type ClientId, parseClientId } from "../../core/ids.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { clientName } from "../../http/read-limits.ts";
import { refuse } from "./errors.ts";

/**
 * Finds the client of `API_KEY_ID`, a header or, for the token routes, the last path segment. It names the app and proves
 * nothing: `API_SECRET_KEY` is neither read nor logged (Cotter §2, §10.16).
 */
export const identifyClient: MiddlewareHandler<AppEnv> = async (c, next) => {
  const client = await clientOf(c);
  if (client && client.disabledAt === undefined) c.set("client", client);
  return await next();
};

/** Refuses what names no client; a preflight cannot name one and never comes this far. */
export const requireClient: MiddlewareHandler<AppEnv> = async (c, next) =>
  c.get("client") ? await next() : refuse(c, { code: "unknown_client" });

/** The client that the call names, whether or not there is one. */
export function namedClient(c: Context<AppEnv>): ClientId | undefined {
  const named = [c.req.header("API_KEY_ID"), segmentOf(c.req.path)].filter((name) => name !== undefined);
  const [first] = named;
  return first === undefined || named.some((name) => name !== first) ? undefined : parseClientId(first);
}

async function clientOf(c: Context<AppEnv>): Promise<Client | undefined> {
  const { clients, limits } = services(c);
  const id = namedClient(c);
  const client = id && (await clients.find(id));
  if (id) limits.vouch(clientName(id), client !== undefined);
  return client;
}

/**
 * A path as it is routed keeps `=` escaped where the caller has escaped it. `/token/custom` is a call of its own and names nobody.
 */
const segmentOf = (path: string): string | undefined => {
  const segment = /\/token\/(?!custom$)([^/]+)$/.exec(path)?.[1];
  return segment?.replaceAll(/%3d/gi, "=");
};
