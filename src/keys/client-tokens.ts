import { compactVerify, decodeProtectedHeader, errors, importSPKI } from "jose";
import { fromBase64Url } from "../core/base64.ts";
import type { TokenClaims } from "../core/keys/token.ts";
import type { ClientTokens } from "../core/ports/keys.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok } from "../core/result.ts";

/** LoginID §2.2 step 1: nothing longer is read. */
const LENGTH_LIMIT = 4_096;
/** Header members that would choose a key, or change what is signed (T27). Honest senders write alg and typ alone. */
const REFUSED_MEMBERS = ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip"];
const KEYS_KEPT = 1_000;

const bad = (detail: string) => no<RefusalOf<"bad_token">>({ code: "bad_token", detail });

/** Tokens that clients sign, checked with the keys that the operator registered for them and nothing else. */
export function makeClientTokens(): ClientTokens {
  // Keys and never promises: a promise belongs to the request that made it.
  const imported = new Map<string, CryptoKey>();
  const keyOf = async (pem: string): Promise<CryptoKey> => {
    const known = imported.get(pem);
    if (known) return known;
    const key = await importSPKI(pem, "ES256");
    if (imported.size >= KEYS_KEPT) imported.clear();
    imported.set(pem, key);
    return key;
  };
  return {
    peek: (token) => (unfitness(token) === undefined ? claimsOf(fromBase64Url(part(token, 1))) : undefined),
    async verify(token, publicKeys) {
      const unfit = unfitness(token);
      if (unfit !== undefined) return bad(unfit);
      for (const pem of publicKeys) {
        const payload = await signedBy(token, await keyOf(pem));
        if (!payload) continue;
        const claims = claimsOf(payload);
        return claims ? ok(claims) : bad("the claims are not a JSON object");
      }
      return bad("no key of this client has signed it");
    },
  };
}

const part = (token: string, index: number): string => token.split(".", 4)[index] ?? "";

/** Why this is no compact JWS that may be looked at; one spelling for each token. */
function unfitness(token: string): string | undefined {
  const parts = token.length > LENGTH_LIMIT ? [] : token.split(".", 4);
  if (parts.length !== 3 || parts.some((text) => fromBase64Url(text) === undefined))
    return "not a compact JWS";
  let header: Readonly<Record<string, unknown>>;
  try {
    header = { ...decodeProtectedHeader(token) };
  } catch {
    return "not a compact JWS";
  }
  if (header.alg !== "ES256") return "the algorithm is not ES256";
  return REFUSED_MEMBERS.some((name) => Object.hasOwn(header, name))
    ? "the header names its own key"
    : undefined;
}

async function signedBy(token: string, key: CryptoKey): Promise<Uint8Array | undefined> {
  try {
    return (await compactVerify(token, key, { algorithms: ["ES256"] })).payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

function claimsOf(payload: Uint8Array | undefined): TokenClaims | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(payload);
    const claims: unknown = JSON.parse(text);
    return typeof claims === "object" && claims !== null && !Array.isArray(claims)
      ? (claims as TokenClaims)
      : undefined;
  } catch {
    return undefined;
  }
}
