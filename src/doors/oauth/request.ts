import type { ChallengeSpec, Json, JsonObject } from "../../core/challenge/state.ts";

/** How a challenge of this door came to be, which is also the one grant that redeems it. */
export type RequestKind = "authorization_code" | "device_code" | "ciba" | "browser_session";

/** What this door keeps of a request beside what the machine knows: the context of its challenge. */
export type OAuthRequest = {
  readonly kind: RequestKind;
  /** Of an authorization code: S256 of its verifier, absent for a confidential client that is excused (OAuth 2.1 §7.5.2). */
  readonly codeChallenge?: string;
  /** Digest of the redirect URI, which has to come again. */
  readonly redirect?: string;
  /** DPoP key that the code is bound to (RFC 9449 §10). */
  readonly dpopJkt?: string;
  /** CIBA ping: what authenticates our call to the client, with the name that it has for the request, sealed (`Pings`). */
  readonly notificationToken?: string;
  /** Of a sign-in on our own page: digest of the secret of the browser that began it, and the name that was typed there. */
  readonly browser?: string;
  readonly identifier?: string;
  /** How that name is being proven. */
  readonly way?: "device" | "code";
  /** Typed JSON that is shown, signed, and repeated in the access token (RFC 9396). */
  readonly details?: readonly Json[];
};

/** What tokens of a grant of this door say, written when its request began; `acr` only where that was known then. */
export type OAuthSubject = {
  readonly nonce?: string;
  readonly acr?: string;
  /** The approval had to name the number on the waiting screen. */
  readonly matched?: true;
  /** Audience of its access tokens (RFC 8707); the client when it is missing. */
  readonly resource?: string;
  readonly details?: readonly Json[];
};

/**
 * The context that a challenge keeps. `shown` is what prompts of every door may show: its members are those that they know. The
 * details are one of them (`asksMore`).
 */
export const requestContext = (
  { details, ...request }: OAuthRequest,
  shown: JsonObject = {},
): JsonObject => ({
  ...shown,
  ...(details === undefined ? {} : { details }),
  oauth: request as unknown as JsonObject,
});

/** The request behind a challenge of this door; undefined for any other. */
export function requestOf(spec: Pick<ChallengeSpec, "door" | "context">): OAuthRequest | undefined {
  // Written by `requestContext` alone: no other code makes challenges of this door.
  if (spec.door !== "oauth") return undefined;
  const { oauth, details } = spec.context as unknown as { oauth: OAuthRequest; details?: readonly Json[] };
  return details === undefined ? oauth : { ...oauth, details };
}

/** Whether tokens may be refreshed by it: what a browser holds is a cookie and no token. */
export const givesTokens = (spec: Pick<ChallengeSpec, "door" | "context">): boolean => {
  const kind = requestOf(spec)?.kind;
  return kind !== undefined && kind !== "browser_session";
};
