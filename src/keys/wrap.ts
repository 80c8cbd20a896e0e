import { fromBase64Url, toBase64Url } from "../core/base64.ts";
import { Outage } from "../core/fault.ts";
import type { KeyVersions } from "./secret-keys.ts";

/** What a private key is, for opening it again. */
export type PrivateKeyKind =
  | { readonly name: "ECDSA"; readonly namedCurve: "P-256" }
  | { readonly name: "RSASSA-PKCS1-v1_5"; readonly hash: "SHA-256" }
  | { readonly name: "Ed25519" };

/** A wrapped private key: base64url of iv ‖ ciphertext, and the version of KEY_ENCRYPTION_KEY that closed it. */
export type Wrapped = { readonly wrappedPrivate: string; readonly wrappedBy: number };

/** Closes and opens under KEY_ENCRYPTION_KEY with AES-GCM; `bound` is additional data (settled questions 5, 8). */
export type Wrapping = {
  wrap(privateKey: CryptoKey, bound: string): Promise<Wrapped>;
  /** Not extractable, for signing only. Throws an Outage when the key cannot be opened. */
  unwrap(wrapped: Wrapped, kind: PrivateKeyKind, bound: string): Promise<CryptoKey>;
  /** `<version>.<base64url of iv ‖ ciphertext>`. */
  seal(text: string, bound: string): Promise<string>;
  unseal(sealed: string, bound: string): Promise<string>;
};

const IV_LENGTH = 12;
const utf8 = new TextEncoder();

const parameters = (iv: Uint8Array, bound: string) => ({
  name: "AES-GCM",
  iv,
  additionalData: utf8.encode(bound),
});

function withIv(iv: Uint8Array, closed: ArrayBuffer): string {
  const joined = new Uint8Array(IV_LENGTH + closed.byteLength);
  joined.set(iv);
  joined.set(new Uint8Array(closed), IV_LENGTH);
  return toBase64Url(joined);
}

function parted(text: string): { readonly iv: Uint8Array; readonly closed: Uint8Array } {
  const bytes = fromBase64Url(text);
  if (bytes === undefined || bytes.length <= IV_LENGTH) throw new Error("not a closed text");
  return { iv: bytes.subarray(0, IV_LENGTH), closed: bytes.subarray(IV_LENGTH) };
}

/** Opens with the given version; whatever goes wrong is an outage that names the version and nothing else. */
async function opening<T>(version: number, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    throw new Outage(`what KEY_ENCRYPTION_KEY version ${version} closed cannot be opened`, { cause });
  }
}

/** AES-GCM under these versions; the first closes, all open. */
export function makeWrapping(versions: KeyVersions): Wrapping {
  const imported = new Map<number, CryptoKey>();
  const keyOf = async (version: number): Promise<CryptoKey> => {
    const known = imported.get(version);
    if (known !== undefined) return known;
    const found = versions.find((candidate) => candidate.version === version);
    if (found === undefined) throw new Error("no such version");
    const usages = ["wrapKey", "unwrapKey", "encrypt", "decrypt"] as const;
    const key = await crypto.subtle.importKey("raw", found.bytes, "AES-GCM", false, [...usages]);
    imported.set(version, key);
    return key;
  };
  const current = versions[0].version;

  return {
    async wrap(privateKey, bound) {
      const iv = crypto.getRandomValues(new Uint8Array(IV_LENGTH));
      const key = await keyOf(current);
      const closed = await crypto.subtle.wrapKey("pkcs8", privateKey, key, parameters(iv, bound));
      return { wrappedPrivate: withIv(iv, closed as ArrayBuffer), wrappedBy: current };
    },
    unwrap: ({ wrappedPrivate, wrappedBy }, kind, bound) =>
      opening(wrappedBy, async () => {
        const { iv, closed } = parted(wrappedPrivate);
        const key = await keyOf(wrappedBy);
        return crypto.subtle.unwrapKey("pkcs8", closed, key, parameters(iv, bound), kind, false, ["sign"]);
      }),
    async seal(text, bound) {
      const iv = crypto.getRandomValues(new Uint8Array(IV_LENGTH));
      const key = await keyOf(current);
      const closed = await crypto.subtle.encrypt(parameters(iv, bound), key, utf8.encode(text));
      return `${current}.${withIv(iv, closed)}`;
    },
    unseal(sealed, bound) {
      const dot = sealed.indexOf(".");
      const version = Number(sealed.slice(0, dot));
      return opening(version, async () => {
        const { iv, closed } = parted(sealed.slice(dot + 1));
        const opened = await crypto.subtle.decrypt(parameters(iv, bound), await keyOf(version), closed);
        return new TextDecoder().decode(opened);
      });
    },
  };
}
