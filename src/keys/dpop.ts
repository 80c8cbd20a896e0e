import { calculateJwkThumbprint, importSPKI } from "jose";
import { readPublicKey } from "../core/client/public-key.ts";
import type { TokenClaims } from "../core/keys/token.ts";
import type { DpopProofs, DpopRefusal, DpopRequest } from "../core/ports/keys.ts";
import { no, ok, type Result } from "../core/result.ts";
import { MINUTE, type Millis, SECOND } from "../core/time.ts";
import { claimsOf, headerOf, type JoseHeader, namesItsKey, signedBy } from "./compact-jws.ts";
import { readDeviceKey } from "./device-keys.ts";
import { makeMac } from "./mac.ts";
import { joinParts, sha256 } from "./parts.ts";
import type { SecretKeys } from "./secret-keys.ts";

const LENGTH_LIMIT = 4_096;
/** How far `iat` may be from our clock, either way. */
const SKEW: Millis = MINUTE;
/** A server nonce is handed out for so long, and stays good for as long again. */
const NONCE_SLOT: Millis = 5 * MINUTE;
const JTI = /^[\x20-\x7e]{1,128}$/;

/** Of a PEM text everything but its base64 (RFC 7468 §2). */
const PEM_FRAME = /-----[A-Z ]+-----|\s/g;

const invalid = (detail: string) => no<DpopRefusal>({ code: "invalid_dpop_proof", detail });

/** DPoP proofs by ES256 alone. Nothing is kept: a nonce is a MAC over its time slot, so every isolate knows it. */
export function makeDpopProofs({ pepper }: Pick<SecretKeys, "pepper">): DpopProofs {
  const mac = makeMac(pepper);
  const nonceOf = (slot: number): Promise<string> => mac.sign("dpop-nonce", [String(slot)]);
  return {
    async check(proof, request) {
      const read = await readProof(proof);
      if (!read.ok) return read;
      const { jkt, claims } = read.value;
      const fault = await claimFault(claims, request);
      if (fault !== undefined) return invalid(fault);
      const { nonces } = request;
      if (nonces !== undefined && !nonces.some((nonce) => nonce === claims.nonce)) {
        return no({ code: "use_dpop_nonce", detail: "nonce is missing or no longer good" });
      }
      const [jti, iat] = [claims.jti as string, claims.iat as number];
      const hash = await sha256(joinParts("dpop", [jkt, jti]));
      // A second longer than it is taken, because what is over is purged at the end of its time.
      return ok({ jkt, jti, hash, expiresAt: Math.ceil(iat * SECOND + SKEW + SECOND) });
    },
    async keyOf(proof) {
      const { jwk } = headerOf(proof, LENGTH_LIMIT) ?? {};
      const pem = isObject(jwk)
        ? await readPublicKey(jwk)
        : no({ code: "bad_key", detail: "no jwk" } as const);
      return pem.ok ? await readDeviceKey(pem.value.replaceAll(PEM_FRAME, ""), "EC") : pem;
    },
    nonces(now) {
      const slot = Math.floor(now / NONCE_SLOT);
      return Promise.all([nonceOf(slot), nonceOf(slot - 1)]);
    },
  };
}

type ReadProof = { readonly jkt: string; readonly claims: TokenClaims };

/** RFC 9449 §4.3, points 2 to 7: a JWS of the right kind, signed by the public key that it brings. */
async function readProof(proof: string): Promise<Result<ReadProof, DpopRefusal>> {
  const header = headerOf(proof, LENGTH_LIMIT);
  if (header === undefined) return invalid("not a compact JWS");
  if (header.typ !== "dpop+jwt") return invalid("typ is not dpop+jwt");
  if (header.alg !== "ES256") return invalid("the algorithm is not ES256");
  const isForeign = namesItsKey(header, "jwk") || Object.keys(header).some((name) => name.startsWith("x5"));
  if (isForeign) return invalid("the header names another key");
  const { jwk } = header;
  if (!isObject(jwk)) return invalid("jwk is missing");
  const pem = await readPublicKey(jwk);
  if (!pem.ok) return invalid(`jwk: ${pem.error.detail}`);
  const payload = await signedBy(proof, await importSPKI(pem.value, "ES256"), "ES256");
  if (payload === undefined) return invalid("the signature does not fit");
  const claims = claimsOf(payload);
  if (claims === undefined) return invalid("the claims are not a JSON object");
  return ok({ jkt: await thumbprint(jwk), claims });
}

const isObject = (value: unknown): value is JoseHeader =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** RFC 7638 §3 over the required members of an EC key; SHA-256, base64url. */
const thumbprint = ({ kty, crv, x, y }: JoseHeader): Promise<string> =>
  calculateJwkThumbprint({ kty: String(kty), crv: String(crv), x: String(x), y: String(y) }, "sha256");

/** RFC 9449 §4.3, points 3, 8, 9, 11 and 12: why it is not for this call. */
async function claimFault(
  { jti, htm, htu, iat, ath }: TokenClaims,
  { method, url, accessToken, now }: DpopRequest,
): Promise<string | undefined> {
  if (typeof jti !== "string" || !JTI.test(jti)) return "jti is missing or too long";
  if (htm !== method) return "htm is another method";
  if (targetOf(htu) === undefined || targetOf(htu) !== targetOf(url)) return "htu is another address";
  if (typeof iat !== "number" || !(Math.abs(iat * SECOND - now) <= SKEW)) return "iat is not of this minute";
  if (accessToken === undefined) return undefined;
  const digest = await sha256(new TextEncoder().encode(accessToken));
  return ath === digest ? undefined : "ath is another token";
}

/**
 * An address without query and fragment. The parser writes scheme and host in small letters, drops the default port and resolves dots
 * (RFC 3986 §6.2.2 and §6.2.3).
 */
function targetOf(text: unknown): string | undefined {
  const url = typeof text === "string" ? URL.parse(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  url.search = "";
  url.hash = "";
  return url.href;
}
