import type { Door } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import { issuerFor } from "../client/settings.ts";
import { MAIN } from "../ids.ts";
import type { TokenClaims } from "./token.ts";

/** Who says what about whom in a token, and for how long; `iat` and `exp` in seconds. */
export type SharedClaims = {
  readonly door: Door;
  /** The door's own `iss`; a client that moved here may have kept its old one (decision 60, question 7). */
  readonly issuer: string;
  readonly aud: string;
  readonly sub: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
};

/**
 * The claims that tokens of every door have (RFC 7519 §4.1). `realm` is named when it is not the main one. There is no `nbf`: a backend
 * whose clock is behind would refuse what was just signed.
 */
export const sharedClaims = (
  { settings, realm }: Client,
  { door, issuer, aud, sub, iat, exp, jti }: SharedClaims,
): TokenClaims => ({
  iss: issuerFor(settings, door, issuer),
  aud,
  sub,
  iat,
  exp,
  jti,
  ...(realm === MAIN ? {} : { realm }),
});
