import type { KeyAlgorithm } from "../core/device/device.ts";
import type { Cbor, CborMap } from "./cbor.ts";
import { P256_HEADER, rsaSpki } from "./spki.ts";

/** A credential's key as a SubjectPublicKeyInfo; whether it is a good key is for `readDeviceKey` to say. */
export type CoseKey = { readonly algorithm: KeyAlgorithm; readonly spki: Uint8Array };

/** Labels of COSE (RFC 9053 §7.1, RFC 8230 §4), and the values of ES256 over P-256 and of RS256. */
const LABEL = { kty: 1, alg: 3, crv: -1, x: -2, y: -3, n: -1, e: -2 };
const ES256 = { kty: 2, alg: -7, crv: 1, members: 5 };
const RS256 = { kty: 3, alg: -257, members: 4 };
const COORDINATE = 32;
/** Bytes of the longest modulus and exponent that are good: longer ones are not even calculated with. */
const LONGEST = { modulus: 512, exponent: 5 };

/** A key names its algorithm and holds no member that its type does not demand (WebAuthn §6.5.1.1); undefined for any other. */
export function readCoseKey(key: Cbor): CoseKey | undefined {
  if (!(key instanceof Map)) return undefined;
  return key.get(LABEL.kty) === RS256.kty ? readRs256(key) : readEs256(key);
}

function readEs256(key: CborMap): CoseKey | undefined {
  const { kty, alg, crv, members } = ES256;
  const named = key.get(LABEL.kty) === kty && key.get(LABEL.alg) === alg && key.get(LABEL.crv) === crv;
  if (!named || key.size !== members) return undefined;
  const [x, y] = [key.get(LABEL.x), key.get(LABEL.y)];
  if (!(x instanceof Uint8Array) || !(y instanceof Uint8Array)) return undefined;
  if (x.length !== COORDINATE || y.length !== COORDINATE) return undefined;
  return { algorithm: "EC", spki: Uint8Array.from([...P256_HEADER, ...x, ...y]) };
}

function readRs256(key: CborMap): CoseKey | undefined {
  if (key.get(LABEL.alg) !== RS256.alg || key.size !== RS256.members) return undefined;
  const n = shortest(key.get(LABEL.n), LONGEST.modulus);
  const e = shortest(key.get(LABEL.e), LONGEST.exponent);
  return n === undefined || e === undefined ? undefined : { algorithm: "RSA", spki: rsaSpki(n, e) };
}

/** A positive number in the fewest bytes, as RFC 8230 §4 wants it: a key has one spelling. */
function shortest(value: Cbor | undefined, most: number): bigint | undefined {
  const fits = value instanceof Uint8Array && value.length <= most && (value[0] ?? 0) !== 0;
  return fits ? BigInt(`0x${value.toHex()}`) : undefined;
}
