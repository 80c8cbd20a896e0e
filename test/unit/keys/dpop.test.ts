import { calculateJwkThumbprint } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { toBase64Url } from "../../../src/core/base64.ts";
import type { DpopRequest } from "../../../src/core/ports/keys.ts";
import { makeDpopProofs } from "../../../src/keys/dpop.ts";
import { rawToDer } from "../../fakes/device-signer.ts";
import { encoded, jws, type P256Pair, p256 } from "../../fakes/jws.ts";
import { keyText, secretKeys } from "../../fakes/signing-keys.ts";

const NOW = 1_767_225_600_000;
const SECONDS = NOW / 1_000;
const URL_OF_TOKEN = "https://id.example/oauth/token";

const dpop = makeDpopProofs(secretKeys);
const request: DpopRequest = { method: "POST", url: URL_OF_TOKEN, now: NOW };

let pair: P256Pair;
let jwk: Record<string, unknown>;
beforeAll(async () => {
  pair = await p256();
  const { kty, crv, x, y } = (await crypto.subtle.exportKey("jwk", pair.publicKey)) as JsonWebKey;
  jwk = { kty, crv, x, y };
});

const claims = (change: object = {}) => ({
  jti: "-BwC3ESc6acc2lTc",
  htm: "POST",
  htu: URL_OF_TOKEN,
  iat: SECONDS,
  ...change,
});
const proof = (change: object = {}, header: object = {}, key = pair.privateKey) =>
  jws(key, { typ: "dpop+jwt", alg: "ES256", jwk, ...header }, claims(change));
async function verdict(text: string, asked: Partial<DpopRequest> = {}): Promise<string> {
  const checked = await dpop.check(text, { ...request, ...asked });
  if (checked.ok) return "accepted";
  return checked.error.code === "use_dpop_nonce" ? "use_dpop_nonce" : checked.error.detail;
}

/** Two proofs of one key, and its thumbprint, as RFC 9449 gives them. */
const OF_RFC = {
  jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
  header:
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19",
  token:
    "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
  resource:
    "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
  accessToken: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
};

