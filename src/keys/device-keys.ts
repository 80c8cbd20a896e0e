import { fromBase64Url, toBase64Url } from "../core/base64.ts";
import type { DeviceKey, KeyAlgorithm } from "../core/device/device.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok, type Result } from "../core/result.ts";
import { readEd25519 } from "./ed25519-key.ts";
import { sha256 } from "./parts.ts";
import { readP256, readRsa } from "./spki.ts";

type Reader = (text: string) => Uint8Array | string | Promise<Uint8Array | string>;

const READERS: Readonly<Record<KeyAlgorithm, Reader>> = {
  Ed25519: readEd25519,
  EC: readP256,
  RSA: readRsa,
};

/** Reads a public key text of this algorithm; refuses every encoding but the canonical one (settled question 9). */
export async function readDeviceKey(
  text: string,
  algorithm: KeyAlgorithm,
): Promise<Result<DeviceKey, RefusalOf<"bad_key">>> {
  const read = await READERS[algorithm](text);
  if (typeof read === "string") return no({ code: "bad_key", detail: read });
  return ok({ algorithm, bytes: toBase64Url(read), fingerprint: await sha256(read) });
}

type Bare = Pick<DeviceKey, "algorithm" | "bytes">;

/** The key for verifying. Throws when the stored bytes are not a key. */
export function importDeviceKey(key: Bare, { extractable = false } = {}): Promise<CryptoKey> {
  const bytes = fromBase64Url(key.bytes);
  if (bytes === undefined) throw new Error("a stored device key cannot be read");
  const { subtle } = crypto;
  switch (key.algorithm) {
    case "Ed25519":
      return subtle.importKey("raw", bytes, "Ed25519", extractable, ["verify"]);
    case "EC": {
      const ecdsa = { name: "ECDSA", namedCurve: "P-256" };
      return subtle.importKey("spki", bytes, ecdsa, extractable, ["verify"]);
    }
    case "RSA": {
      const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
      return subtle.importKey("spki", bytes, rsa, extractable, ["verify"]);
    }
  }
}

/** How each kind signs, in the names of RFC 7518 §3.1 and RFC 8037 §3.1. */
const JWA: Readonly<Record<KeyAlgorithm, string>> = { Ed25519: "EdDSA", EC: "ES256", RSA: "RS256" };

/** The key as a public JWK with its `alg` (RFC 7517 §4). */
export async function deviceJwk(key: Bare): Promise<Readonly<Record<string, string>>> {
  const jwk = await crypto.subtle.exportKey("jwk", await importDeviceKey(key, { extractable: true }));
  if (jwk instanceof ArrayBuffer) throw new Error("a JWK is no bytes");
  const { kty = "", crv, x, y, n, e } = jwk;
  const members = Object.entries({ kty, crv, x, y, n, e, alg: JWA[key.algorithm] });
  return Object.fromEntries(members.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
