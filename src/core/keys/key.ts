import type { Instant } from "../time.ts";

/**
 * Lanes of signing keys (settled question 6): `standard` rotates with overlap; `cotter` is one key under the pinned kid;
 * `statement` is the Ed25519 key of Cotter's event and identity signatures; `rs256` signs ID tokens of clients that are set to RS256,
 * rotates like `standard`, and has no key before one is needed (docs/decisions/0077); `vapid` is one key for good, by which push services
 * know this deployment (RFC 8292, docs/decisions/0088).
 */
export type Lane = "standard" | "cotter" | "statement" | "rs256" | "vapid";
/** Lanes whose keys sign tokens of ours, and are published for them. */
export type TokenLane = Exclude<Lane, "statement" | "vapid">;
/** What a key signs by, decided when it is made: a token's header never says (T27). */
export type SigningAlgorithm = "ES256" | "RS256" | "Ed25519";

/** A signing key as it is stored: the private half only wrapped. Whether it is next, current or retired follows from the clock. */
export type StoredKey = {
  readonly lane: Lane;
  readonly generation: number;
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** JWK without private members. */
  readonly publicJwk: Readonly<Record<string, string>>;
  /** base64url of iv ‖ AES-GCM(pkcs8), kid as additional data. */
  readonly wrappedPrivate: string;
  /** Version of KEY_ENCRYPTION_KEY that wrapped it. */
  readonly wrappedBy: number;
  readonly createdAt: Instant;
  readonly activatesAt: Instant;
};

/** How long a reader of the JWKS may keep it: a key is published at least this long before it signs (T88). */
export const JWKS_MAX_AGE_SECONDS = 300;

export type KeyState = "next" | "current" | "retired";
export type ListedKey = {
  readonly lane: Lane;
  readonly kid: string;
  readonly algorithm: string;
  readonly state: KeyState;
  readonly createdAt: Instant;
  readonly activatesAt: Instant;
  /** When it leaves the JWKS; absent while no successor is known. */
  readonly publishedUntil?: Instant;
};
