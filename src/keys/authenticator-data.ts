import { type Cbor, readCbor } from "./cbor.ts";

/** Authenticator data (WebAuthn §6.1). A credential is there when one was made, and its key is a point of P-256: x ‖ y, 64 bytes. */
export type AuthenticatorData = {
  readonly rpIdHash: Uint8Array;
  readonly userPresent: boolean;
  readonly userVerified: boolean;
  readonly signCount: number;
  readonly credential?: { readonly id: Uint8Array; readonly point: Uint8Array };
};

const FLAG = { present: 0x01, verified: 0x04, credential: 0x40, extensions: 0x80 };
/** Hash, flags and counter; then 16 bytes of the maker's id and two of the credential id's length. */
const HEAD = 37;
const CREDENTIAL_HEAD = HEAD + 18;

/** COSE (RFC 9053): key type, algorithm, curve and the coordinates; values of ES256 over P-256. */
const COSE = { kty: 1, alg: 3, crv: -1, x: -2, y: -3 };
const ES256 = { kty: 2, alg: -7, crv: 1 };
const COORDINATE = 32;

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
  const read = has(FLAG.credential) ? readCredential(bytes, view) : { end: HEAD };
  if (typeof read === "string") return read;
  const extensions = has(FLAG.extensions) ? readCbor(bytes, read.end) : { value: new Map(), end: read.end };
  if (!(extensions?.value instanceof Map)) return "the extensions cannot be read";
  if (extensions.end !== bytes.length) return "bytes are left over";
  return {
    rpIdHash: bytes.slice(0, 32),
    userPresent: has(FLAG.present),
    userVerified: has(FLAG.verified),
    signCount: view.getUint32(33),
    ...("credential" in read ? { credential: read.credential } : {}),
  };
}

type Made = { readonly credential: { readonly id: Uint8Array; readonly point: Uint8Array }; end: number };

function readCredential(bytes: Uint8Array, view: DataView): Made | string {
  if (bytes.length < CREDENTIAL_HEAD) return "the credential data is too short";
  const keyAt = CREDENTIAL_HEAD + view.getUint16(CREDENTIAL_HEAD - 2);
  const key = readCbor(bytes, keyAt);
  if (!key) return "the credential's key cannot be read";
  const point = pointOf(key.value);
  if (!point) return "the key is not ES256 over P-256";
  return { credential: { id: bytes.slice(CREDENTIAL_HEAD, keyAt), point }, end: key.end };
}

/** A credential's key names its algorithm and holds no member that its type does not demand (WebAuthn §6.5.1.1). */
function pointOf(key: Cbor): Uint8Array | undefined {
  if (!(key instanceof Map) || key.size !== Object.keys(COSE).length) return undefined;
  const [x, y] = [key.get(COSE.x), key.get(COSE.y)];
  const named =
    key.get(COSE.kty) === ES256.kty && key.get(COSE.alg) === ES256.alg && key.get(COSE.crv) === ES256.crv;
  if (!named || !(x instanceof Uint8Array) || !(y instanceof Uint8Array)) return undefined;
  return x.length === COORDINATE && y.length === COORDINATE ? Uint8Array.from([...x, ...y]) : undefined;
}
