import { CountersignError } from "../errors.ts";
import { readAccessToken } from "./access-token.ts";
import { meetsAcr } from "./acr.ts";
import type { AccessTokenClaims } from "./claims.ts";
import { checkProof } from "./dpop-proof.ts";
import { type KeySource, makeKeySource } from "./key-source.ts";
import {
  type Demands,
  type ReadDemands,
  readAudience,
  readDemands,
  readIssuer,
  readOrigins,
  type VerifierOptions,
} from "./options.ts";
import { refusal, unavailable } from "./refusal.ts";
import { memoryReplayStore, type ReplayStore } from "./replay.ts";

export type { Acr } from "./acr.ts";
export type { AccessTokenClaims, AuthorizationDetail } from "./claims.ts";
export type { Demands, VerifierOptions } from "./options.ts";
export type { Reason } from "./refusal.ts";
export type { ReplayStore } from "./replay.ts";

/** A DPoP proof, and the call that it came with. You vouch for `url`: never take its host from the call itself. */
export type Dpop = {
  /** The header `DPoP`. */
  readonly proof: string | null | undefined;
  readonly method: string;
  /** The whole address that was called. Its query does not count. */
  readonly url: string;
};

/** A call as it came in. */
export type IncomingCall = {
  /** The header `Authorization`. */
  readonly authorization: string | null | undefined;
  /** The header `DPoP`. */
  readonly dpop: string | null | undefined;
  readonly method: string;
  /** The path, or the whole address; its host is not believed. */
  readonly url: string;
};

export type Verifier = {
  /**
   * The claims of a token that is good here. A token that is bound to a key needs `dpop`, an unbound one must come without it. Throws
   * `CountersignError`: `invalid_token` with a `reason`, or `unavailable` when the issuer's keys cannot be had.
   */
  verify(token: string, demands?: Demands & { readonly dpop?: Dpop }): Promise<AccessTokenClaims>;
  /** The same for a call of HTTP, by its headers (RFC 6750 §2.1, RFC 9449 §7.1). A token is taken from nowhere else. */
  verifyCall(call: IncomingCall, demands?: Demands): Promise<AccessTokenClaims>;
};

const defaultFetch: typeof globalThis.fetch = (input, init) => globalThis.fetch(input, init);

/** Makes a verifier: one for each issuer and audience, shared by all calls, since it keeps the keys and the used proofs. */
export function createVerifier(options: VerifierOptions): Verifier {
  const { fetch = defaultFetch, clock = Date.now } = options;
  const issuer = readIssuer(options.issuer);
  const keys = makeKeySource({ issuer, fetch, clock });
  return verifierOf(options, keys, options.replay ?? memoryReplayStore(clock));
}

/** Called as plain functions: a runtime refuses a `fetch` that is a method of something else. */
function verifierOf(options: VerifierOptions, keys: KeySource, replay: ReplayStore): Verifier {
  const { clock = Date.now } = options;
  const issuer = readIssuer(options.issuer);
  const audience = readAudience(options.audience);
  const origins = readOrigins(options.origin);
  const always = readDemands(options);

  async function verify(token: string, demands: Demands, call: Call | undefined): Promise<AccessTokenClaims> {
    const now = clock();
    const here = readDemands(demands);
    const claims = await readAccessToken(keys, token, { issuer, audience, now });
    await meetBinding(claims, call, { token, now, replay });
    for (const demand of [always, here]) meetDemands(claims, demand);
    return claims;
  }

  return {
    verify: (token, { dpop, ...demands } = {}) =>
      verify(token, demands, dpop && { proof: dpop.proof, method: dpop.method, urls: [dpop.url] }),
    async verifyCall({ authorization, dpop, method, url }, demands = {}) {
      const { scheme, token } = tokenOf(authorization);
      const urls = scheme === "DPoP" ? urlsOf(origins, url) : [];
      return await verify(token, demands, scheme === "DPoP" ? { proof: dpop, method, urls } : undefined);
    },
  };
}

