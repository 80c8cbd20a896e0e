import { calculateJwkThumbprint, exportJWK, type JWK } from "jose";
import type { VerifierOptions } from "../../../packages/countersign/src/verify/verify.ts";
import { jws, type P256Pair, p256 } from "../../fakes/jws.ts";

export const ISSUER = "https://sign.example";
export const AUDIENCE = "https://api.example/orders";
export const NOW = Date.UTC(2026, 10, 27, 12);
export const seconds = (millis: number): number => Math.floor(millis / 1_000);

export type Key = { readonly kid: string; readonly pair: P256Pair; readonly jwk: JWK };

export async function newKey(kid: string): Promise<Key> {
  const pair = await p256();
  return { kid, pair, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg: "ES256", use: "sig" } };
}

/** What the server's access tokens say, as docs/oauth.md lists it. */
export const goodClaims = (now = NOW) => ({
  iss: ISSUER,
  sub: "4d2c1f9e-0000-4000-8000-000000000001",
  aud: AUDIENCE,
  iat: seconds(now),
  exp: seconds(now) + 3_600,
  jti: crypto.randomUUID(),
  client_id: "web",
  scope: "openid orders:read",
  auth_time: seconds(now),
  acr: "urn:signin:acr:device-match",
  amr: ["pop"],
  sid: "session",
});

type Parts = { readonly header?: object; readonly claims?: object; readonly key?: Key };

/** An issuer whose clock and answers a test drives. It answers as the server does: `public, max-age=300`. */
export class Issuer {
  now = NOW;
  asked: string[] = [];
  keys: Key[];
  answer: () => Response | Promise<Response>;

  constructor(keys: Key[]) {
    this.keys = keys;
    this.answer = () => this.jwks({ "Cache-Control": "public, max-age=300" });
  }

  static async start(): Promise<Issuer> {
    return new Issuer([await newKey("k1")]);
  }

  jwks(headers: Record<string, string> = {}): Response {
    return Response.json({ keys: this.keys.map(({ jwk }) => jwk) }, { headers });
  }

  readonly fetch = (async (input: unknown) => {
    this.asked.push(String(input));
    return await this.answer();
  }) as typeof globalThis.fetch;

  options(over: Partial<VerifierOptions> = {}): VerifierOptions {
    return { issuer: ISSUER, audience: AUDIENCE, fetch: this.fetch, clock: () => this.now, ...over };
  }

  /** A token as the server signs it, but for the given parts. */
  sign({ header = {}, claims = {}, key = this.keys[0] as Key }: Parts = {}): Promise<string> {
    const head = { alg: "ES256", typ: "at+jwt", kid: key.kid, ...header };
    return jws(key.pair.privateKey, head, { ...goodClaims(this.now), ...claims });
  }
}

export const sha256 = async (text: string): Promise<string> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });

/** A client's DPoP key: what its tokens are bound to, and its proofs. */
export class ProofKey {
  readonly pair: P256Pair;
  readonly jwk: JWK;
  readonly jkt: string;

  private constructor(pair: P256Pair, jwk: JWK, jkt: string) {
    [this.pair, this.jwk, this.jkt] = [pair, jwk, jkt];
  }

  static async start(): Promise<ProofKey> {
    const pair = await p256();
    const { kty, crv, x, y } = await exportJWK(pair.publicKey);
    const jwk = { kty, crv, x, y } as JWK;
    return new ProofKey(pair, jwk, await calculateJwkThumbprint(jwk));
  }

  /** A proof for `GET url` of `token` at `now`, but for the given parts. */
  async prove(
    { token, url, now = NOW }: { token: string; url: string; now?: number },
    { header = {}, claims = {} }: { header?: object; claims?: object } = {},
  ): Promise<string> {
    const body = {
      jti: crypto.randomUUID(),
      htm: "GET",
      htu: url,
      iat: seconds(now),
      ath: await sha256(token),
      ...claims,
    };
    return await jws(this.pair.privateKey, { typ: "dpop+jwt", alg: "ES256", jwk: this.jwk, ...header }, body);
  }
}

/** Why a call was refused, as `code/reason`; throws when it was not. */
export async function refusedFor(refused: Promise<unknown>): Promise<string> {
  const error: unknown = await refused.then(
    () => new Error("it was taken"),
    (thrown) => thrown,
  );
  if (!(error instanceof Error) || !("code" in error)) throw error;
  return "reason" in error && error.reason !== undefined ? `${error.code}/${error.reason}` : `${error.code}`;
}
