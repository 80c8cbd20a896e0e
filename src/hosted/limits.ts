import type { MiddlewareHandler } from "hono";
import { type AppEnv, originOf, services } from "../http/context.ts";
import { limitReads } from "../http/read-limits.ts";
import { trouble } from "./setting.ts";

/**
 * In front of every route that sends: an address that has guessed wrong too often of late starts nothing either. The sending itself
 * is counted where it is done, for address, client, identifier, range and country (send-code.ts).
 */
export const limitSends: MiddlewareHandler<AppEnv> = async function limitSends(c, next) {
  return services(c).limits.blocked(originOf(c).ip) ? trouble(c, "busy") : await next();
};

/** In front of every route that takes a code: an address that has guessed wrong too often waits a minute (T61, T62). */
export const limitGuesses: MiddlewareHandler<AppEnv> = async function limitGuesses(c, next) {
  return services(c).limits.blocked(originOf(c).ip) ? trouble(c, "busy") : await next();
};

/** In front of what anybody may open, which reads the client that the address names. */
export const limitOpenings: MiddlewareHandler<AppEnv> = limitReads((c) => trouble(c, "busy"));
