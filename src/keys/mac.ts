import { toBase64Url } from "../core/base64.ts";
import { joinParts } from "./parts.ts";

/** HMAC-SHA-256 over labelled, length-prefixed parts. */
export type Mac = {
  /** The MAC as base64url, 43 characters. */
  sign(label: string, parts: readonly string[]): Promise<string>;
  /** Compares in constant time. */
  matches(mac: Uint8Array, label: string, parts: readonly string[]): Promise<boolean>;
};

/** Bytes of a MAC. */
export const MAC_LENGTH = 32;

/** A MAC under this secret; the key is imported at first use and kept. */
export function makeMac(secret: Uint8Array): Mac {
  let key: CryptoKey | undefined;
  // The key is kept and never the promise of it: a promise belongs to the request that made it and may die with it.
  const imported = async (): Promise<CryptoKey> => {
    key ??= await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
      "verify",
    ]);
    return key;
  };
  return {
    async sign(label, parts) {
      const mac = await crypto.subtle.sign("HMAC", await imported(), joinParts(label, parts));
      return toBase64Url(new Uint8Array(mac));
    },
    async matches(mac, label, parts) {
      if (mac.length !== MAC_LENGTH) return false;
      return crypto.subtle.verify("HMAC", await imported(), mac, joinParts(label, parts));
    },
  };
}
