import type { AccessTokenClaims } from "../claims.ts";
import { type GuardOptions, makeGuard } from "../guard.ts";
import { claimsOfCall, type NodeRequest, nodeCallOf } from "../node.ts";

export type { AccessTokenClaims } from "../claims.ts";
export type { GuardOptions } from "../guard.ts";

declare global {
  namespace Express {
    interface Request {
      /** Of the access token. Set behind `requireAccessToken`; `claimsOf` says so to TypeScript too. */
      claims?: AccessTokenClaims;
    }
  }
}

/** What is used of Express's response. */
type Response = {
  status(code: number): Response;
  set(headers: Record<string, string>): Response;
  json(body: unknown): unknown;
};

type Middleware = (
  request: NodeRequest,
  response: Response,
  next: (error?: unknown) => void,
) => Promise<void>;

/** Lets only calls through that bring an access token that is good here. Its claims: `req.claims`. */
export function requireAccessToken(options: GuardOptions): Middleware {
  const guard = makeGuard(options);
  return async function accessToken(request, response, next) {
    try {
      const { claims, answer } = await guard(nodeCallOf(request));
      if (claims === undefined) {
        response
          .status(answer.status)
          .set({ ...answer.headers })
          .json(answer.body);
        return;
      }
      request.claims = claims;
    } catch (error) {
      // Express 4 looks at no promise.
      next(error);
      return;
    }
    next();
  };
}

/** The claims of a call behind `requireAccessToken`. Throws where none stands before the route. */
export const claimsOf = (request: { readonly claims?: AccessTokenClaims }): AccessTokenClaims =>
  claimsOfCall(request);
