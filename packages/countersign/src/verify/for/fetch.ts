import type { AccessTokenClaims } from "../claims.ts";
import { type GuardOptions, makeGuard } from "../guard.ts";
import { callOf, responseOf } from "../web.ts";

export type { AccessTokenClaims } from "../claims.ts";
export type { GuardOptions } from "../guard.ts";

type Handler<Rest extends readonly unknown[]> = (
  request: Request,
  claims: AccessTokenClaims,
  ...rest: Rest
) => Response | Promise<Response>;

/**
 * Lets a plain fetch handler (Workers, Bun, Deno) be called only with an access token that is good here. The handler gets the claims
 * after the request, then whatever the runtime passes along, such as `env` and `ctx`.
 */
export function withAccessToken<Rest extends readonly unknown[]>(
  options: GuardOptions,
  handler: Handler<Rest>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const guard = makeGuard(options);
  return async function accessToken(request, ...rest) {
    const { claims, answer } = await guard(callOf(request));
    return claims === undefined ? responseOf(answer) : await handler(request, claims, ...rest);
  };
}
