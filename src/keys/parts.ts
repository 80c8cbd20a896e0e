import { toBase64Url } from "../core/base64.ts";

const utf8 = new TextEncoder();

/**
 * One byte string for a list of texts, so that no two lists give the same: each part is preceded by its length, 4 bytes
 * big-endian. The label comes first and keeps the uses of one key apart.
 */
export function joinParts(label: string, parts: readonly string[]): Uint8Array {
  const encoded = [`countersign/${label}`, ...parts].map((part) => utf8.encode(part));
  const joined = new Uint8Array(encoded.reduce((size, part) => size + 4 + part.length, 0));
  const view = new DataView(joined.buffer);
  let offset = 0;
  for (const part of encoded) {
    view.setUint32(offset, part.length);
    joined.set(part, offset + 4);
    offset += 4 + part.length;
  }
  return joined;
}

/** SHA-256 of bytes, base64url. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
