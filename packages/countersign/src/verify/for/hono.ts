import type { MiddlewareHandler } from "hono";
import type { AccessTokenClaims } from "../claims.ts";
import { type GuardOptions, makeGuard } from "../guard.ts";
import { callOf, responseOf } from "../web.ts";

export type { AccessTokenClaims } from "../claims.ts";
export type { GuardOptions } from "../guard.ts";

/** What the middleware adds: `c.var.claims`, or `c.get("claims")`. */
export type AccessTokenVariables = { claims: AccessTokenClaims };

/** Lets only calls through that bring an access token that is good here. */
export function requireAccessToken(
  options: GuardOptions,
): MiddlewareHandler<{ Variables: AccessTokenVariables }> {
  const guard = makeGuard(options);
  return async function accessToken(c, next) {
    const { claims, answer } = await guard(callOf(c.req.raw));
    if (claims === undefined) return responseOf(answer);
    c.set("claims", claims);
    return await next();
  };
}
