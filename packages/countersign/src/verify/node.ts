import type { AccessTokenClaims } from "./claims.ts";
import { badArgument } from "./refusal.ts";
import type { IncomingCall } from "./verify.ts";

/** What Express and Fastify have of a call alike. */
export type NodeRequest = {
  readonly method: string;
  /** The path as it came in, also below a router that is mounted somewhere. */
  readonly originalUrl: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  claims?: AccessTokenClaims;
};

/** Node joins a header that came twice by a comma, which no token and no proof has. */
const textOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(", ") : header;

export const nodeCallOf = ({ headers, method, originalUrl }: NodeRequest): IncomingCall => ({
  authorization: textOf(headers.authorization),
  dpop: textOf(headers.dpop),
  method,
  url: originalUrl,
});

export function claimsOfCall({ claims }: { readonly claims?: AccessTokenClaims }): AccessTokenClaims {
  if (claims === undefined) throw badArgument("requireAccessToken does not stand before this route");
  return claims;
}
