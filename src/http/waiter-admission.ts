import type { Context } from "hono";
import { allowsOrigin } from "../core/client/client.ts";
import { type ChallengeId, parseClientId } from "../core/ids.ts";
import { type AppEnv, originOf, services } from "./context.ts";
import { retryAfterMinute } from "./ip-limits.ts";
import { problem } from "./problem.ts";
import { handleOf, isGenuine, isGuessableHandle, type Known } from "./waiter-handle.ts";

export const unknown = (c: Context<AppEnv>) => problem(c, 404, { detail: "There is no such challenge." });

const notTheWaiter = (c: Context<AppEnv>) =>
  problem(c, 401, {
    detail: "The waiter's handle is missing or is not this challenge's.",
    headers: { "WWW-Authenticate": 'Bearer realm="waiting"' },
  });

export const tooMany = (c: Context<AppEnv>) =>
  problem(c, 429, {
    detail: "Too many requests from this address.",
    headers: { "Retry-After": String(retryAfterMinute(services(c).clock.now())) },
  });

/** The challenge that the path names and the caller may wait for, or the answer that says no; `notYours` is the 401 of the route. */
export async function admit(c: Context<AppEnv>, notYours = notTheWaiter): Promise<ChallengeId | Response> {
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
    return problem(c, 403, { detail: "Pages of this origin may not ask for this client." });
  }
  c.header("Access-Control-Allow-Origin", origin);
  return undefined;
}
