import { base64url, compactVerify, exportJWK, importJWK } from "jose";
import type { PublicJwk, SignedClaim } from "./receipt-claims.ts";

const utf8 = new TextEncoder();

/** The text that a device has signed, if it was one, and its key in the one spelling that it has. */
export type SignedText = { readonly text?: string; readonly key: PublicJwk };

/**
 * What this device's key has signed. A passkey's page has to be the issuer's own where it has signed a text of ours. Throws where the signature
 * does not hold, whatever is wrong with it.
 */
export async function signedText(signed: SignedClaim, issuer: string): Promise<SignedText> {
  const imported = await keyOf(signed.key);
  const key = await spelt(imported, signed.key.alg);
  switch (signed.form) {
    case "jws":
      return { text: await textOfJws(signed.jws, imported, key.alg), key };
    case "text":
      await mustHold(imported, key.alg, signed.signature, new Uint8Array(utf8.encode(signed.text)));
      return { text: signed.text, key };
    case "webauthn": {
      const text = await textOfAssertion(signed, imported, issuer);
      return { ...(text === undefined ? {} : { text }), key };
    }
  }
}

async function textOfJws(jws: string, key: CryptoKey, alg: string): Promise<string> {
  const { payload, protectedHeader } = await compactVerify(jws, key, { algorithms: [alg] });
  if (protectedHeader.typ !== "countersign+jws") throw new Error("another type of JWS");
  return textOf(payload);
}

/** User present and user verified (WebAuthn §6.1). */
const PRESENT_AND_VERIFIED = 5;

/** WebAuthn §7.2: over the authenticator's data and the hash of what the browser was asked. */
async function textOfAssertion(
  signed: Extract<SignedClaim, { form: "webauthn" }>,
  key: CryptoKey,
  issuer: string,
): Promise<string | undefined> {
  const { text, signature } = signed;
  const clientData = base64url.decode(signed.client_data);
  const authenticator = base64url.decode(signed.authenticator_data);
  await mustHold(key, signed.key.alg, signature, joined(authenticator, await sha256(clientData)));
  const data = JSON.parse(textOf(clientData)) as Readonly<Record<string, unknown>>;
  if (data.type !== "webauthn.get") throw new Error("another ceremony");
  if (text === undefined) return undefined;
  if (data.challenge !== base64url.encode(await sha256(utf8.encode(text)))) throw new Error("another text");
  if (data.origin !== issuer || (data.crossOrigin ?? false) !== false) throw new Error("another page");
  if (((authenticator[32] ?? 0) & PRESENT_AND_VERIFIED) !== PRESENT_AND_VERIFIED) {
    throw new Error("nobody has unlocked it");
  }
  return text;
}

const WEB_CRYPTO: Readonly<Record<PublicJwk["alg"], { readonly name: string; readonly hash?: string }>> = {
  ES256: { name: "ECDSA", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
  RS256: { name: "RSASSA-PKCS1-v1_5" },
};

async function mustHold(
  key: CryptoKey,
  alg: PublicJwk["alg"],
  signature: string,
  message: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const given = new Uint8Array(base64url.decode(signature));
  if (!(await crypto.subtle.verify(WEB_CRYPTO[alg], key, given, message))) {
    throw new Error("the signature does not hold");
  }
}

/** The members that make a key, and no other: some change what it may do. */
async function keyOf({ kty, crv, x, y, n, e, alg }: PublicJwk): Promise<CryptoKey> {
  const members = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
  const imported = await importJWK({ ...Object.fromEntries(members), ext: true }, alg);
  if (imported instanceof Uint8Array) throw new Error("a secret is no device's key");
  return imported;
}

/** As this runtime writes it: one key has several spellings in base64url, and a thumbprint is of the spelling. */
async function spelt(key: CryptoKey, alg: PublicJwk["alg"]): Promise<PublicJwk> {
  const { kty = "", crv, x, y, n, e } = await exportJWK(key);
  const members = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(members), kty, alg };
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
