import { fromBase64, fromBase64Url } from "../base64.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";

/** A P-256 key as RFC 7517 writes it; other members are looked at by name below. */
export type JwkInput = { readonly [member: string]: unknown };

type BadKey = RefusalOf<"bad_key">;
const bad = (detail: string): Result<never, BadKey> => no({ code: "bad_key", detail });

const PEM = /^-----BEGIN PUBLIC KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)\r?\n-----END PUBLIC KEY-----\s*$/;
// SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point (RFC 5480 §2).
const SPKI_HEAD = Uint8Array.fromBase64("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE");
const COORDINATE = 32;
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/**
 * Reads a client's public key, PEM (SPKI) or JWK, and gives it as canonical PEM. P-256 alone, uncompressed, on the curve; a
 * JWK with a private member is refused (settled question 9, T26). No detail repeats any part of the key.
 */
export async function readPublicKey(input: string | JwkInput): Promise<Result<string, BadKey>> {
  const spki = typeof input === "string" ? fromPem(input) : fromJwk(input);
  if (!spki.ok) return spki;
  try {
    await crypto.subtle.importKey("spki", spki.value, { name: "ECDSA", namedCurve: "P-256" }, true, [
      "verify",
    ]);
  } catch {
    return bad("not a point of P-256");
  }
  return ok(toPem(spki.value));
}

function fromPem(text: string): Result<Uint8Array, BadKey> {
  const body = PEM.exec(text.trim())?.[1]?.replaceAll(/[\r\n]/g, "");
  const bytes = body === undefined ? undefined : fromBase64(body);
  if (bytes === undefined) return bad("not a PEM text of a public key");
  const isP256 = bytes.length === SPKI_HEAD.length + 2 * COORDINATE;
  if (!isP256 || SPKI_HEAD.some((byte, index) => bytes[index] !== byte)) {
    return bad("not an uncompressed P-256 key");
  }
  return ok(bytes);
}

function fromJwk(jwk: JwkInput): Result<Uint8Array, BadKey> {
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))) return bad("holds private members");
  if (jwk.kty !== "EC" || jwk.crv !== "P-256") return bad("must be EC on P-256");
  if (Object.hasOwn(jwk, "alg") && jwk.alg !== "ES256") return bad("alg must be ES256");
  if (Object.hasOwn(jwk, "use") && jwk.use !== "sig") return bad("use must be sig");
  const x = coordinate(jwk.x);
  const y = coordinate(jwk.y);
  if (x === undefined || y === undefined) return bad("x and y must be 32 bytes in base64url");
  return ok(new Uint8Array([...SPKI_HEAD, ...x, ...y]));
}

function coordinate(value: unknown): Uint8Array | undefined {
  const bytes = typeof value === "string" ? fromBase64Url(value) : undefined;
  return bytes?.length === COORDINATE ? bytes : undefined;
}

function toPem(spki: Uint8Array): string {
  const lines = spki.toBase64().replaceAll(/.{64}(?!$)/g, "$&\n");
  return `-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----\n`;
}
