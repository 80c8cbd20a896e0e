import { beforeAll, describe, expect, test } from "vitest";
import { toBase64Url } from "../../../src/core/base64.ts";
import { type ClientId, parseClientId } from "../../../src/core/ids.ts";
import { makeClientAssertions } from "../../../src/keys/client-assertions.ts";
import { makeClientTokens } from "../../../src/keys/client-tokens.ts";
import { rawToDer } from "../../fakes/device-signer.ts";
import { encoded, jws, type P256Pair, p256, pemOf } from "../../fakes/jws.ts";

const NOW = 1_767_225_600_000;
const SECONDS = NOW / 1_000;
const ISSUER = "https://id.example";
const ENDPOINT = "https://id.example/oauth/token";
const CLIENT = parseClientId("shop-backend") as ClientId;

const assertions = makeClientAssertions(makeClientTokens());

let pair: P256Pair;
let other: P256Pair;
let publicKeys: readonly string[];
beforeAll(async () => {
  [pair, other] = [await p256(), await p256()];
  publicKeys = [await pemOf(await p256()), await pemOf(pair)];
});

const claims = (change: object = {}) => ({
  iss: CLIENT,
  sub: CLIENT,
  aud: ISSUER,
  exp: SECONDS + 60,
  iat: SECONDS,
  jti: "bWJq",
  ...change,
});
const signed = (change: object = {}, header: object = {}) =>
  jws(pair.privateKey, { alg: "ES256", ...header }, claims(change));
const check = (assertion: string, keys = publicKeys) =>
  assertions.check(assertion, {
    client: { id: CLIENT, publicKeys: keys },
    audiences: [ISSUER, ENDPOINT],
    now: NOW,
  });
async function verdict(assertion: string, keys?: readonly string[]): Promise<string> {
  const checked = await check(assertion, keys);
  return checked.ok ? "accepted" : checked.error.detail;
}

