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

/** The key for verifying. Throws when the stored bytes are not a key. */
export function importDeviceKey(key: DeviceKey): Promise<CryptoKey> {
  const bytes = fromBase64Url(key.bytes);
  if (bytes === undefined) throw new Error("a stored device key cannot be read");
  switch (key.algorithm) {
    case "Ed25519":
      return crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]);
    case "EC":
      return crypto.subtle.importKey("spki", bytes, { name: "ECDSA", namedCurve: "P-256" }, false, [
        "verify",
      ]);
    case "RSA":
      return crypto.subtle.importKey("spki", bytes, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, [
        "verify",
      ]);
  }
}