type Call = Omit<Dpop, "url"> & { readonly urls: readonly string[] };
type Binding = { readonly token: string; readonly now: number; readonly replay: ReplayStore };

/** A bound token needs its key, and only a bound one may come with a proof (RFC 9449 §7.1, §7.2). */
async function meetBinding(
  { cnf }: AccessTokenClaims,
  call: Call | undefined,
  { token, now, replay }: Binding,
): Promise<void> {
  if (cnf === undefined && call === undefined) return;
  if (cnf === undefined) throw refusal("not_bound");
  if (call === undefined) throw refusal("bound");
  const { proof, method, urls } = call;
  if (urls.length === 0) throw refusal("no_origin");
  if (!proof) throw refusal("proof_missing");
  const { key, expiresAt } = await checkProof(proof, { method, urls, token, jkt: cnf.jkt, now });
  if (!(await spend(replay, key, expiresAt))) throw refusal("proof_replayed");
}

/** A store that fails is no verdict: the proof may have been used. */
async function spend(replay: ReplayStore, key: string, expiresAt: number): Promise<boolean> {
  try {
    return await replay.spend(key, expiresAt);
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    throw unavailable("The store of used DPoP proofs cannot be asked now", 5, error);
  }
}

function meetDemands(claims: AccessTokenClaims, { scopes, acr, realm }: ReadDemands): void {
  if (realm !== undefined && (claims.realm ?? "main") !== realm) throw refusal("realm");
  const held = claims.scope.split(" ");
  if (!scopes.every((name) => held.includes(name))) throw refusal("scope");
  if (acr !== undefined && !meetsAcr(claims.acr, acr)) throw refusal("acr");
}

/** RFC 6750 §2.1: one token68 after the scheme. */
const CREDENTIALS = /^(bearer|dpop)(?: +([\w.~+/-]+=*))? *$/i;

function tokenOf(authorization: string | null | undefined): {
  readonly scheme: "Bearer" | "DPoP";
  readonly token: string;
} {
  const text = authorization ?? "";
  if (!/^(bearer|dpop)( |$)/i.test(text)) throw refusal("missing");
  const [, scheme = "", token] = CREDENTIALS.exec(text) ?? [];
  if (token === undefined) throw refusal("request");
  return { scheme: /^dpop$/i.test(scheme) ? "DPoP" : "Bearer", token };
}

/** The path of a call at each origin of ours: the host that a caller names is not believed. */
const urlsOf = (origins: readonly string[], url: string): readonly string[] =>
  origins.map((origin) => `${origin}${pathOf(url)}`);

function pathOf(url: string): string {
  if (url.startsWith("/")) return url;
  try {
    return new URL(url).pathname;
  } catch {
    // `OPTIONS *` is for no address, so no proof is for it.
    throw refusal("proof_url");
  }
}

export type VerifyOptions = VerifierOptions & { readonly dpop?: Dpop };

/** One source of keys for each issuer, for callers who keep no verifier. Issuers are the caller's own, so there are few. */
const sources = new Map<string, KeySource>();
const proofs = memoryReplayStore(Date.now);

/**
 * Verifies one access token. Keys are kept between calls, but for a `fetch` or `clock` of your own: then use `createVerifier`, which
 * also reads its options once. Refusals are those of `Verifier.verify`, and `invalid_argument` for options that cannot be right.
 */
export async function verifyAccessToken(token: string, options: VerifyOptions): Promise<AccessTokenClaims> {
  const { dpop, ...rest } = options;
  return await oneOffVerifier(rest).verify(token, dpop === undefined ? {} : { dpop });
}

function oneOffVerifier(options: VerifierOptions): Verifier {
  if (options.fetch !== undefined || options.clock !== undefined) return createVerifier(options);
  const issuer = readIssuer(options.issuer);
  const keys = sources.get(issuer) ?? makeKeySource({ issuer, fetch: defaultFetch, clock: Date.now });
  sources.set(issuer, keys);
  return verifierOf(options, keys, options.replay ?? proofs);
}
