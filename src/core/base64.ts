/** base64url without padding (RFC 7515 §2). */
export const toBase64Url = (bytes: Uint8Array): string =>
  bytes.toBase64({ alphabet: "base64url", omitPadding: true });

type Alphabet = "base64" | "base64url";

function decode(text: string, alphabet: Alphabet): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text, { alphabet });
  } catch {
    return undefined;
  }
}

/**
 * The bytes of canonical standard base64 with its padding (RFC 4648 §3.5, §4); undefined for any other spelling of them: white space,
 * missing padding, bits that belong to no byte.
 */
export function fromBase64(text: string): Uint8Array | undefined {
  const bytes = decode(text, "base64");
  // The platform's decoder skips white space even when it is strict.
  return bytes?.toBase64() === text ? bytes : undefined;
}

/** The bytes of canonical base64url without padding; undefined for any other spelling of them. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  const bytes = decode(text, "base64url");
  return bytes !== undefined && toBase64Url(bytes) === text ? bytes : undefined;
}

const LENIENT = /^[A-Za-z0-9+/_-]*=*$/;

/** The bytes of base64 in either alphabet, padded or not, as SDKs write it; undefined for anything else, white space too. */
export function fromLenientBase64(text: string): Uint8Array | undefined {
  if (!LENIENT.test(text)) return undefined;
  return decode(text.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, ""), "base64");
}

/** The UTF-8 text of `fromLenientBase64`; a byte that is no UTF-8 is U+FFFD. */
export function textOfBase64(text: string): string | undefined {
  const bytes = fromLenientBase64(text);
  // A byte order mark stays, or one text would have two spellings.
  return bytes && new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
}
