import type { Context, MiddlewareHandler } from "hono";
import { SECOND } from "../core/time.ts";
import { type AppEnv, ipOf, services } from "./context.ts";
import { retryAfterMinute } from "./ip-limits.ts";
import { problem } from "./problem.ts";

/** How a door says that an address asks too much; `retryAt` is when it may again. */
export type RefuseBusy = (c: Context<AppEnv>, retryAt: number) => Response | Promise<Response>;

/** The same as problem details, where there is no door. */
export const busy: RefuseBusy = (c, retryAt) =>
  problem(c, 429, {
    detail: "Too many requests from this address.",
    headers: { "Retry-After": String(Math.ceil((retryAt - services(c).clock.now()) / SECOND)) },
  });

/** Refuses for the rest of this minute. */
export const refuseBusy = (c: Context<AppEnv>, refuse: RefuseBusy): Response | Promise<Response> => {
  const now = services(c).clock.now();
  return refuse(c, now + retryAfterMinute(now) * SECOND);
};

/**
 * In front of every route that reads a table for whoever asks: bounds what one address may read. `isGenuine` lets a call through
 * uncounted that brings a secret which no table is needed for.
 */
export function limitReads(
  refuse: RefuseBusy,
  isGenuine?: (c: Context<AppEnv>) => boolean | Promise<boolean>,
): MiddlewareHandler<AppEnv> {
  return async function limitReads(c, next) {
    if (isGenuine && (await isGenuine(c))) return await next();
    return (await services(c).limits.look(ipOf(c))) ? await next() : await refuseBusy(c, refuse);
  };
}

/**
 * In front of routes whose secret is told by itself or by its own object, so that of all tables only the client's row is read: the
 * address is counted until that row is known. `nameOf` says which client is named.
 */
export function limitChecks(
  refuse: RefuseBusy,
  nameOf: (c: Context<AppEnv>) => string | undefined,
): MiddlewareHandler<AppEnv> {
  return async function limitChecks(c, next) {
    const id = nameOf(c);
    const name = id === undefined ? undefined : clientName(id);
    const within = await services(c).limits.check(ipOf(c), name);
    return within ? await next() : await refuseBusy(c, refuse);
  };
}

/** What `check` and `vouch` call a client; whoever reads its row says whether there is one. */
export const clientName = (id: string): string => `client:${id}`;
