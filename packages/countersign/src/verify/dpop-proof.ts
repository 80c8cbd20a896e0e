import {
  base64url,
  calculateJwkThumbprint,
  decodeProtectedHeader,
  importJWK,
  type JWTPayload,
  jwtVerify,
} from "jose";
import { refusal } from "./refusal.ts";

const SECOND = 1_000;
const LENGTH_LIMIT = 4_096;
/** How far `iat` may be from our clock, either way. */
const WINDOW = 60 * SECOND;
/** Header members that would choose another key than `jwk`, or change what is signed (RFC 7515 §4.1). */
const REFUSED = ["jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64"];

/** The call that a proof has to be for. */
export type ProvenCall = {
  readonly method: string;
  /** The addresses that the call may have been sent to. Query and fragment do not count. */
  readonly urls: readonly string[];
  readonly token: string;
  /** Thumbprint of the key that the token is bound to. */
  readonly jkt: string;
  /** Milliseconds since 1970. */
  readonly now: number;
};

/** What to remember of a proof that is good, so that it is good once. */
export type Spendable = { readonly key: string; readonly expiresAt: number };

/** Checks a proof (RFC 9449 §4.3 but for nonces, and §7.1). Throws the refusal. */
export async function checkProof(proof: string, call: ProvenCall): Promise<Spendable> {
  const { jkt, claims } = await readProof(proof, call.now);
  if (jkt !== call.jkt) throw refusal("proof_key");
  const { jti, htm, htu, iat, ath } = claims;
  if (typeof jti !== "string" || jti === "") throw refusal("proof_malformed");
  if (htm !== call.method) throw refusal("proof_method");
  const target = targetOf(htu);
  if (target === undefined || !call.urls.some((url) => targetOf(url) === target)) throw refusal("proof_url");
  if (typeof iat !== "number" || !(Math.abs(iat * SECOND - call.now) <= WINDOW)) throw refusal("proof_time");
  if (ath !== (await sha256(call.token))) throw refusal("proof_token");
  // A second longer than it is taken, since what is over may be forgotten at once.
  return { key: await sha256(`${jkt}.${jti}`), expiresAt: iat * SECOND + WINDOW + SECOND };
}

type ReadProof = { readonly jkt: string; readonly claims: JWTPayload };

async function readProof(proof: string, now: number): Promise<ReadProof> {
  if (typeof proof !== "string" || proof.length > LENGTH_LIMIT) throw refusal("proof_malformed");
  try {
    const { jwk, ...header } = decodeProtectedHeader(proof);
    const isPublic = jwk?.kty === "EC" && jwk.crv === "P-256" && !("d" in jwk);
    if (!isPublic || REFUSED.some((name) => Object.hasOwn(header, name))) throw refusal("proof_malformed");
    const key = { kty: "EC", crv: "P-256", x: String(jwk.x), y: String(jwk.y) };
    const { payload } = await jwtVerify(proof, await importJWK(key, "ES256"), {
      algorithms: ["ES256"],
      typ: "dpop+jwt",
      currentDate: new Date(now),
      clockTolerance: WINDOW / SECOND,
    });
    return { jkt: await calculateJwkThumbprint(key, "sha256"), claims: payload };
  } catch {
    throw refusal("proof_malformed");
  }
}

/** An address without query and fragment. The parser writes scheme and host in small letters and drops the default port. */
function targetOf(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const url = new URL(text);
    url.search = "";
    url.hash = "";
    return /^https?:$/.test(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

async function sha256(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return base64url.encode(new Uint8Array(hash));
}
