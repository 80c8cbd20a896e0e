import { fromBase64Url, toBase64Url } from "../core/base64.ts";
import { Outage } from "../core/fault.ts";
import type { Lane, SigningAlgorithm, StoredKey } from "../core/keys/key.ts";
import type { Chance, Clock } from "../core/ports/edge.ts";
import type { Keyring, KeyStore } from "../core/ports/keys.ts";
import { type Millis, SECOND } from "../core/time.ts";
import { type KeyPairs, makeKeyPairs, onlyPublic } from "./key-pairs.ts";
import { isMadeAtNeed, LANES, type Lanes, listed, makeLanes, TOKEN_LANES } from "./lanes.ts";
import { type ScheduledKey, SHELF_CACHE } from "./schedule.ts";
import type { SecretKeys } from "./secret-keys.ts";
import { plainJson, signCompact } from "./signer.ts";
import { makeWrapping } from "./wrap.ts";

export type VerificationKey = { readonly key: CryptoKey; readonly algorithm: SigningAlgorithm };
/** Where the verifier finds the key of a kid: published ones of the token lanes only. */
export type VerificationKeys = { find(kid: string): Promise<VerificationKey | undefined> };

export type KeyringNeeds = {
  readonly shelf: KeyStore;
  readonly secretKeys: Pick<SecretKeys, "keyEncryption">;
  readonly clock: Clock;
  readonly chance: Pick<Chance, "uuid">;
};

/** A little older than what `ready` goes by: what it answered for is still signed when D1 fails in between. */
const SIGNING: Millis = SHELF_CACHE + 5 * SECOND;

/** The signing keys over a shelf. One keyring per isolate: it keeps what it has read and imported. */
export function makeKeyring(needs: KeyringNeeds): Keyring & VerificationKeys {
  const wrapping = makeWrapping(needs.secretKeys.keyEncryption);
  const pairs = makeKeyPairs(wrapping);
  const lanes = makeLanes({ ...needs, wrapping });
  const shown = makeShown();
  return {
    async ready(lane) {
      const key = await lanes.current(lane);
      await pairs.forSigning(key);
      return key.kid;
    },
    async published(options) {
      const order = options?.cotterFirst ? (["cotter", "standard"] as const) : TOKEN_LANES;
      const wanted = order.filter((lane) => options?.lane === undefined || options.lane === lane);
      const parts: (readonly ScheduledKey[])[] = [];
      for (const lane of wanted) parts.push(await readable(lanes, lane));
      return shown(wanted.join(), parts);
    },
    async sign(lane, header, claims, kid, options) {
      const current = await lanes.current(lane, SIGNING);
      const named = kid === undefined ? [] : await lanes.published(lane, SIGNING);
      const key = named.find((candidate) => candidate.key.kid === kid)?.key ?? current;
      const serialise = options?.plainBase64 ? plainJson : JSON.stringify;
      const { kid: name, algorithm } = key;
      const signer = { key: await pairs.forSigning(key), kid: name, algorithm };
      return signCompact(signer, header, claims, serialise);
    },
    async signStatement(text) {
      const key = await pairs.forSigning(await lanes.current("statement", SIGNING));
      const signature = await crypto.subtle.sign("Ed25519", key, new TextEncoder().encode(text));
      return new Uint8Array(signature).toBase64();
    },
    async statementKey() {
      const bytes = fromBase64Url((await lanes.current("statement")).publicJwk.x ?? "");
      if (bytes === undefined) throw new Error("the stored statement key has no public half");
      return bytes.toBase64();
    },
    async signVapid(claims) {
      const key = await pairs.forSigning(await lanes.current("vapid", SIGNING));
      return signCompact({ key, algorithm: "ES256" }, { typ: "JWT" }, claims);
    },
    vapidKey: async () => toBase64Url(pointOf(await lanes.current("vapid"))),
    rotate: lanes.rotate,
    upkeep: lanes.upkeep,
    async list() {
      const keys = await Promise.all(LANES.map((lane) => lanes.published(lane)));
      return keys.flat().map(listed);
    },
    async check() {
      for (const lane of LANES) {
        const isMissing = isMadeAtNeed(lane) && (await lanes.published(lane)).length === 0;
        if (!isMissing) await canSign(pairs, await lanes.current(lane));
      }
    },
    async find(kid) {
      const held = (await Promise.all(TOKEN_LANES.map((lane) => lanes.published(lane)))).flat();
      const known = held.find(({ key }) => key.kid === kid) ?? (await lanes.stranger(kid));
      if (known === undefined) return undefined;
      return { key: await pairs.forVerifying(known.key), algorithm: known.key.algorithm };
    },
  };
}

/** The public half as an uncompressed point: 65 bytes (RFC 5480 §2.2). */
function pointOf({ publicJwk }: StoredKey): Uint8Array {
  const [x, y] = [fromBase64Url(publicJwk.x ?? ""), fromBase64Url(publicJwk.y ?? "")];
  if (x === undefined || y === undefined) throw new Error("the stored key has no public half");
  return Uint8Array.of(4, ...x, ...y);
}

/** What a reader of the JWKS gets of a lane; its first key is made here. */
async function readable(lanes: Lanes, lane: Lane): Promise<readonly ScheduledKey[]> {
  const keys = await lanes.published(lane);
  if (keys.length > 0 || isMadeAtNeed(lane)) return keys;
  await lanes.current(lane);
  return await lanes.published(lane);
}

/** Of each lane the key that signs now first: some readers take the first they see. */
const jwksOf = (parts: readonly (readonly ScheduledKey[])[]) =>
  parts
    .flatMap((keys) => [
      ...keys.filter(({ state }) => state === "current"),
      ...keys.filter(({ state }) => state !== "current"),
    ])
    .map(({ key: { publicJwk, kid, algorithm } }) => ({
      ...onlyPublic(publicJwk),
      kid,
      alg: algorithm,
      use: "sig",
    }));

/** Sets of keys by the lanes that they are of: the same set again for as long as the lanes are the same. */
function makeShown() {
  const kept = new Map<
    string,
    { readonly parts: readonly unknown[]; readonly jwks: ReturnType<typeof jwksOf> }
  >();
  return (name: string, parts: readonly (readonly ScheduledKey[])[]) => {
    const before = kept.get(name);
    if (before?.parts.every((part, index) => part === parts[index])) return before.jwks;
    const jwks = jwksOf(parts);
    kept.set(name, { parts, jwks });
    return jwks;
  };
}

const SIGNING_BY = {
  ES256: { name: "ECDSA", hash: "SHA-256" },
  RS256: { name: "RSASSA-PKCS1-v1_5" },
  Ed25519: { name: "Ed25519" },
} as const satisfies Readonly<Record<SigningAlgorithm, object>>;

async function canSign(pairs: KeyPairs, key: StoredKey): Promise<void> {
  const algorithm = SIGNING_BY[key.algorithm];
  const text = new TextEncoder().encode("check");
  const signature = await crypto.subtle.sign(algorithm, await pairs.forSigning(key), text);
  const good = await crypto.subtle.verify(algorithm, await pairs.forVerifying(key), signature, text);
  if (!good) throw new Outage(`the ${key.lane} signing key does not fit its public half`);
}
