import { ASN1EncodableSequence, ASN1Integer, encodeASN1, parseASN1NoLeftoverBytes } from "@oslojs/asn1";
import { sameBytes } from "./spki.ts";

/** Order of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const HALF = 32;

/**
 * r ‖ s, 64 bytes, of an ECDSA signature in canonical DER (RFC 3279 §2.2.3); undefined for anything else: raw signatures,
 * longer spellings, numbers outside [1, n-1]. A high s is good: nothing is remembered by signature bytes.
 */
export function rawFromDer(der: Uint8Array): Uint8Array | undefined {
  const numbers = parse(der);
  if (numbers?.every((number) => number >= 1n && number < ORDER) !== true) return undefined;
  const hex = numbers.map((number) => number.toString(16).padStart(HALF * 2, "0")).join("");
  return Uint8Array.fromHex(hex);
}

function parse(der: Uint8Array): readonly bigint[] | undefined {
  try {
    const sequence = parseASN1NoLeftoverBytes(der).sequence();
    const numbers = [sequence.at(0).integer().value, sequence.at(1).integer().value];
    const canonical = encodeASN1(new ASN1EncodableSequence(numbers.map((number) => new ASN1Integer(number))));
    return sameBytes(canonical, der) ? numbers : undefined;
  } catch {
    return undefined;
  }
}
