import { importSPKI } from "jose";
import { fromBase64Url } from "../core/base64.ts";
import type { ClientTokens } from "../core/ports/keys.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok } from "../core/result.ts";
import { claimsOf, headerOf, namesItsKey, signedBy } from "./compact-jws.ts";

/** LoginID §2.2 step 1: nothing longer is read. */
const LENGTH_LIMIT = 4_096;
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
    peek: (token) =>
      unfitness(token) === undefined ? claimsOf(fromBase64Url(token.split(".")[1] ?? "")) : undefined,
    async verify(token, publicKeys) {
      const unfit = unfitness(token);
      if (unfit !== undefined) return bad(unfit);
      for (const pem of publicKeys) {
        const payload = await signedBy(token, await keyOf(pem), "ES256");
        if (!payload) continue;
        const claims = claimsOf(payload);
        return claims ? ok(claims) : bad("the claims are not a JSON object");
      }
      return bad("no key of this client has signed it");
    },
  };
}

/** Why this is no compact JWS that may be looked at. Honest senders write alg, typ and kid alone. */
function unfitness(token: string): string | undefined {
  const header = headerOf(token, LENGTH_LIMIT);
  if (header === undefined) return "not a compact JWS";
  if (header.alg !== "ES256") return "the algorithm is not ES256";
  return namesItsKey(header) ? "the header names its own key" : undefined;
}
