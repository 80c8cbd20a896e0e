import { toBase64Url } from "./base64url.ts";

const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;

/** A key pair for `dpop`; its private half cannot be exported, so a stolen token is of no use elsewhere. */
export const newDpopKeys = async (): Promise<CryptoKeyPair> =>
  (await crypto.subtle.generateKey(P256, false, ["sign", "verify"])) as CryptoKeyPair;

const utf8 = (text: string) => new TextEncoder().encode(text);
const part = (value: object): string => toBase64Url(utf8(JSON.stringify(value)));

type Proof = {
  readonly method: string;
  readonly url: string;
  /** The server's, from its last `DPoP-Nonce`. */
  readonly nonce?: string | undefined;
  readonly accessToken?: string;
};

/** A proof that this call is of the key's holder (RFC 9449 §4.2). */
export async function makeProof(
  keys: CryptoKeyPair,
  { method, url, nonce, accessToken }: Proof,
): Promise<string> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", keys.publicKey);
  const { origin, pathname } = new URL(url);
  const claims = {
    jti: crypto.randomUUID(),
    htm: method,
    htu: `${origin}${pathname}`,
    iat: Math.floor(Date.now() / 1000),
    ...(nonce === undefined ? {} : { nonce }),
    ...(accessToken === undefined
      ? {}
      : { ath: toBase64Url(await crypto.subtle.digest("SHA-256", utf8(accessToken))) }),
  };
  const text = `${part({ typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } })}.${part(claims)}`;
  const signed = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, keys.privateKey, utf8(text));
  return `${text}.${toBase64Url(signed)}`;
}
