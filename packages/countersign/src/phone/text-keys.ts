import { type KeyStore, makeKeyPair, publicJwkOf, SIGNING, type StoredPhone } from "./keys.ts";
import type { Signer } from "./signer.ts";

/** One text that is kept. The same shape as the client's `TokenStorage`. */
export type TextStorage = {
  get(): Promise<string | undefined>;
  set(value: string): Promise<void>;
  remove(): Promise<void>;
};

/** Keys that are known by a name: of a Secure Enclave or an Android Keystore. */
export type KeyVault = {
  /** Makes a P-256 key; `name` is what it is opened by later. */
  create(): Promise<{ readonly name: string; readonly signer: Signer }>;
  open(name: string): Promise<Signer | undefined>;
  remove(name: string): Promise<void>;
};

type Kept = Omit<StoredPhone, "signer"> & { readonly key: string };

/** Keys of a vault; the session stands beside them in a text. Keep the text where only this app reads it: it holds the session's token. */
export function vaultKeys(storage: TextStorage, vault: KeyVault): KeyStore {
  const names = new WeakMap<Signer, string>();
  const read = async (): Promise<Kept | undefined> => {
    const text = await storage.get();
    return text === undefined ? undefined : (JSON.parse(text) as Kept);
  };
  return {
    async create() {
      const { name, signer } = await vault.create();
      names.set(signer, name);
      return signer;
    },
    async load() {
      const kept = await read();
      const signer = kept && (await vault.open(kept.key));
      if (!kept || !signer) return undefined;
      names.set(signer, kept.key);
      const { key: _, ...rest } = kept;
      return { ...rest, signer };
    },
    async save({ signer, ...rest }) {
      const key = names.get(signer);
      if (key === undefined) throw new TypeError("this key is not of this store");
      const before = await read();
      await storage.set(JSON.stringify({ ...rest, key } satisfies Kept));
      if (before && before.key !== key) await vault.remove(before.key);
    },
    async remove() {
      const kept = await read();
      await storage.remove();
      if (kept) await vault.remove(kept.key);
    },
  };
}

/**
 * A key whose private half stands in the text itself, as a JWK. For platforms without key storage of their own, such as Node, and for
 * Expo without a native key module. Whoever reads the text has the key: take storage that encrypts.
 */
export const textKeys = (storage: TextStorage): KeyStore =>
  vaultKeys(storage, {
    async create() {
      const pair = await makeKeyPair(true);
      const name = JSON.stringify(await crypto.subtle.exportKey("jwk", pair.privateKey));
      return { name, signer: await open(name) };
    },
    open,
    remove: async () => undefined,
  });

async function open(name: string): Promise<Signer> {
  const jwk = JSON.parse(name) as JsonWebKey;
  const { kty = "", crv = "", x = "", y = "" } = jwk;
  const kind = { name: "ECDSA", namedCurve: "P-256" };
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey("jwk", jwk, kind, false, ["sign"]),
    crypto.subtle.importKey("jwk", { kty, crv, x, y }, kind, true, ["verify"]),
  ]);
  return {
    publicJwk: await publicJwkOf(publicKey),
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign(SIGNING, privateKey, bytes)),
  };
}
