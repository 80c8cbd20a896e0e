import { CountersignError } from "../errors.ts";
import { toBase64Url, utf8 } from "./bytes.ts";

/** The public half of a P-256 key (RFC 7518 §6.2.1). */
export type PublicJwk = {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
};

/** A P-256 key that signs: of Web Crypto, or of the phone's own hardware by a native module. */
export type Signer = {
  readonly publicJwk: PublicJwk;
  /** ECDSA with SHA-256 over these bytes: r and s, 32 bytes each (RFC 7518 §3.4). Not DER. */
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
};

/** What else is needed of the platform: a digest and random ids. Web Crypto has both. */
export type PhoneCrypto = {
  sha256(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer | Uint8Array>;
  randomUUID(): string;
};

export const webCrypto: PhoneCrypto = {
  sha256: (bytes) => crypto.subtle.digest("SHA-256", bytes),
  randomUUID: () => crypto.randomUUID(),
};

/** A signature is r and s in 64 bytes (RFC 7518 §3.4). */
const SIGNATURE_BYTES = 64;

/** A signer that answers DER is refused here: the server would refuse its signatures without saying why. */
async function signed(signer: Signer, input: string): Promise<Uint8Array> {
  try {
    const signature = await signer.sign(utf8(input));
    if (signature.length === SIGNATURE_BYTES) return signature;
    throw new TypeError(`the signer answered ${signature.length} bytes, not 64: see rawSignature`);
  } catch (cause) {
    throw new CountersignError("not_signed", "The key of this phone did not sign.", { reason: "key", cause });
  }
}

/** A compact JWS (RFC 7515 §3.1). Throws `not_signed` where the key does not sign. */
export async function jws(signer: Signer, header: object, payload: string): Promise<string> {
  const input = `${toBase64Url(utf8(JSON.stringify(header)))}.${toBase64Url(utf8(payload))}`;
  return `${input}.${toBase64Url(await signed(signer, input))}`;
}

/** SHA-256 of a text, base64url. */
export const digestOf = async ({ sha256 }: PhoneCrypto, text: string): Promise<string> =>
  toBase64Url(await sha256(utf8(text)));

/** Thumbprint of the key (RFC 7638 §3.2): its members in the order of their names. */
export const thumbprint = (crypto: PhoneCrypto, { publicJwk: { crv, kty, x, y } }: Signer): Promise<string> =>
  digestOf(crypto, JSON.stringify({ crv, kty, x, y }));

/** What a proof is for. `url` is without its query; `at` is in milliseconds. */
export type Proven = {
  readonly method: string;
  readonly url: string;
  readonly at: number;
  readonly token?: string | undefined;
};

/** A DPoP proof for one call (RFC 9449 §4.2). */
export async function dpopProof(
  crypto: PhoneCrypto,
  signer: Signer,
  { method, url, at, token }: Proven,
): Promise<string> {
  const claims = {
    htm: method,
    htu: url,
    jti: crypto.randomUUID(),
    iat: Math.floor(at / 1000),
    ...(token === undefined ? {} : { ath: await digestOf(crypto, token) }),
  };
  const { crv, kty, x, y } = signer.publicJwk;
  return await jws(
    signer,
    { alg: "ES256", jwk: { crv, kty, x, y }, typ: "dpop+jwt" },
    JSON.stringify(claims),
  );
}
