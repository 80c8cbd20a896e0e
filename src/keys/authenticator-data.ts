import { readCbor } from "./cbor.ts";
import { type CoseKey, readCoseKey } from "./cose-key.ts";

type Credential = { readonly id: Uint8Array; readonly key: CoseKey };

/** Authenticator data (WebAuthn §6.1). A credential is there when one was made. */
export type AuthenticatorData = {
  readonly rpIdHash: Uint8Array;
  readonly userPresent: boolean;
  readonly userVerified: boolean;
  /** Whether the key may leave this one authenticator, which never changes, and whether it has (WebAuthn §6.1.3). */
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
  readonly signCount: number;
  readonly credential?: Credential;
};

const FLAG = {
  present: 0x01,
  verified: 0x04,
  eligible: 0x08,
  backedUp: 0x10,
  credential: 0x40,
  extensions: 0x80,
};
/** Hash, flags and counter; then 16 bytes of the maker's id and two of the credential id's length. */
const HEAD = 37;
const CREDENTIAL_HEAD = HEAD + 18;

/**
 * Reads authenticator data, or says why not. Of a creation it holds a credential, of an assertion none; extensions that nobody
 * asked for may follow in one map and are not looked at; and then nothing follows.
 */
export function readAuthenticatorData(
  bytes: Uint8Array,
  made: "creation" | "assertion",
): AuthenticatorData | string {
  if (bytes.length < HEAD) return "the authenticator data is too short";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(32);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if (has(FLAG.credential) !== (made === "creation")) return "the credential data is not where it belongs";
  if (has(FLAG.backedUp) && !has(FLAG.eligible)) return "a key that cannot be backed up is said to be";
  const read = has(FLAG.credential) ? readCredential(bytes, view) : { end: HEAD };
  if (typeof read === "string") return read;
  const extensions = has(FLAG.extensions) ? readCbor(bytes, read.end) : { value: new Map(), end: read.end };
  if (!(extensions?.value instanceof Map)) return "the extensions cannot be read";
  if (extensions.end !== bytes.length) return "bytes are left over";
  return {
    rpIdHash: bytes.slice(0, 32),
    userPresent: has(FLAG.present),
    userVerified: has(FLAG.verified),
    backupEligible: has(FLAG.eligible),
    backedUp: has(FLAG.backedUp),
    signCount: view.getUint32(33),
    ...("credential" in read ? { credential: read.credential } : {}),
  };
}

function readCredential(
  bytes: Uint8Array,
  view: DataView,
): { readonly credential: Credential; readonly end: number } | string {
  if (bytes.length < CREDENTIAL_HEAD) return "the credential data is too short";
  const keyAt = CREDENTIAL_HEAD + view.getUint16(CREDENTIAL_HEAD - 2);
  const read = readCbor(bytes, keyAt);
  if (!read) return "the credential's key cannot be read";
  const key = readCoseKey(read.value);
  if (!key) return "the key is neither ES256 over P-256 nor RS256";
  return { credential: { id: bytes.slice(CREDENTIAL_HEAD, keyAt), key }, end: read.end };
}