describe("vectors", () => {
  test("the proofs of RFC 9449 §4.1 and §7.1, with the thumbprint of RFC 9449 §6.1", async () => {
    const now = 1_562_262_620_000;
    const token = { method: "POST", url: "https://server.example.com/token", now };
    expect(await dpop.check(`${OF_RFC.header}.${OF_RFC.token}`, token)).toEqual({
      ok: true,
      value: {
        jkt: OF_RFC.jkt,
        jti: "-BwC3ESc6acc2lTc",
        hash: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        expiresAt: 1_562_262_616_000 + 61_000,
      },
    });
    const resource = {
      method: "GET",
      url: "https://resource.example.org/protectedresource",
      accessToken: OF_RFC.accessToken,
      now,
    };
    const checked = await dpop.check(`${OF_RFC.header}.${OF_RFC.resource}`, resource);
    expect(checked.ok && checked.value.jkt).toBe(OF_RFC.jkt);
    expect(
      await verdict(`${OF_RFC.header}.${OF_RFC.resource}`, { ...resource, accessToken: "another" }),
    ).toBe("ath is another token");
  });

  test("the thumbprint of RFC 7638 §3.1, by the library that is used here", async () => {
    const n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    expect(await calculateJwkThumbprint({ kty: "RSA", e: "AQAB", n }, "sha256")).toBe(
      "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    );
  });

  test("a key has one thumbprint, whatever else its JWK says", async () => {
    const of = async (members: object) => {
      const checked = await dpop.check(await proof({}, { jwk: members }), request);
      return checked.ok ? checked.value.jkt : checked.error.detail;
    };
    const { y, x, crv, kty } = jwk;
    const plain = await of(jwk);
    expect(plain).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(await of({ y, alg: "ES256", x, use: "sig", kid: "mine", crv, kty })).toBe(plain);
  });
});

describe("the header and its key", () => {
  test.each([
    [{ typ: "JWT" }, "typ is not dpop+jwt"],
    [{ typ: undefined }, "typ is not dpop+jwt"],
    [{ typ: ["dpop+jwt"] }, "typ is not dpop+jwt"],
    [{ jwk: undefined }, "jwk is missing"],
    [{ jwk: null }, "jwk is missing"],
    [{ jwk: "-----BEGIN PUBLIC KEY-----" }, "jwk is missing"],
    [{ jwk: [] }, "jwk is missing"],
    [{ jwk: {} }, "jwk: must be EC on P-256"],
    [{ jku: "https://evil.example" }, "the header names another key"],
    [{ x5u: "https://evil.example" }, "the header names another key"],
    [{ x5c: ["AAAA"] }, "the header names another key"],
    [{ x5t: "AAAA" }, "the header names another key"],
    [{ "x5t#S256": "AAAA" }, "the header names another key"],
    [{ crit: ["exp"] }, "the header names another key"],
    [{ crit: ["b64"], b64: false }, "the header names another key"],
    [{ kid: "mine" }, "accepted"],
  ])("T90 %j: %s", async (header, said) => {
    expect(await verdict(await proof({}, header))).toBe(said);
  });

  test.each([["none", "None", "es256", "ES384", "EdDSA", "RS256", "HS256", "", ["ES256"], undefined, null]])(
    "T27 algorithm confusion: %s and others",
    async (...algorithms) => {
      const [, payload, signature] = (await proof()).split(".");
      for (const alg of algorithms) {
        for (const end of ["", signature]) {
          const header = encoded({ typ: "dpop+jwt", alg, jwk });
          expect(await verdict(`${header}.${payload}.${end}`)).toBe("the algorithm is not ES256");
        }
      }
    },
  );

  test("T27 algorithm confusion: HS256 with the key that it brings, and a symmetric key", async () => {
    const [, payload] = (await proof()).split(".");
    const header = encoded({ typ: "dpop+jwt", alg: "HS256", jwk });
    const secret = new TextEncoder().encode(JSON.stringify(jwk));
    const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
    ]);
    const input = new TextEncoder().encode(`${header}.${payload}`);
    const mac = toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", key, input)));
    expect(await verdict(`${header}.${payload}.${mac}`)).toBe("the algorithm is not ES256");
    expect(await verdict(await proof({}, { jwk: { kty: "oct", k: "c2VjcmV0" } }))).toBe(
      "jwk: holds private members",
    );
  });

  test("T26 a key with d, off the curve, of another curve, or in another spelling", async () => {
    const { d } = (await crypto.subtle.exportKey("jwk", pair.privateKey)) as JsonWebKey;
    const { kty, crv, x, y } = (await crypto.subtle.exportKey(
      "jwk",
      (
        await p256("P-384")
      ).publicKey,
    )) as JsonWebKey;
    const keys: readonly (readonly [object, string])[] = [
      [{ ...jwk, d }, "jwk: holds private members"],
      [{ ...jwk, d: "" }, "jwk: holds private members"],
      [{ ...jwk, y: jwk.x }, "jwk: not a point of P-256"],
      [{ kty, crv, x, y }, "jwk: must be EC on P-256"],
      [{ ...jwk, crv: "P-384" }, "jwk: must be EC on P-256"],
      [{ kty: "RSA", n: "AQAB", e: "AQAB" }, "jwk: must be EC on P-256"],
      [{ ...jwk, x: `${jwk.x}=` }, "jwk: x and y must be 32 bytes in base64url"],
      [{ ...jwk, x: `AA${jwk.x}` }, "jwk: x and y must be 32 bytes in base64url"],
      [{ ...jwk, x: undefined }, "jwk: x and y must be 32 bytes in base64url"],
      [{ ...jwk, alg: "ES384" }, "jwk: alg must be ES256"],
      [{ ...jwk, use: "enc" }, "jwk: use must be sig"],
    ];
    for (const [key, said] of keys) expect(await verdict(await proof({}, { jwk: key }))).toBe(said);
  });

  test("T26 the signature of another key, or in another spelling", async () => {
    expect(await verdict(await proof({}, {}, (await p256()).privateKey))).toBe("the signature does not fit");
    const [header, payload, signature = ""] = (await proof()).split(".");
    const raw = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
    for (const bytes of [
      rawToDer(raw),
      raw.subarray(0, 63),
      Uint8Array.from([...raw, 0]),
      new Uint8Array(64),
    ]) {
      expect(await verdict(`${header}.${payload}.${toBase64Url(bytes)}`)).toBe("the signature does not fit");
    }
  });

  test("what is no proof is refused and never thrown: two headers in one, other spellings, too long", async () => {
    const whole = await proof();
    const texts = ["", "..", "a.b.c", `${whole}, ${whole}`, `${whole}.x`, `${whole} `, `${whole}=`, "é.é.é"];
    for (const text of texts) expect(await verdict(text), text.slice(0, 20)).toBe("not a compact JWS");
    expect(await verdict(await proof({ padding: "x".repeat(4_096) }))).toBe("not a compact JWS");
    const list = await jws(pair.privateKey, { typ: "dpop+jwt", alg: "ES256", jwk }, [1]);
    expect(await verdict(list)).toBe("the claims are not a JSON object");
  });
});

