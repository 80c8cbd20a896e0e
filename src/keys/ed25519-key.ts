import { fromBase64 } from "../core/base64.ts";

/** Characters and bytes of a device's Ed25519 public key (Cotter §5). */
const TEXT_LENGTH = 44;
const KEY_LENGTH = 32;

/**
 * y coordinates, little-endian with the sign bit clear, of every encoding of the eight small-order points, 0 and 1 also in
 * their unreduced spelling. Anybody can forge a signature that verifies over them, and runtimes import them.
 */
const SMALL_ORDER = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

const PRIME = 2n ** 255n - 19n;

/** The 32 bytes of an Ed25519 key text, or why it is refused: one spelling for each key, and no key that all can sign for. */
export function readEd25519(text: string): Uint8Array | string {
  const bytes = text.length === TEXT_LENGTH ? fromBase64(text) : undefined;
  if (bytes?.length !== KEY_LENGTH) return "an Ed25519 key is 32 bytes in 44 characters of canonical base64";
  const y = withoutSign(bytes);
  if (SMALL_ORDER.has(y.toHex())) return "the key is a point of small order";
  if (BigInt(`0x${y.toReversed().toHex()}`) >= PRIME) return "the key is not reduced";
  return bytes;
}

const withoutSign = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, index) => (index === KEY_LENGTH - 1 ? byte & 0x7f : byte));
