import type { WaitMessage } from "@countersign/protocol/waiting";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import * as z from "zod";
import type { WaitView } from "../core/challenge/view.ts";
import { allowsOrigin } from "../core/client/client.ts";
import { type ChallengeId, parseClientId } from "../core/ids.ts";
import { SECOND } from "../core/time.ts";
import { type AppEnv, originOf, services } from "./context.ts";
import { doorCors } from "./cors.ts";
import { retryAfterMinute } from "./ip-limits.ts";
import { noStore } from "./no-store.ts";
import { problem } from "./problem.ts";
import { query } from "./query.ts";
import {
  handleOf,
  isGenuine,
  isGuessableHandle,
  type Known,
  offersOurProtocol,
  PROTOCOL,
} from "./waiter-handle.ts";

const DEFAULT_SECONDS = 25;
const LONGEST_SECONDS = 120;

const unknown = (c: Context<AppEnv>) => problem(c, 404, { detail: "There is no such challenge." });

const notYours = (c: Context<AppEnv>) =>
  problem(c, 401, {
    detail: "The waiter's handle is missing or is not this challenge's.",
    headers: { "WWW-Authenticate": 'Bearer realm="waiting"' },
  });

const tooMany = (c: Context<AppEnv>) =>
  problem(c, 429, {
    detail: "Too many waits from this address.",
    headers: { "Retry-After": String(retryAfterMinute(services(c).clock.now())) },
  });

/** A HEAD would wait like a GET and then say nothing. */
const onlyGet: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.method === "GET") return await next();
  return problem(c, 405, { detail: "Waiting is a GET.", headers: { Allow: "GET" } });
};

const onlyUpgrade: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.header("Upgrade")?.toLowerCase() === "websocket") return await next();
  return problem(c, 426, { detail: "This address takes a WebSocket.", headers: { Upgrade: "websocket" } });
};

/** The challenge that the path names and the caller may wait for, or the answer that says no. */
async function admit(c: Context<AppEnv>): Promise<ChallengeId | Response> {
  const { challenges, limits } = services(c);
  const { ip } = originOf(c);
  const id = challenges.parse(c.req.param("id") ?? "");
  if (id === undefined) return unknown(c);
  const handle = handleOf(c);
  // A handle that nobody guesses is looked at first: a neighbour's misses are not this waiter's.
  if (isGuessableHandle(handle) && limits.blocked(ip)) return tooMany(c);
  if (!(await limits.wait(ip))) return tooMany(c);
  if (handle === undefined) return notYours(c);
  const clientId = parseClientId(c.req.query("client") ?? "");
  const genuine = await isGenuine(services(c), handle, { id, clientId });
  if (!genuine.ok) {
    // A number can be guessed at, a MAC cannot: only the former is counted.
    if (genuine.error.counts && !(await limits.miss(ip))) return tooMany(c);
    return genuine.error.code === "unknown_challenge" ? unknown(c) : notYours(c);
  }
  return (await refuseForeignOrigin(c, id, genuine.value)) ?? id;
}

/** A browser page may wait only where its client lets its origin call (T49); other callers send no Origin. */
async function refuseForeignOrigin(
  c: Context<AppEnv>,
  id: ChallengeId,
  known: Known,
): Promise<Response | undefined> {
  const { challenges, clients, config } = services(c);
  const origin = c.req.header("Origin");
  if (origin === undefined || origin === config.issuer) return undefined;
  const clientId = known.clientId ?? (await challenges.read(id))?.spec.clientId;
  if (clientId === undefined) return unknown(c);
  const client = await clients.find(clientId);
  if (!client || client.disabledAt !== undefined || !allowsOrigin(client, origin)) {
    return problem(c, 403, { detail: "Pages of this origin may not wait for this client." });
  }
  c.header("Access-Control-Allow-Origin", origin);
  return undefined;
}

const waitQuery = z.object({
  timeout: z
    .string()
    .regex(/^\d{1,4}$/)
    .optional(),
});

/** `timeout=25`, else `Prefer: wait=25` (RFC 7240 §4.3), in seconds; undefined: outside of what is allowed. */
function seconds(asked: string | undefined, prefer: string | undefined): number | undefined {
  const preferred =
    prefer === undefined ? undefined : /(?:^|,)\s*wait\s*=\s*"?([^",;\s]*)/i.exec(prefer)?.[1];
  const text = asked ?? preferred;
  const value = text === undefined ? DEFAULT_SECONDS : Number(text);
  return Number.isInteger(value) && value >= 1 && value <= LONGEST_SECONDS ? value : undefined;
}

const rendered = ({ id, state, expiresAt }: WaitView): WaitMessage => ({
  id,
  state,
  expires_at: new Date(expiresAt).toISOString(),
});

const refuseQuery = (c: Context<AppEnv>, refusal: { readonly detail: string }) =>
  problem(c, 400, { detail: refusal.detail });

/**
 * `GET /challenges/{id}/wait` and `/challenges/{id}/socket` (docs/waiting.md): by the waiter's handle, never by the URL, whose `client` only saves
 * a look; the answer says how the challenge stands, never a token or a user. A preflight shows no handle, so every origin passes it and is
 * judged at the call.
 */
export function waitingRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const preflight = doorCors({
    origins: (c) => c.req.method === "OPTIONS",
    credentials: false,
    methods: ["GET"],
    headers: ["Authorization", "Prefer"],
  });
  routes.use("/challenges/:id/wait", noStore, preflight, onlyGet);
  routes.use("/challenges/:id/socket", noStore, onlyGet, onlyUpgrade);

  routes.get("/challenges/:id/wait", query(waitQuery, refuseQuery), async (c) => {
    const admitted = await admit(c);
    if (admitted instanceof Response) return admitted;
    const timeout = seconds(c.req.valid("query").timeout, c.req.header("Prefer"));
    if (timeout === undefined) {
      return problem(c, 400, { detail: `The wait is 1 to ${LONGEST_SECONDS} seconds.` });
    }
    const view = await services(c).challenges.wait(admitted, timeout * SECOND);
    return view ? c.json(rendered(view)) : unknown(c);
  });

  routes.get("/challenges/:id/socket", async (c) => {
    const admitted = await admit(c);
    if (admitted instanceof Response) return admitted;
    const protocol = offersOurProtocol(c) ? PROTOCOL : undefined;
    return (await services(c).challenges.socket(admitted, protocol)) ?? unknown(c);
  });
  return routes;
}
