import type { Enroller } from "../challenge/approvers.ts";
import type { ProofClaims, VerifiedProof } from "../challenge/proof.ts";
import type { DecisionKind } from "../challenge/state.ts";
import type { Device, DeviceKey, KeyAlgorithm, PasskeyState } from "../device/device.ts";
import type { Grant } from "../grant/state.ts";
import type { ChallengeId, ClientId } from "../ids.ts";
import type { RefusalOf } from "../refusal.ts";
import type { Result } from "../result.ts";
import type { User } from "../user/user.ts";
import type { KeptSecret } from "./clients.ts";

/** Keyed derivations: handles, names, hashes. All MACs are HMAC-SHA-256, base64url (settled questions 1-5). */
export type Handles = {
  /** `<challenge id>.<MAC(id ‖ kind)>`: what a waiter holds. */
  mint(id: ChallengeId, kind: string): Promise<string>;
  /** The challenge id of a genuine handle of this kind; nothing is woken for a forged one. */
  read(handle: string, kind: string): Promise<ChallengeId | undefined>;
  /** Names of the object of a number that a wire demands, newest handle key first. */
  numberNames(door: string, clientId: ClientId, number: string): Promise<readonly string[]>;
  /** The refresh token of a grant's present generation, which it names. */
  refreshToken(grant: Grant): Promise<string>;
  /** The grant id that a refresh token names, before anything is checked. */
  grantIdOf(token: string): string | undefined;
  /** The generation of this grant that the token is, or undefined for a forged one, which costs no more to find out. */
  generationOf(token: string, grant: Grant): Promise<number | undefined>;
  /** Handle-key version that new tokens are derived with. */
  readonly keyVersion: number;
  /** What a redeemer proves, as one digest: SHA-256 over the parts, each length-prefixed. */
  waiterProof(parts: readonly string[]): Promise<string>;
  /** Keyed hash of a low-entropy secret with its row's context (settled question 5). */
  pepper(context: readonly string[], secret: string): Promise<string>;
  /** SHA-256 as base64url; for digests of signing inputs. */
  digest(parts: readonly string[]): Promise<string>;
};

/** Client secrets: 256 bits of our own, kept hashed and sealed. */
export type ClientSecrets = {
  make(): Promise<{ readonly secret: string; readonly kept: KeptSecret }>;
  hash(secret: string): Promise<string>;
  unseal(sealed: string): Promise<string>;
  /** Compares two secrets of any length in constant time. */
  equal(a: string, b: string): Promise<boolean>;
};

/** What a browser was asked to sign: the challenge text, and from which pages, for which rp id it may come. */
export type PasskeyCeremony = {
  readonly challenge: string;
  readonly origins: readonly string[];
  readonly rpId: string;
};

/** A new passkey, read from what a browser sent. `credentialId` is base64url. */
export type ReadPasskey = PasskeyState & { readonly credentialId: string; readonly key: DeviceKey };

/** A passkey's signature with what it is over, each base64url. */
export type PasskeyAnswer = {
  readonly clientData: string;
  readonly authenticatorData: string;
  readonly signature: string;
};

/** Whose proof it is, as the request has just read them. */
export type Prover = Pick<User, "id" | "status">;

/** What a page of ours adds to a proof: what was decided, how far the device reaches, and how the approval was given beside the key. */
export type OnPage = {
  readonly decision: DecisionKind;
  readonly through: Enroller;
  /** Of a passkey: the text whose SHA-256 it has signed as its challenge. */
  readonly text?: string;
  /** Turns the methods that the key shows (RFC 8176) into those of the approval. */
  readonly amr?: (shown: readonly string[]) => readonly string[];
};

type OfUser<Claims> = Claims extends unknown ? Omit<Claims, "userId"> : never;
/** What is vouched for, without the user: that is the prover's own id. */
export type VouchedClaims = OfUser<Exclude<ProofClaims, { kind: "device" }>>;

/**
 * The proof module: the only maker of VerifiedProof, and so the one place that every approval passes. Who approves must be shown to it as
 * they are now: a locked user's proof of an approval is refused (`user_locked`), once the evidence is good. A denial stays possible.
 */
export type Proofs = {
  /** Reads a device key text of a door, refusing every encoding that is not canonical (T26, settled question 9). */
  readKey(text: string, algorithm: KeyAlgorithm): Promise<Result<DeviceKey, RefusalOf<"bad_key">>>;
  /** A device's key as a public JWK with its `alg` (RFC 7517 §4). */
  publicKey(key: Pick<DeviceKey, "algorithm" | "bytes">): Promise<Readonly<Record<string, string>>>;
  /** Checks the signature of a device of this user over UTF-8 `message`; `signature` is base64 text, whitespace ignored. ECDSA is DER. */
  device(
    prover: Prover,
    device: Device,
    message: string,
    signature: string,
    decision: "approve" | "deny",
  ): Promise<
    Result<
      VerifiedProof,
      RefusalOf<"bad_signature" | "device_revoked" | "device_of_another_user" | "user_locked">
    >
  >;
  /** What every spelling of one signature has in common, its twin with the other s too; of what is none, the text itself. */
  signatureMark(signature: string): string;
  /** Reads a new passkey of this ceremony: ES256 or RS256, user present and verified; its attestation is not trusted. */
  readPasskey(
    answer: { readonly credentialId: string; readonly clientData: string; readonly attestationData: string },
    ceremony: PasskeyCeremony,
  ): Promise<Result<ReadPasskey, RefusalOf<"bad_key">>>;
  /**
   * Checks a passkey's signature over this ceremony; it approves, unless a page of ours says what was decided. One that may be backed up now and could not before, or the other way
   * round, is `bad_key`. The counter is for the store to compare.
   */
  passkey(
    prover: Prover,
    device: Device,
    answer: PasskeyAnswer,
    ceremony: PasskeyCeremony,
    onPage?: OnPage,
  ): Promise<
    Result<
      { readonly proof: VerifiedProof; readonly state: PasskeyState },
      RefusalOf<"bad_key" | "bad_signature" | "device_revoked" | "device_of_another_user" | "user_locked">
    >
  >;
  /**
   * Checks a compact JWS by a P-256 key of this user over exactly this text. Its header is `alg` ES256, `kid` the device and `typ`
   * `countersign+jws`, and nothing else. `bad_signature` for any other.
   */
  statement(
    prover: Prover,
    device: Device,
    text: string,
    jws: string,
    onPage: OnPage,
  ): Promise<
    Result<
      VerifiedProof,
      RefusalOf<"bad_signature" | "device_revoked" | "device_of_another_user" | "user_locked">
    >
  >;
  /** A proof of another kind, whose evidence the caller has checked: code typed back, service token, first enrolment. */
  vouch(prover: Prover, claims: VouchedClaims): Result<VerifiedProof, RefusalOf<"user_locked">>;
};

/**
 * Closes texts that rest for a while (queue bodies, the development outbox) and opens them again: AES-GCM under a key derived
 * from KEY_ENCRYPTION_KEY for this purpose and id alone, so that a sealed text opens nowhere else. Opening throws an Outage when
 * the key's version is gone or the text is not whole.
 */
export type Sealing = {
  seal(text: string, purpose: string, id: string): Promise<string>;
  unseal(sealed: string, purpose: string, id: string): Promise<string>;
  /** The same for a text that comes from outside: undefined where nothing of ours opens. */
  open(sealed: string, purpose: string, id: string): Promise<string | undefined>;
};
