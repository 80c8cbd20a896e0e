import type { Lane, ListedKey, StoredKey } from "../key/key.ts";
import type { RefusalOf } from "../refusal.ts";
import type { Result } from "../result.ts";
import type { TokenClaims, TokenDemands, TokenHeader } from "../token/token.ts";

/** Signing keys at rest. `insert` answers false when that generation of the lane exists: of two makers one wins. */
export type KeyShelf = {
  all(): Promise<readonly StoredKey[]>;
  insert(key: StoredKey): Promise<boolean>;
  /** Deletes a key that is published no more. */
  remove(lane: Lane, generation: number): Promise<void>;
};

/** The signing keys of this deployment. Makes the first of a lane at need. */
export type Keyring = {
  /** kid of the key that signs now. */
  currentKid(lane: Lane): Promise<string>;
  /** Public JWKs that a verifier may meet, the pinned Cotter key first when `cotterFirst`. Never a private member. */
  published(options?: {
    readonly cotterFirst?: boolean;
  }): Promise<readonly Readonly<Record<string, string>>[]>;
  /** Signs a compact JWS with this lane's key: the given kid while it is published, else the current one. */
  sign(lane: "standard" | "cotter", header: TokenHeader, claims: TokenClaims, kid?: string): Promise<string>;
  /** Ed25519 signature over UTF-8 text, standard base64 (Cotter §6). */
  signStatement(text: string): Promise<string>;
  /** Standard base64 of the 32 bytes of the statement key. */
  statementKey(): Promise<string>;
  /** Begins a new key; `standard` becomes current after the published overlap, `cotter` at once. */
  rotate(lane: "standard" | "cotter"): Promise<ListedKey>;
  /** Rotates the standard lane when its newest key is old, and drops what is published no more. */
  upkeep(): Promise<void>;
  list(): Promise<readonly ListedKey[]>;
  /** Throws when the keys cannot be used; for /healthz. */
  check(): Promise<void>;
};

/** Reads tokens of this deployment: ES256 by a published key and nothing else, access and ID tokens told apart (T27, T87). */
export type TokenVerifier = {
  verify(token: string, demands: TokenDemands): Promise<Result<TokenClaims, RefusalOf<"bad_token">>>;
};
