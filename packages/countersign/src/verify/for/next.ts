import type { AccessTokenClaims } from "../claims.ts";
import { type GuardOptions, makeGuard } from "../guard.ts";
import { callOf, responseOf } from "../web.ts";

export type { AccessTokenClaims } from "../claims.ts";
export type { GuardOptions } from "../guard.ts";

type Handler<Incoming extends Request, Context> = (
  request: Incoming,
  context: Context & { readonly claims: AccessTokenClaims },
) => Response | Promise<Response>;

/**
 * Lets a route handler of Next.js be called only with an access token that is good here. The claims stand in its context, beside
 * `params`.
 */
export function withAccessToken<Incoming extends Request = Request, Context = unknown>(
  options: GuardOptions,
  handler: Handler<Incoming, Context>,
): (request: Incoming, context: Context) => Promise<Response> {
  const guard = makeGuard(options);
  return async function accessToken(request, context) {
    const { claims, answer } = await guard(callOf(request));
    return claims === undefined ? responseOf(answer) : await handler(request, { ...context, claims });
  };
}