describe("private_key_jwt (RFC 7523 §3)", () => {
  test("a good assertion gives the nonce that is to be spent, and until when", async () => {
    const checked = await check(await signed());
    expect(checked).toEqual({
      ok: true,
      value: {
        clientId: CLIENT,
        hash: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        expiresAt: NOW + 120_000,
      },
    });
  });

  test("the nonce is the jti's: the same for each assertion of one jti, another for another", async () => {
    const nonceOf = async (change: object) => {
      const checked = await check(await signed(change));
      return checked.ok ? checked.value.hash : "refused";
    };
    const first = await nonceOf({});
    expect(await nonceOf({ exp: SECONDS + 30 })).toBe(first);
    expect(await nonceOf({ jti: "bWJr" })).not.toBe(first);
  });

  test("the client is read before anything is verified", async () => {
    const stranger = await jws(other.privateKey, { alg: "ES256" }, claims());
    expect(assertions.peek(stranger)).toBe(CLIENT);
    for (const change of [
      { iss: "shop" },
      { sub: undefined },
      { iss: 7, sub: 7 },
      { iss: "a b", sub: "a b" },
    ]) {
      expect(assertions.peek(await signed(change))).toBeUndefined();
    }
    expect(assertions.peek("no.jws")).toBeUndefined();
    expect(assertions.peek(await signed({}, { jku: "https://evil.example" }))).toBeUndefined();
  });

  test("the audience is the issuer or the called endpoint, as one text", async () => {
    expect(await verdict(await signed({ aud: ENDPOINT }))).toBe("accepted");
    for (const aud of [
      `${ISSUER}/`,
      "https://ID.example",
      `${ENDPOINT}?a=b`,
      "https://id.example/oauth/revoke",
      "https://evil.example",
      CLIENT,
      [ISSUER],
      [ISSUER, "https://evil.example"],
      "",
      undefined,
      null,
    ]) {
      expect(await verdict(await signed({ aud })), String(aud)).toBe("aud is not this server");
    }
  });

  test.each([
    [{ iss: "another", sub: "another" }],
    [{ iss: "another" }],
    [{ sub: "another" }],
    [{ iss: undefined }],
    [{ sub: undefined }],
    [{ iss: undefined, sub: undefined }],
    [{ iss: ["shop-backend"], sub: ["shop-backend"] }],
  ])("iss and sub are the client: %j", async (change) => {
    expect(await verdict(await signed(change))).toBe("iss and sub are not the client");
  });

  test.each([
    [{ exp: SECONDS + 360 }, "accepted"],
    [{ exp: SECONDS + 361 }, "exp is more than 300 s ahead"],
    [{ exp: SECONDS - 59 }, "accepted"],
    [{ exp: SECONDS - 60 }, "expired"],
    [{ exp: SECONDS + 0.5 }, "accepted"],
    [{ exp: undefined }, "exp is missing or no number"],
    [{ exp: String(SECONDS + 60) }, "exp is missing or no number"],
    [{ exp: 1e300 }, "exp is more than 300 s ahead"],
    [{ iat: undefined }, "accepted"],
    [{ iat: SECONDS + 60 }, "accepted"],
    [{ iat: SECONDS + 61 }, "iat is in the future"],
    [{ iat: "now" }, "iat is no number"],
    [{ nbf: SECONDS + 60 }, "accepted"],
    [{ nbf: SECONDS + 61 }, "nbf is in the future"],
    [{ nbf: null }, "nbf is no number"],
  ])("times are a minute apart at most: %j is %s", async (change, said) => {
    expect(await verdict(await signed(change))).toBe(said);
  });

  test.each([undefined, "", 7, "x".repeat(129), "a\nb", "é", null])("a jti of %j is refused", async (jti) => {
    expect(await verdict(await signed({ jti }))).toBe("jti is missing or too long");
  });

  test("a jti has 128 characters at most", async () => {
    expect(await verdict(await signed({ jti: "x".repeat(128) }))).toBe("accepted");
  });

  test("typ may be missing, or say that it is a JWT or a client's proof", async () => {
    for (const typ of [undefined, "JWT", "jwt", "client-authentication+jwt"]) {
      expect(await verdict(await signed({}, { typ }))).toBe("accepted");
    }
    for (const typ of ["dpop+jwt", "at+jwt", "secevent+jwt", "", 7, null]) {
      expect(await verdict(await signed({}, { typ }))).toBe("typ is of another kind of token");
    }
  });

  test("a kid chooses nothing: each registered key may have signed", async () => {
    expect(await verdict(await signed({}, { kid: "another" }))).toBe("accepted");
    expect(await verdict(await signed(), [...publicKeys].reverse())).toBe("accepted");
  });

  test("T27 algorithm confusion: none, HS256 with the key as secret, RS256, another case", async () => {
    const [, payload, signature] = (await signed()).split(".");
    for (const alg of [
      "none",
      "None",
      "es256",
      "ES384",
      "EdDSA",
      "RS256",
      "HS256",
      "",
      ["ES256"],
      undefined,
    ]) {
      for (const end of ["", signature]) {
        expect(await verdict(`${encoded({ alg })}.${payload}.${end}`)).toBe("the algorithm is not ES256");
      }
    }
    const secret = new TextEncoder().encode(publicKeys[1]);
    const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
    ]);
    const input = `${encoded({ alg: "HS256" })}.${payload}`;
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(input)));
    expect(await verdict(`${input}.${toBase64Url(mac)}`)).toBe("the algorithm is not ES256");
  });

  test("T27 algorithm confusion: a header that names its own key is refused", async () => {
    const jwk = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const members = {
      jku: "https://evil.example",
      jwk,
      x5u: "https://evil.example",
      x5c: ["AAAA"],
      crit: ["exp"],
    };
    for (const [name, value] of Object.entries(members)) {
      expect(await verdict(await signed({}, { [name]: value })), name).toBe("the header names its own key");
    }
  });

  test("T26 the key of another, and a signature in another spelling", async () => {
    expect(await verdict(await jws(other.privateKey, { alg: "ES256" }, claims()))).toBe(
      "no key of this client has signed it",
    );
    expect(await verdict(await signed(), [])).toBe("no key of this client has signed it");
    const [header, payload, signature = ""] = (await signed()).split(".");
    const raw = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
    for (const bytes of [
      rawToDer(raw),
      raw.subarray(0, 63),
      Uint8Array.from([...raw, 0]),
      new Uint8Array(64),
    ]) {
      expect(await verdict(`${header}.${payload}.${toBase64Url(bytes)}`)).toBe(
        "no key of this client has signed it",
      );
    }
  });

  test("what is no assertion is refused and never thrown", async () => {
    const whole = await signed();
    const texts = [
      "",
      "..",
      "a.b.c",
      `${whole}.x`,
      `${whole} `,
      `${whole}=`,
      "é.é.é",
      `${encoded("[]")}.e30.e30`,
    ];
    for (const text of texts) expect(await verdict(text), text.slice(0, 20)).not.toBe("accepted");
    expect(await verdict(await signed({ padding: "x".repeat(4_096) }))).toBe("not a compact JWS");
    expect(await verdict(await jws(pair.privateKey, { alg: "ES256" }, [1]))).toBe(
      "the claims are not a JSON object",
    );
  });
});
