import type { DeviceKey } from "../core/device/device.ts";
import { importDeviceKey } from "./device-keys.ts";
import { rawFromDer } from "./ecdsa-signature.ts";

const ED25519_LENGTH = 64;

/**
 * The signature as Web Crypto takes it, where this key has signed these bytes: raw Ed25519, canonical DER of ECDSA, or RSASSA-PKCS1-v1_5, the
 * last two over SHA-256. Undefined for any other.
 */
export async function goodSignature(
  key: DeviceKey,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<Uint8Array | undefined> {
  const plain = plainSignature(key, signature);
  if (plain === undefined) return undefined;
  const isGood = await crypto.subtle.verify(parameters(key), await importDeviceKey(key), plain, message);
  return isGood ? plain : undefined;
}

/** The signature as Web Crypto takes it; undefined when it is not of the one form its algorithm has here. */
function plainSignature(key: DeviceKey, given: Uint8Array): Uint8Array | undefined {
  switch (key.algorithm) {
    case "Ed25519":
      return given.length === ED25519_LENGTH ? given : undefined;
    case "EC":
      return rawFromDer(given);
    case "RSA":
      return given;
  }
}

function parameters(key: DeviceKey): { readonly name: string; readonly hash?: string } {
  switch (key.algorithm) {
    case "Ed25519":
      return { name: "Ed25519" };
    case "EC":
      return { name: "ECDSA", hash: "SHA-256" };
    case "RSA":
      return { name: "RSASSA-PKCS1-v1_5" };
  }
}
