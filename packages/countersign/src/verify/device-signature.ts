import { base64url, compactVerify, importJWK } from "jose";
import type { PublicJwk, SignedClaim } from "./receipt-claims.ts";

const utf8 = new TextEncoder();

/**
 * The text that this device's key has signed; undefined where it has signed a challenge of no text. Throws where the signature does not
 * hold, whatever is wrong with it.
 */
export async function signedText(signed: SignedClaim): Promise<string | undefined> {
  switch (signed.form) {
    case "jws":
      return await textOfJws(signed.jws, signed.key);
    case "text":
      await mustHold(signed.key, signed.signature, new Uint8Array(utf8.encode(signed.text)));
      return signed.text;
    case "webauthn":
      return await textOfAssertion(signed);
  }
}

async function textOfJws(jws: string, key: PublicJwk): Promise<string> {
  const { payload, protectedHeader } = await compactVerify(jws, await keyOf(key), { algorithms: [key.alg] });
  if (protectedHeader.typ !== "countersign+jws") throw new Error("another type of JWS");
  return textOf(payload);
}

/** WebAuthn §7.2: over the authenticator's data and the hash of what the browser was asked. */
async function textOfAssertion(
  signed: Extract<SignedClaim, { form: "webauthn" }>,
): Promise<string | undefined> {
  const { key, text, signature } = signed;
  const clientData = base64url.decode(signed.client_data);
  const authenticator = base64url.decode(signed.authenticator_data);
  await mustHold(key, signature, joined(authenticator, await sha256(clientData)));
  const data = JSON.parse(textOf(clientData)) as { readonly type?: unknown; readonly challenge?: unknown };
  if (data.type !== "webauthn.get") throw new Error("another ceremony");
  if (text === undefined) return undefined;
  if (data.challenge !== base64url.encode(await sha256(utf8.encode(text)))) throw new Error("another text");
  return text;
}

const WEB_CRYPTO: Readonly<Record<PublicJwk["alg"], { readonly name: string; readonly hash?: string }>> = {
  ES256: { name: "ECDSA", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
  RS256: { name: "RSASSA-PKCS1-v1_5" },
};

async function mustHold(key: PublicJwk, signature: string, message: Uint8Array<ArrayBuffer>): Promise<void> {
  const given = new Uint8Array(base64url.decode(signature));
  const isGood = await crypto.subtle.verify(WEB_CRYPTO[key.alg], await keyOf(key), given, message);
  if (!isGood) throw new Error("the signature does not hold");
}

async function keyOf(key: PublicJwk): Promise<CryptoKey> {
  const imported = await importJWK(key, key.alg);
  if (imported instanceof Uint8Array) throw new Error("a secret is no device's key");
  return imported;
}

const textOf = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));

function joined(one: Uint8Array, two: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + two.length);
  both.set(one);
  both.set(two, one.length);
  return both;
}