describe("the call that it is for", () => {
  test.each(["GET", "post", "POST ", "", undefined, ["POST"]])(
    "T90 htm %j is another method",
    async (htm) => {
      expect(await verdict(await proof({ htm }))).toBe("htm is another method");
    },
  );

  test.each([
    URL_OF_TOKEN,
    "HTTPS://ID.example:443/oauth/token",
    `${URL_OF_TOKEN}?a=b`,
    `${URL_OF_TOKEN}#there`,
    "https://id.example/oauth/./x/../token",
  ])("htu %s is this address", async (htu) => {
    expect(await verdict(await proof({ htu }))).toBe("accepted");
  });

  test("a query of the request does not count either", async () => {
    expect(await verdict(await proof(), { url: `${URL_OF_TOKEN}?a=b` })).toBe("accepted");
  });

  test.each([
    "https://id.example:8443/oauth/token",
    "https://id.example:80/oauth/token",
    "http://id.example/oauth/token",
    "https://id.example/oauth/token/",
    "https://id.example/oauth/TOKEN",
    "https://id.example/oauth/revoke",
    "https://id.example.evil.example/oauth/token",
    "https://evil.example/?https://id.example/oauth/token",
    "https://user@id.example/oauth/token",
    "/oauth/token",
    "urn:id:token",
    "",
    undefined,
    7,
  ])("T90 htu %j is another address", async (htu) => {
    expect(await verdict(await proof({ htu }))).toBe("htu is another address");
  });

  test("an address of ours that cannot be read fits nothing", async () => {
    expect(await verdict(await proof({ htu: "urn:x" }), { url: "urn:x" })).toBe("htu is another address");
  });

  test.each([
    [SECONDS - 60, "accepted"],
    [SECONDS + 60, "accepted"],
    [SECONDS + 0.5, "accepted"],
    [SECONDS - 61, "iat is not of this minute"],
    [SECONDS + 61, "iat is not of this minute"],
    [NOW, "iat is not of this minute"],
    [String(SECONDS), "iat is not of this minute"],
    [undefined, "iat is not of this minute"],
    [null, "iat is not of this minute"],
  ])("T90 iat %s: %s", async (iat, said) => {
    expect(await verdict(await proof({ iat }))).toBe(said);
  });

  test.each(["", "x".repeat(129), "a\nb", "é", 7, undefined])("T90 a jti of %j is refused", async (jti) => {
    expect(await verdict(await proof({ jti }))).toBe("jti is missing or too long");
  });

  test("T90 at a resource the proof is for the token that it comes with", async () => {
    const accessToken = OF_RFC.accessToken;
    const ath = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";
    expect(await verdict(await proof({ ath }), { accessToken })).toBe("accepted");
    expect(await verdict(await proof({ ath }))).toBe("accepted");
    for (const wrong of [undefined, "", `${ath}=`, accessToken, ath.toLowerCase()]) {
      expect(await verdict(await proof({ ath: wrong }), { accessToken })).toBe("ath is another token");
    }
    expect(await verdict(await proof({ ath }), { accessToken: `${accessToken}x` })).toBe(
      "ath is another token",
    );
  });
});

