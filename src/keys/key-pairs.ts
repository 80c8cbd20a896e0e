import type { Lane, SigningAlgorithm, StoredKey } from "../core/keys/key.ts";
import type { Instant } from "../core/time.ts";
import type { PrivateKeyKind, Wrapping } from "./wrap.ts";

const KINDS = {
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  Ed25519: { name: "Ed25519" },
} as const satisfies Readonly<Record<SigningAlgorithm, PrivateKeyKind>>;

/** RFC 7518 §3.3: 2048 bits or more; 65537 is the exponent that every reader knows. */
const RSA = { ...KINDS.RS256, modulusLength: 2_048, publicExponent: Uint8Array.of(1, 0, 1) };

const ALGORITHMS: Readonly<Record<Lane, SigningAlgorithm>> = {
  standard: "ES256",
  cotter: "ES256",
  statement: "Ed25519",
  rs256: "RS256",
  vapid: "ES256",
};

/** Members of a public JWK that say which key it is; of a private JWK neither `d` nor an RSA key's primes are among them. */
const PUBLIC_MEMBERS = ["kty", "crv", "x", "y", "n", "e"] as const;

/** What a new key is to be. */
export type Birth = {
  readonly lane: Lane;
  readonly generation: number;
  readonly kid: string;
  readonly now: Instant;
  readonly activatesAt: Instant;
};

/** Makes a key pair. The private half can be taken out only until it is wrapped here; it is never exported by itself. */
export async function makeStoredKey(wrapping: Wrapping, birth: Birth): Promise<StoredKey> {
  const { lane, generation, kid, now, activatesAt } = birth;
  const algorithm = ALGORITHMS[lane];
  const kind = algorithm === "RS256" ? RSA : KINDS[algorithm];
  const pair = (await crypto.subtle.generateKey(kind, true, ["sign", "verify"])) as CryptoKeyPair;
  const wrapped = await wrapping.wrap(pair.privateKey, kid);
  const publicJwk = onlyPublic((await crypto.subtle.exportKey("jwk", pair.publicKey)) as JsonWebKey);
  return { lane, generation, kid, algorithm, publicJwk, ...wrapped, createdAt: now, activatesAt };
}

/** The members of a JWK that may be shown to anybody. */
export const onlyPublic = (jwk: Readonly<Record<string, unknown>> | JsonWebKey): Record<string, string> =>
  Object.fromEntries(
    PUBLIC_MEMBERS.flatMap((name) => {
      const value: unknown = Reflect.get(jwk, name);
      return typeof value === "string" ? [[name, value] as const] : [];
    }),
  );

/** Imported keys, kept by this isolate. */
export type KeyPairs = {
  forSigning(key: StoredKey): Promise<CryptoKey>;
  forVerifying(key: StoredKey): Promise<CryptoKey>;
};

/** Opens and imports each key once. */
export function makeKeyPairs(wrapping: Wrapping): KeyPairs {
  const signing = new Map<string, CryptoKey>();
  const verifying = new Map<string, CryptoKey>();
  return {
    forSigning: (key) => kept(signing, key, () => wrapping.unwrap(key, KINDS[key.algorithm], key.kid)),
    forVerifying: (key) =>
      kept(verifying, key, () =>
        crypto.subtle.importKey("jwk", { kty: "", ...key.publicJwk }, KINDS[key.algorithm], false, [
          "verify",
        ]),
      ),
  };
}

async function kept(
  map: Map<string, CryptoKey>,
  key: StoredKey,
  make: () => Promise<CryptoKey>,
): Promise<CryptoKey> {
  // Not by kid: the pinned one names a new key after a rotation.
  const name = key.wrappedPrivate;
  const known = map.get(name);
  if (known !== undefined) return known;
  const made = await make();
  map.set(name, made);
  return made;
}
