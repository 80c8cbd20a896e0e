import { toBase64Url } from "../../src/core/base64.ts";

const utf8 = new TextEncoder();

/** JSON as base64url; a text goes as it is. */
export const encoded = (value: unknown): string =>
  toBase64Url(utf8.encode(typeof value === "string" ? value : JSON.stringify(value)));

export type P256Pair = { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey };

export const p256 = async (namedCurve = "P-256"): Promise<P256Pair> =>
  (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve }, true, ["sign", "verify"])) as P256Pair;

export async function pemOf({ publicKey }: P256Pair): Promise<string> {
  const spki = new Uint8Array((await crypto.subtle.exportKey("spki", publicKey)) as ArrayBuffer);
  return `-----BEGIN PUBLIC KEY-----\n${spki.toBase64().replaceAll(/.{64}(?!$)/g, "$&\n")}\n-----END PUBLIC KEY-----\n`;
}

/** A compact JWS over whatever is given, so also over what no library would sign. */
export async function jws(key: CryptoKey, header: unknown, payload: unknown): Promise<string> {
  const input = `${encoded(header)}.${encoded(payload)}`;
  const signed = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, utf8.encode(input));
  return `${input}.${toBase64Url(new Uint8Array(signed))}`;
}
