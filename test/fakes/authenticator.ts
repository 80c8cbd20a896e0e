import { fromBase64Url, toBase64Url } from "../../src/core/base64.ts";
import { concat, ecdsaDer, toNumber } from "./device-signer.ts";

const utf8 = new TextEncoder();

/** CBOR (RFC 8949 §3): the head of an item, then texts, byte strings, integers and maps as pairs. */
function head(major: number, size: number): Uint8Array {
  if (size < 24) return Uint8Array.of((major << 5) | size);
  return size < 256
    ? Uint8Array.of((major << 5) | 24, size)
    : Uint8Array.of((major << 5) | 25, size >> 8, size & 255);
}
export const integer = (value: number) => (value < 0 ? head(1, -1 - value) : head(0, value));
export const bytes = (value: Uint8Array) => concat(head(2, value.length), value);
export const words = (value: string) => concat(head(3, value.length), utf8.encode(value));
export const map = (...pairs: readonly (readonly [Uint8Array, Uint8Array])[]) =>
  concat(head(5, pairs.length), ...pairs.flat());

export const sha = async (value: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", value as Uint8Array<ArrayBuffer>));

/** Parts of an answer to spoil. */
export type Spoilt = {
  readonly type?: string;
  readonly challenge?: string;
  readonly origin?: string;
  readonly crossOrigin?: boolean;
  readonly rpId?: string;
  readonly flags?: number;
  readonly count?: number;
  readonly cose?: "P-384" | "ES384" | "named" | "with more" | "off the curve";
  readonly cut?: number;
  readonly id?: Uint8Array;
  /** Further members of the client data. */
  readonly clientData?: Readonly<Record<string, unknown>>;
  /** Bytes behind the credential's key, or behind the counter where there is none. */
  readonly behind?: Uint8Array;
  /** Bytes of CBOR in the place of the credential's key. */
  readonly key?: Uint8Array;
  /** The whole attestation object around its authenticator data. */
  readonly object?: (data: Uint8Array) => Uint8Array;
};

const coseKeys = (x: Uint8Array, y: Uint8Array) => ({
  ES256: map(
    [integer(1), integer(2)],
    [integer(3), integer(-7)],
    [integer(-1), integer(1)],
    [integer(-2), bytes(x)],
    [integer(-3), bytes(y)],
  ),
  ES384: map(
    [integer(1), integer(2)],
    [integer(3), integer(-35)],
    [integer(-1), integer(1)],
    [integer(-2), bytes(x)],
    [integer(-3), bytes(y)],
  ),
  "P-384": map(
    [integer(1), integer(2)],
    [integer(3), integer(-7)],
    [integer(-1), integer(2)],
    [integer(-2), bytes(new Uint8Array(48).fill(7))],
    [integer(-3), bytes(new Uint8Array(48).fill(9))],
  ),
  // A text in the place of the algorithm's number.
  named: map(
    [integer(1), integer(2)],
    [integer(3), words("-7")],
    [integer(-1), integer(1)],
    [integer(-2), bytes(x)],
    [integer(-3), bytes(y)],
  ),
  "with more": map(
    [integer(1), integer(2)],
    [integer(3), integer(-7)],
    [integer(-1), integer(1)],
    [integer(-2), bytes(x)],
    [integer(-3), bytes(y)],
    [integer(-4), bytes(new Uint8Array(32).fill(5))],
  ),
  "off the curve": map(
    [integer(1), integer(2)],
    [integer(3), integer(-7)],
    [integer(-1), integer(1)],
    [integer(-2), bytes(x)],
    [integer(-3), bytes(x)],
  ),
});

/** A COSE key of RSA: RS256 unless it is told to lie. */
export const coseRsa = (n: Uint8Array, e = Uint8Array.of(1, 0, 1), algorithm = -257) =>
  map(
    [integer(1), integer(3)],
    [integer(3), integer(algorithm)],
    [integer(-1), bytes(n)],
    [integer(-2), bytes(e)],
  );

type Pair = {
  readonly cose: (spoilt: Spoilt["cose"]) => Uint8Array;
  sign(message: Uint8Array): Promise<Uint8Array>;
};

async function es256Pair(): Promise<Pair> {
  const kind = { name: "ECDSA", namedCurve: "P-256" };
  const pair = (await crypto.subtle.generateKey(kind, true, ["sign", "verify"])) as CryptoKeyPair;
  const raw = new Uint8Array((await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer);
  return {
    cose: (spoilt) => coseKeys(raw.slice(1, 33), raw.slice(33))[spoilt ?? "ES256"],
    async sign(message) {
      const made = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, message);
      const half = new Uint8Array(made);
      return ecdsaDer(toNumber(half.slice(0, 32)), toNumber(half.slice(32)));
    },
  };
}

/** As Windows Hello makes them on older machines. */
async function rs256Pair(): Promise<Pair> {
  const kind = {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: "SHA-256",
  };
  const pair = (await crypto.subtle.generateKey(kind, true, ["sign", "verify"])) as CryptoKeyPair;
  const { n = "" } = (await crypto.subtle.exportKey("jwk", pair.publicKey)) as { n?: string };
  return {
    cose: () => coseRsa(fromBase64Url(n) ?? new Uint8Array()),
    sign: async (message) => new Uint8Array(await crypto.subtle.sign(kind.name, pair.privateKey, message)),
  };
}

/** An attestation object; without a word about who made the key, unless it is told otherwise. */
export const attested = (data: Uint8Array, format = "none", statement = map()): Uint8Array =>
  map([words("fmt"), words(format)], [words("attStmt"), statement], [words("authData"), bytes(data)]);

/** An authenticator in software: one passkey, user present and verified unless it is told to lie. */
export async function newAuthenticator(algorithm: "ES256" | "RS256" = "ES256") {
  const { cose, sign } = algorithm === "ES256" ? await es256Pair() : await rs256Pair();
  const own = crypto.getRandomValues(new Uint8Array(32));
  let counter = 0;

  const clientDataOf = (type: string, asked: Asked, spoilt: Spoilt) =>
    utf8.encode(
      JSON.stringify({
        type: spoilt.type ?? type,
        challenge: spoilt.challenge ?? asked.challenge,
        origin: spoilt.origin ?? asked.origin,
        crossOrigin: spoilt.crossOrigin ?? false,
        ...spoilt.clientData,
      }),
    );
  async function dataOf(asked: Asked, flags: number, count: number, spoilt: Spoilt) {
    const start = new DataView(new ArrayBuffer(4));
    start.setUint32(0, count);
    const hash = await sha(utf8.encode(spoilt.rpId ?? asked.rpId));
    return concat(hash, [spoilt.flags ?? flags], new Uint8Array(start.buffer));
  }

  return {
    credentialId: toBase64Url(own),
    async create(asked: Asked, spoilt: Spoilt = {}) {
      const id = spoilt.id ?? own;
      const start = await dataOf(asked, 0x45, spoilt.count ?? 0, spoilt);
      const key = spoilt.key ?? cose(spoilt.cose);
      const head = [id.length >> 8, id.length & 255];
      const data = concat(start, new Uint8Array(16), head, id, key, spoilt.behind ?? []);
      const object = (spoilt.object ?? ((made: Uint8Array) => attested(made)))(data);
      return {
        credential_id: toBase64Url(id),
        client_data: toBase64Url(clientDataOf("webauthn.create", asked, spoilt)),
        attestation_data: toBase64Url(object.slice(0, object.length - (spoilt.cut ?? 0))),
      };
    },
    async get(asked: Asked, spoilt: Spoilt = {}) {
      const start = await dataOf(asked, 0x05, spoilt.count ?? ++counter, spoilt);
      const data = concat(start, spoilt.behind ?? []);
      const clientData = clientDataOf("webauthn.get", asked, spoilt);
      return {
        credential_id: toBase64Url(own),
        client_data: toBase64Url(clientData),
        authenticator_data: toBase64Url(data.slice(0, data.length - (spoilt.cut ?? 0))),
        signature: toBase64Url(await sign(concat(data, await sha(clientData)))),
      };
    },
  };
}

export type Asked = { readonly challenge: string; readonly origin: string; readonly rpId: string };
