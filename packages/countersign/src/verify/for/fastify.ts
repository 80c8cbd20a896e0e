import type { AccessTokenClaims } from "../claims.ts";
import { type GuardOptions, makeGuard } from "../guard.ts";
import { claimsOfCall, type NodeRequest, nodeCallOf } from "../node.ts";

export type { AccessTokenClaims } from "../claims.ts";
export type { GuardOptions } from "../guard.ts";

/** What is used of Fastify's reply. */
type Reply = {
  code(status: number): Reply;
  headers(values: Record<string, string>): Reply;
  send(body: unknown): Reply;
};

/** Lets only calls through that bring an access token that is good here: a hook for `onRequest`. Its claims: `claimsOf(request)`. */
export function requireAccessToken(
  options: GuardOptions,
): (request: NodeRequest, reply: Reply) => Promise<unknown> {
  const guard = makeGuard(options);
  return async function accessToken(request, reply) {
    const { claims, answer } = await guard(nodeCallOf(request));
    if (claims !== undefined) {
      request.claims = claims;
      return undefined;
    }
    return reply
      .code(answer.status)
      .headers({ ...answer.headers })
      .send(answer.body);
  };
}

/** The claims of a call behind `requireAccessToken`. Throws where none stands before the route. */
export const claimsOf = (request: object): AccessTokenClaims =>
  claimsOfCall(request as { readonly claims?: AccessTokenClaims });
