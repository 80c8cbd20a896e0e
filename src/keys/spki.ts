import {
  ASN1BitString,
  ASN1EncodableSequence,
  ASN1Integer,
  ASN1Null,
  ASN1ObjectIdentifier,
  encodeASN1,
  encodeObjectIdentifier,
  parseASN1NoLeftoverBytes,
} from "@oslojs/asn1";
import { fromBase64 } from "../core/base64.ts";

/** Nothing that is a key here is longer: RSA 4096 with a line break every 64 characters is 750. */
const TEXT_LIMIT = 1_024;

/** SPKI header of an uncompressed P-256 point with the named curve (RFC 5480 §2); 65 bytes of point follow. */
export const P256_HEADER = [
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
  0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
const P256_LENGTH = P256_HEADER.length + 64;

const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const MODULUS_BITS = { least: 2048, most: 4096 };
const EXPONENT_LIMIT = 2n ** 32n;

/** The bytes of base64 text in which white space may stand anywhere, as phones wrap their lines; otherwise canonical. */
export function fromWrappedBase64(text: string): Uint8Array | undefined {
  return text.length > TEXT_LIMIT ? undefined : fromBase64(text.replace(/[ \t\r\n]/g, ""));
}

/** DER of a P-256 key, or why it is refused: exactly the 91 bytes of an uncompressed point that is on the curve. */
export async function readP256(text: string): Promise<Uint8Array | string> {
  const der = fromWrappedBase64(text);
  if (der === undefined) return "the key is not canonical base64";
  const framed = der.length === P256_LENGTH && P256_HEADER.every((byte, index) => der[index] === byte);
  if (!framed) return "the key is not an uncompressed P-256 SubjectPublicKeyInfo";
  return (await imports(der, { name: "ECDSA", namedCurve: "P-256" })) ? der : "the point is not on the curve";
}

/** DER of an RSA key, or why it is refused: modulus 2048 to 4096 bits, odd exponent from 3, in canonical DER. */
export async function readRsa(text: string): Promise<Uint8Array | string> {
  const der = fromWrappedBase64(text);
  if (der === undefined) return "the key is not canonical base64";
  const parsed = parseRsa(der);
  if (parsed === undefined) return "the key is not a canonical RSA SubjectPublicKeyInfo";
  const { modulus, exponent } = parsed;
  const bits = modulus.toString(2).length;
  if (modulus <= 0n || bits < MODULUS_BITS.least || bits > MODULUS_BITS.most) {
    return "an RSA key has 2048 to 4096 bits";
  }
  if (modulus % 2n === 0n) return "the modulus is even";
  if (exponent < 3n || exponent > EXPONENT_LIMIT || exponent % 2n === 0n) return "the exponent is not fit";
  const usable = await imports(der, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" });
  return usable ? der : "the key cannot be used";
}

function parseRsa(der: Uint8Array): { readonly modulus: bigint; readonly exponent: bigint } | undefined {
  try {
    const bits = parseASN1NoLeftoverBytes(der).sequence().at(1).bitString();
    const numbers = parseASN1NoLeftoverBytes(bits.bytes).sequence();
    const [modulus, exponent] = [numbers.at(0).integer().value, numbers.at(1).integer().value];
    return sameBytes(rsaSpki(modulus, exponent), der) ? { modulus, exponent } : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 3279 §2.3.1. Encoding again is what finds every other spelling, trailing bytes and foreign algorithms. */
export function rsaSpki(modulus: bigint, exponent: bigint): Uint8Array {
  const algorithm = new ASN1EncodableSequence([
    new ASN1ObjectIdentifier(encodeObjectIdentifier(RSA_ENCRYPTION)),
    new ASN1Null(),
  ]);
  const numbers = encodeASN1(
    new ASN1EncodableSequence([new ASN1Integer(modulus), new ASN1Integer(exponent)]),
  );
  return encodeASN1(new ASN1EncodableSequence([algorithm, new ASN1BitString(numbers, numbers.length * 8)]));
}

/** Whether two byte strings that are no secrets are the same. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

type ImportKind = { readonly name: string; readonly namedCurve?: string; readonly hash?: string };

async function imports(der: Uint8Array, kind: ImportKind): Promise<boolean> {
  try {
    await crypto.subtle.importKey("spki", der, kind, false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}
