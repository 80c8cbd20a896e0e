import type { Door } from "../challenge/state.ts";
import type { ClientId, DeviceId, Realm, UserId } from "../ids.ts";
import type { Instant } from "../time.ts";

/** Kinds of device key. `EC` is P-256; RSA is PKCS#1 v1.5 with SHA-256 (old Android). */
export type KeyAlgorithm = "Ed25519" | "EC" | "RSA";

/** A public key whose encoding has been found canonical. `bytes` are base64url: 32 raw bytes for Ed25519, SPKI DER otherwise. */
export type DeviceKey = {
  readonly algorithm: KeyAlgorithm;
  readonly bytes: string;
  /** base64url SHA-256 of the decoded key: by it a key is found, however its text was wrapped. */
  readonly fingerprint: string;
};

/** What a passkey told of itself when it was last used (WebAuthn §6.1). An older row lacks the backup until its next use. */
export type PasskeyState = {
  readonly signCount: number;
  /** Whether the key may be copied to other devices; never changes. */
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
};

/** One enrolled authenticator of one user. */
export type Device = {
  readonly id: DeviceId;
  readonly userId: UserId;
  readonly realm: Realm;
  readonly key: DeviceKey;
  readonly name: string;
  readonly kind: string;
  readonly door: Door;
  readonly clientId: ClientId;
  readonly enrolledAt: Instant;
  readonly revokedAt?: Instant;
  readonly revokedReason?: string;
  /** Of a passkey: its WebAuthn credential id, base64url. */
  readonly credentialId?: string;
  /** The client whose code or word let it in, where that was not the one that enrolled it: an app's backend. */
  readonly letInBy?: ClientId;
  /** True of a device that a code alone has let in, without another factor. */
  readonly byCode?: boolean;
} & Partial<PasskeyState>;

/** Whether this door enrolled the device for this client, or on its word: nobody else takes it away but the operator. */
export const isEnrolledBy = (device: Device, door: Door, clientId: ClientId): boolean =>
  device.door === door && (device.clientId === clientId || device.letInBy === clientId);
