import { toBase64Url } from "./bytes.ts";
import type { PublicJwk } from "./signer.ts";

const COORDINATE = 32;
const POINT = 1 + 2 * COORDINATE;

/** P-256 (FIPS 186-5, SP 800-186 §3.2.1.3): y² = x³ - 3x + b mod p. */
const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** The public key of a native module: a point of 65 bytes, a compressed one of 33 bytes (SEC 1 §2.3.3), or an SPKI of 91 bytes. */
export function publicJwk(bytes: Uint8Array): PublicJwk {
  const point = bytes.length > POINT ? bytes.slice(-POINT) : bytes;
  const [form] = point;
  const x = point.slice(1, 1 + COORDINATE);
  if (point.length === POINT && form === 4) return jwkOf(x, point.slice(1 + COORDINATE));
  if (point.length === 1 + COORDINATE && (form === 2 || form === 3)) return jwkOf(x, yOf(x, form === 3));
  throw new TypeError("these bytes are no public key of P-256");
}

const jwkOf = (x: Uint8Array, y: Uint8Array): PublicJwk => ({
  kty: "EC",
  crv: "P-256",
  x: toBase64Url(x),
  y: toBase64Url(y),
});

const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function yOf(bytes: Uint8Array, isOdd: boolean): Uint8Array {
  const x = BigInt(`0x${hexOf(bytes)}`);
  const square = ((((x * x - 3n) * x + B) % P) + P) % P;
  // p is 3 mod 4, so a square's root is its power of (p + 1) / 4.
  const root = power(square, (P + 1n) / 4n);
  if (x >= P || (root * root) % P !== square) throw new TypeError("these bytes are no public key of P-256");
  const y = (root % 2n === 1n) === isOdd ? root : P - root;
  const hex = y.toString(16).padStart(2 * COORDINATE, "0");
  return Uint8Array.from({ length: COORDINATE }, (_, index) =>
    Number(`0x${hex.slice(2 * index, 2 * index + 2)}`),
  );
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let [square, rest] = [base, exponent]; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

/** A DER signature, as Secure Enclave and Android Keystore write it (RFC 3279 §2.2.3), as the 64 bytes of r and s. */
export function rawSignature(der: Uint8Array): Uint8Array<ArrayBuffer> {
  const raw = new Uint8Array(2 * COORDINATE);
  let at = 2;
  for (const end of [COORDINATE, 2 * COORDINATE]) {
    const length = der[at + 1] ?? 0;
    const number = der.slice(at + 2, at + 2 + length);
    const digits = number.slice(Math.max(0, length - COORDINATE));
    const isWhole = der[0] === 0x30 && der[at] === 2 && number.length === length && length > 0;
    if (!isWhole || length > COORDINATE + 1) throw new TypeError("these bytes are no DER signature of P-256");
    raw.set(digits, end - digits.length);
    at += 2 + length;
  }
  if (at !== der.length) throw new TypeError("these bytes are no DER signature of P-256");
  return raw;
}