describe("once", () => {
  const good = async (text: string, now = NOW) => {
    const checked = await dpop.check(text, { ...request, now });
    if (!checked.ok) throw new Error(checked.error.detail);
    return checked.value;
  };

  test("T90 replay: what is spent is the same for each use of a jti by a key, and of no other", async () => {
    const first = await good(await proof());
    expect((await good(await proof({ iat: SECONDS + 1 }), NOW + 5_000)).hash).toBe(first.hash);
    expect((await good(await proof({ jti: "another" }))).hash).not.toBe(first.hash);
    const stranger = await p256();
    const { kty, crv, x, y } = (await crypto.subtle.exportKey("jwk", stranger.publicKey)) as JsonWebKey;
    const theirs = await good(await proof({}, { jwk: { kty, crv, x, y } }, stranger.privateKey));
    expect(theirs.jkt).not.toBe(first.jkt);
    expect(theirs.hash).not.toBe(first.hash);
  });

  test("T90 replay: it is to be kept for longer than the proof is taken", async () => {
    for (const iat of [SECONDS - 60, SECONDS, SECONDS + 0.5, SECONDS + 60]) {
      const text = await proof({ iat });
      const { expiresAt } = await good(text);
      expect(await verdict(text, { now: expiresAt })).toBe("iat is not of this minute");
      expect(expiresAt - iat * 1_000).toBeLessThanOrEqual(61_001);
    }
  });
});

describe("server nonces (RFC 9449 §8)", () => {
  const SLOT = 5 * 60_000;
  const start = Math.floor(NOW / SLOT) * SLOT;

  test("T90 a nonce that is demanded must be there and good", async () => {
    const nonces = await dpop.nonces(NOW);
    for (const nonce of nonces) expect(await verdict(await proof({ nonce }), { nonces })).toBe("accepted");
    const strange = await makeDpopProofs({ pepper: new Uint8Array(32).fill(9) }).nonces(NOW);
    for (const nonce of [undefined, "", null, keyText(1), [nonces[0]], ...strange]) {
      expect(await verdict(await proof({ nonce }), { nonces })).toBe("use_dpop_nonce");
    }
    expect(await verdict(await proof({ nonce: nonces[0] }), { nonces: [] })).toBe("use_dpop_nonce");
  });

  test("a nonce that nobody demands decides nothing", async () => {
    expect(await verdict(await proof({ nonce: "of another server" }))).toBe("accepted");
  });

  test("a proof that is wrong otherwise is told so, not asked for a nonce", async () => {
    const nonces = await dpop.nonces(NOW);
    expect(await verdict(await proof({ htm: "GET" }), { nonces })).toBe("htm is another method");
  });

  test("every isolate knows them; one is good for the rest of its five minutes and the five after", async () => {
    const [current, previous] = await dpop.nonces(start);
    expect(current).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(previous).not.toBe(current);
    expect(await makeDpopProofs(secretKeys).nonces(start + SLOT - 1)).toEqual([current, previous]);
    const later = await dpop.nonces(start + SLOT);
    expect(later[1]).toBe(current);
    expect(await dpop.nonces(start + 2 * SLOT)).not.toContain(current);
  });
});
