import type { Client } from "../client/client.ts";
import type { DeviceKey } from "../device/device.ts";
import type { ClientId } from "../ids.ts";
import type { Lane, ListedKey, StoredKey, TokenLane } from "../keys/key.ts";
import type { TokenClaims, TokenDemands, TokenHeader } from "../keys/token.ts";
import type { RefusalOf } from "../refusal.ts";
import type { Result } from "../result.ts";
import type { Instant } from "../time.ts";
import type { NonceUse } from "./clients.ts";

/** Signing keys at rest. `insert` answers false when that generation of the lane exists: of two makers one wins. */
export type KeyStore = {
  all(): Promise<readonly StoredKey[]>;
  insert(key: StoredKey): Promise<boolean>;
  /** Deletes a key that is published no more. */
  remove(lane: Lane, generation: number): Promise<void>;
};

/** The signing keys of this deployment. Makes the first of a lane at need. */
export type Keyring = {
  /**
   * Opens the key that signs now and answers its kid; to be asked before a commit whose answer is signed. Throws an Outage.
   * An isolate keeps what it has opened, and signs with it for at least 5 s more, whatever fails meanwhile.
   */
  ready(lane: Lane): Promise<string>;
  /**
   * Public JWKs that a verifier may meet. RS256 keys are the last, where there are any; with `cotterFirst` there are none, and the pinned
   * Cotter key is the first. Never a private member. Makes no RS256 key.
   */
  published(options?: {
    readonly cotterFirst?: boolean;
    /** Keys of this lane alone. */
    readonly lane?: "standard" | "cotter";
  }): Promise<readonly Readonly<Record<string, string>>[]>;
  /** Signs a compact JWS with this lane's key: the given kid while it is published, else the current one. With
   * `plainBase64` the claims are spelled so that their segment holds neither `-` nor `_` (LoginID §7.4).
   */
  sign(
    lane: TokenLane,
    header: TokenHeader,
    claims: TokenClaims,
    kid?: string,
    options?: { readonly plainBase64?: boolean },
  ): Promise<string>;
  /** Ed25519 signature over UTF-8 text, standard base64 (Cotter §6). */
  signStatement(text: string): Promise<string>;
  /** Standard base64 of the 32 bytes of the statement key. */
  statementKey(): Promise<string>;
  /** Signs what a push service is told of this deployment: a compact JWS of the VAPID key, `{"typ":"JWT","alg":"ES256"}` (RFC 8292 §2). */
  signVapid(claims: TokenClaims): Promise<string>;
  /** base64url of the 65 bytes of the VAPID key, an uncompressed point; made by whoever asks first, and the same for good. */
  vapidKey(): Promise<string>;
  /** Begins a new key; of `standard` and `rs256` it becomes current after the published overlap, of `cotter` and as the first at once. */
  rotate(lane: TokenLane): Promise<ListedKey>;
  /** Rotates `standard` and `rs256` when their newest key is old, and drops what is published no more. Makes no first key. */
  upkeep(): Promise<void>;
  list(): Promise<readonly ListedKey[]>;
  /** Throws when the keys cannot be used; for /healthz. */
  check(): Promise<void>;
};

/**
 * Reads tokens of this deployment by a published key and its algorithm, access and ID tokens told apart (T27, T87). ES256; an ID token
 * may be RS256.
 */
export type TokenVerifier = {
  verify(token: string, demands: TokenDemands): Promise<Result<TokenClaims, RefusalOf<"bad_token">>>;
};

/**
 * Reads tokens that clients sign with keys of their own: ES256, the header choosing neither algorithm nor key (T27). What the
 * claims mean is the caller's to check.
 */
export type ClientTokens = {
  /** The claims before anything is verified, to find the client that is to verify them; undefined when it is no JWS. */
  peek(token: string): TokenClaims | undefined;
  /** The claims, when one of these keys (PEM) has signed them. */
  verify(token: string, publicKeys: readonly string[]): Promise<Result<TokenClaims, RefusalOf<"bad_token">>>;
};

/** A client's proof of itself at an endpoint: `private_key_jwt` (RFC 7523 §3, OIDC Core §9). Nothing is kept here. */
export type ClientAssertions = {
  /** The client that an assertion names, before anything is verified; undefined when it names none. */
  peek(assertion: string): ClientId | undefined;
  /**
   * Checks that this client has made the assertion, for one of `audiences` (the issuer, the exact URL of the called endpoint) and for
   * now. The answer is what the caller has still to spend: an assertion is good once.
   */
  check(
    assertion: string,
    asked: {
      readonly client: Pick<Client, "id" | "publicKeys">;
      readonly audiences: readonly string[];
      readonly now: Instant;
    },
  ): Promise<Result<NonceUse, RefusalOf<"bad_token">>>;
};

/** The request that a DPoP proof came with. `url` is the published address of what was called, not what a header says. */
export type DpopRequest = {
  readonly method: string;
  readonly url: string;
  /** At a resource: the access token that came with the proof. */
  readonly accessToken?: string;
  /** Server nonces of which the proof must have one; absent: none is demanded. */
  readonly nonces?: readonly string[];
  readonly now: Instant;
};

/**
 * A good proof. `jkt` is the thumbprint of its key (RFC 7638). It is good once: the caller spends `hash` until `expiresAt` for the
 * client of the request, by `Nonces`. Whether the key is the one that a token or code is bound to is the caller's to check too.
 */
export type DpopProof = Pick<NonceUse, "hash" | "expiresAt"> & {
  readonly jkt: string;
  readonly jti: string;
};

/** The error codes of RFC 9449 §5 and §8; `detail` repeats nothing of the proof. */
export type DpopRefusal = {
  readonly code: "invalid_dpop_proof" | "use_dpop_nonce";
  readonly detail: string;
};

/** Proofs of possession of a key, one for each request (RFC 9449 §4.3). Nothing is kept here. */
export type DpopProofs = {
  /** Checks the value of the one `DPoP` header; what several of them come to, joined by commas, is no proof. */
  check(proof: string, request: DpopRequest): Promise<Result<DpopProof, DpopRefusal>>;
  /** The key that a good proof has brought, as a device's key. */
  keyOf(proof: string): Promise<Result<DeviceKey, RefusalOf<"bad_key">>>;
  /** Server nonces that are good now (RFC 9449 §8): the one to hand out, and the one before it. */
  nonces(now: Instant): Promise<readonly [current: string, previous: string]>;
};
