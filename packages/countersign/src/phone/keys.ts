import type { PublicJwk, Signer } from "./signer.ts";

/** The device that this phone is. */
export type OwnDevice = {
  readonly id: string;
  readonly kind: "key" | "passkey";
  /** Of a passkey: its WebAuthn credential id, base64url. */
  readonly credentialId?: string;
};

/** What this phone keeps: its key, and once it is enrolled whose device it is. */
export type StoredPhone = {
  readonly signer: Signer;
  readonly token?: string;
  readonly device?: OwnDevice;
  readonly account?: string;
};

/** Where a phone keeps its key and its session. */
export type KeyStore = {
  /** A new P-256 key. Nothing is kept of it before `save`. */
  create(): Promise<Signer>;
  load(): Promise<StoredPhone | undefined>;
  save(phone: StoredPhone): Promise<void>;
  /** Forgets all of it, the key too. */
  remove(): Promise<void>;
  /** Tells of changes that others made, such as another tab. */
  onChange?(heard: () => void): void;
};

/** Where `webCryptoKeys` puts its record. It takes what `structuredClone` takes: the key is a `CryptoKey` that nobody can export. */
export type RecordStorage = {
  get(): Promise<unknown>;
  set(record: unknown): Promise<void>;
  remove(): Promise<void>;
  onChange?(heard: () => void): void;
};

type KeyRecord = Omit<StoredPhone, "signer"> & { readonly key: CryptoKeyPair };

const KEY = { name: "ECDSA", namedCurve: "P-256" } as const;
export const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;

export async function publicJwkOf(key: CryptoKey): Promise<PublicJwk> {
  const { x = "", y = "" } = await crypto.subtle.exportKey("jwk", key);
  return { kty: "EC", crv: "P-256", x, y };
}

async function signerOf({ publicKey, privateKey }: CryptoKeyPair): Promise<Signer> {
  return {
    publicJwk: await publicJwkOf(publicKey),
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign(SIGNING, privateKey, bytes)),
  };
}

export const makeKeyPair = (extractable: boolean): Promise<CryptoKeyPair> =>
  crypto.subtle.generateKey(KEY, extractable, ["sign", "verify"]) as Promise<CryptoKeyPair>;

/** Keys of Web Crypto, which signs with them and gives them to nobody. */
export function webCryptoKeys(storage: RecordStorage): KeyStore {
  const pairs = new WeakMap<Signer, CryptoKeyPair>();
  const known = async (pair: CryptoKeyPair): Promise<Signer> => {
    const signer = await signerOf(pair);
    pairs.set(signer, pair);
    return signer;
  };
  return {
    create: async () => known(await makeKeyPair(false)),
    async load() {
      const record = (await storage.get()) as KeyRecord | undefined;
      if (!record?.key) return undefined;
      const { key, ...rest } = record;
      return { ...rest, signer: await known(key) };
    },
    async save({ signer, ...rest }) {
      const key = pairs.get(signer);
      if (!key) throw new TypeError("this key is not of this store");
      await storage.set({ ...rest, key });
    },
    remove: () => storage.remove(),
    ...(storage.onChange ? { onChange: storage.onChange.bind(storage) } : {}),
  };
}

/** Keeps everything for as long as the process lives: for tests. */
export function memoryStorage(): RecordStorage {
  let kept: unknown;
  return {
    get: async () => kept,
    set: async (record) => {
      kept = record;
    },
    remove: async () => {
      kept = undefined;
    },
  };
}
