import { CountersignError } from "../errors.ts";

type Told = {
  readonly status: 400 | 401 | 403;
  /** RFC 6750 §3.1, RFC 9449 §7.1, RFC 9470 §3. */
  readonly error: string;
  /** For people. Printable ASCII without quotes, since it stands in a header too. */
  readonly words: string;
};

const badToken = (words: string): Told => ({ status: 401, error: "invalid_token", words });
const badProof = (words: string): Told => ({ status: 401, error: "invalid_dpop_proof", words });

/** Why a call is not let in, by `reason`, and what its caller is told. Reasons are stable, words are not. */
export const REFUSALS = {
  missing: { status: 401, error: "unauthorized", words: "An access token is needed" },
  request: { status: 400, error: "invalid_request", words: "The Authorization header must hold one token" },
  malformed: badToken("The access token is not a signed JWT"),
  too_long: badToken("The access token is too long"),
  header: badToken("The header of the access token has a member that is not taken"),
  algorithm: badToken("The access token is not signed by ES256"),
  type: badToken("This is not an access token"),
  unknown_key: badToken("The access token is signed by an unknown key"),
  signature: badToken("The signature of the access token does not fit"),
  issuer: badToken("The access token is of another issuer"),
  audience: badToken("The access token is for another audience"),
  expired: badToken("The access token has expired"),
  issued_in_future: badToken("The access token was issued in the future: compare the clocks"),
  claims: badToken("The access token lacks a claim, or one is of another type"),
  realm: badToken("The access token is of another realm"),
  scope: { status: 403, error: "insufficient_scope", words: "The access token lacks a scope" },
  acr: {
    status: 401,
    error: "insufficient_user_authentication",
    words: "The user must sign in by a stronger way",
  },
  bound: badToken("The access token is bound to a key: send it as DPoP, with a proof"),
  not_bound: badToken("The access token is bound to no key: send it as Bearer"),
  no_origin: badToken("Bound access tokens are not taken here: the origin of this API is not set"),
  proof_missing: badProof("The header DPoP is missing"),
  proof_malformed: badProof("The DPoP proof is not a JWT of type dpop+jwt, signed by ES256 and its own jwk"),
  proof_key: badToken("The DPoP proof is signed by another key than the access token is bound to"),
  proof_method: badProof("The DPoP proof is for another method"),
  proof_url: badProof("The DPoP proof is for another address"),
  proof_time: badProof("The DPoP proof is not of this minute: compare the clocks"),
  proof_token: badProof("The DPoP proof is for another access token"),
  proof_replayed: badProof("The DPoP proof was used before"),
} as const satisfies Readonly<Record<string, Told>>;

export type Reason = keyof typeof REFUSALS;

export const isReason = (reason: string | undefined): reason is Reason =>
  reason !== undefined && Object.hasOwn(REFUSALS, reason);

/** The error of a call that is not let in. It says nothing of the token but the reason. */
export const refusal = (reason: Reason): CountersignError =>
  new CountersignError("invalid_token", REFUSALS[reason].words, { reason });

/** The error of a check that cannot be made now; `retryAfter` in seconds. */
export const unavailable = (message: string, retryAfter: number, cause?: unknown): CountersignError =>
  new CountersignError("unavailable", message, { retryAfter: Math.max(1, Math.ceil(retryAfter)), cause });

export const badArgument = (message: string): CountersignError =>
  new CountersignError("invalid_argument", message);
