import type { Context, MiddlewareHandler } from "hono";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import { limitChecks, limitReads, type RefuseBusy } from "../../http/read-limits.ts";
import { bearerOf, namedTenant } from "./client.ts";
import { refuse } from "./errors.ts";

const isBlocked = (c: Context<AppEnv>): boolean => services(c).limits.blocked(originOf(c).ip);

const tooMany = (c: Context<AppEnv>): Response =>
  refuse(c, { code: "too_many", scope: "ip", retryAt: services(c).clock.now() + 60_000 });

/** Whether an action's token came that is good; its signature tells, so no table is read for a bad one. */
const hasToken = async (c: Context<AppEnv>): Promise<boolean> => (await bearerOf(c)).ok;

/**
 * In front of every route that sends a code: an address that has guessed wrong too often of late starts nothing either, but with a good
 * token. The sending itself is counted where it is done, for address, client, identifier, range and country (send-code.ts).
 */
export const limitSends: MiddlewareHandler<AppEnv> = async function limitSends(c, next) {
  return isBlocked(c) && !(await hasToken(c)) ? tooMany(c) : await next();
};

/** In front of every route that takes a code: an address that has guessed wrong too often waits a minute (T61, T62). */
export const limitGuesses: MiddlewareHandler<AppEnv> = async function limitGuesses(c, next) {
  return isBlocked(c) ? tooMany(c) : await next();
};

const busy: RefuseBusy = (c, retryAt) => refuse(c, { code: "too_many", scope: "ip", retryAt });

/** In front of what a tenant's name opens, which is public; an action's token is told by its signature. */
export const limitTenants = limitReads(busy, hasToken);

/** In front of the poll with a device code, which is told by itself. */
export const limitDeviceCodes = limitChecks(busy, namedTenant);
