import { SignJWT } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { CountersignError } from "../../../packages/countersign/src/errors.ts";
import {
  createVerifier,
  type Verifier,
  verifyAccessToken,
} from "../../../packages/countersign/src/verify/verify.ts";
import { encoded, jws, p256 } from "../../fakes/jws.ts";
import {
  AUDIENCE,
  goodClaims,
  ISSUER,
  Issuer,
  NOW,
  newKey,
  ProofKey,
  refusedFor,
  seconds,
} from "./verify-support.ts";

let issuer: Issuer;
let verifier: Verifier;
beforeAll(async () => {
  issuer = await Issuer.start();
});
beforeEach(() => {
  issuer.now = NOW;
  verifier = createVerifier(issuer.options());
});

const refused = async (token: string | Promise<string>): Promise<string> =>
  refusedFor(verifier.verify(await token));

describe("an access token", () => {
  test("is taken, and its claims are told", async () => {
    const claims = await verifier.verify(await issuer.sign());
    expect(claims).toEqual({ ...goodClaims(), jti: claims.jti });
  });

  test("is taken with what only some tokens say", async () => {
    const more = { realm: "shop", authorization_details: [{ type: "payment", amount: "12.00" }] };
    expect(await verifier.verify(await issuer.sign({ claims: more }))).toMatchObject(more);
  });

  test("is taken for one of several audiences", async () => {
    const several = createVerifier(issuer.options({ audience: ["web", AUDIENCE] }));
    expect((await several.verify(await issuer.sign())).aud).toBe(AUDIENCE);
  });

  test("may say its type with the media type's first half (RFC 9068 §4)", async () => {
    expect(await verifier.verify(await issuer.sign({ header: { typ: "application/at+jwt" } }))).toBeTruthy();
  });

  test("is taken by verifyAccessToken alike", async () => {
    expect((await verifyAccessToken(await issuer.sign(), issuer.options())).client_id).toBe("web");
  });
});

describe("verifyAccessToken without a verifier", () => {
  const options = { issuer: "https://one-off.example", audience: AUDIENCE };
  beforeEach(() => {
    issuer.now = Date.now();
    issuer.asked = [];
    vi.stubGlobal("fetch", issuer.fetch);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  test("keeps the keys and the used proofs between calls", async () => {
    const key = await ProofKey.start();
    const token = await issuer.sign({ claims: { iss: options.issuer, cnf: { jkt: key.jkt } } });
    const url = "https://api.example/orders";
    const dpop = { proof: await key.prove({ token, url, now: issuer.now }), method: "GET", url };
    await verifyAccessToken(token, { ...options, dpop });
    const again = verifyAccessToken(token, { ...options, dpop });
    expect(await refusedFor(again)).toBe("invalid_token/proof_replayed");
    expect(issuer.asked).toEqual(["https://one-off.example/.well-known/jwks.json"]);
  });
});

describe("T87 token confusion", () => {
  test.each([
    ["an ID token", { header: { typ: "JWT" }, claims: { aud: AUDIENCE, scope: undefined } }, "type"],
    ["an ID token of RS256's kind, without typ", { header: { typ: undefined } }, "type"],
    [
      "a token of a vendor's door",
      { header: { typ: "JWT" }, claims: { type: "client_access_token" } },
      "type",
    ],
    ["a logout token", { header: { typ: "logout+jwt" } }, "type"],
    ["a DPoP proof", { header: { typ: "dpop+jwt" } }, "type"],
    ["a token for another audience", { claims: { aud: "https://other.example" } }, "audience"],
    ["a token whose audience only begins like ours", { claims: { aud: `${AUDIENCE}/more` } }, "audience"],
    ["a token without audience", { claims: { aud: undefined } }, "audience"],
    ["a token of another issuer", { claims: { iss: "https://evil.example" } }, "issuer"],
    ["a token whose issuer has a slash more", { claims: { iss: `${ISSUER}/` } }, "issuer"],
    ["a token for several audiences, ours among them", { claims: { aud: [AUDIENCE, "x"] } }, "claims"],
  ])("%s is refused", async (_, parts, reason) => {
    expect(await refused(issuer.sign(parts))).toBe(`invalid_token/${reason}`);
  });

  test("a token of another deployment, with keys of its own, is refused", async () => {
    const other = new Issuer([await newKey("theirs")]);
    expect(await refused(other.sign())).toBe("invalid_token/unknown_key");
    const sameName = new Issuer([await newKey("k1")]);
    expect(await refused(sameName.sign())).toBe("invalid_token/signature");
  });
});

describe("what a token says about how it wants to be verified decides nothing", () => {
  test("alg none is refused, with and without a signature", async () => {
    const token = await issuer.sign({ header: { alg: "none" } });
    expect(await refused(token)).toBe("invalid_token/algorithm");
    expect(await refused(token.replace(/[^.]*$/, ""))).toBe("invalid_token/algorithm");
  });

  test("HS256 with the public key as the secret is refused", async () => {
    const secret = new TextEncoder().encode(JSON.stringify(issuer.keys[0]?.jwk));
    const token = new SignJWT(goodClaims())
      .setProtectedHeader({ alg: "HS256", typ: "at+jwt", kid: "k1" })
      .sign(secret);
    expect(await refused(token)).toBe("invalid_token/algorithm");
  });

  test("RS256 is refused, also by a key of the issuer's", async () => {
    const rsa = await crypto.subtle.generateKey(
      {
        name: "RSASSA-PKCS1-v1_5",
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: "SHA-256",
      },
      true,
      ["sign", "verify"],
    );
    const { privateKey } = rsa as CryptoKeyPair;
    const token = new SignJWT(goodClaims())
      .setProtectedHeader({ alg: "RS256", typ: "at+jwt", kid: "k1" })
      .sign(privateKey);
    expect(await refused(token)).toBe("invalid_token/algorithm");
  });

  test.each(["jku", "jwk", "x5u", "x5c", "x5t", "crit", "b64", "zip"])(
    "the header member %s is refused, and fetches nothing",
    async (name) => {
      const before = issuer.asked.length;
      const values: Record<string, unknown> = { jwk: issuer.keys[0]?.jwk, crit: ["exp"], b64: true };
      const header = { [name]: values[name] ?? "https://evil.example/keys" };
      expect(await refused(issuer.sign({ header }))).toBe("invalid_token/header");
      expect(issuer.asked.length).toBe(before);
    },
  );

  test("a key that the token brings along verifies nothing", async () => {
    const theirs = await newKey("k1");
    const token = await issuer.sign({ key: theirs, header: { jwk: theirs.jwk } });
    expect(await refused(token)).toBe("invalid_token/header");
  });

  test("a token without kid is refused, though there is but one key", async () => {
    expect(await refused(issuer.sign({ header: { kid: undefined } }))).toBe("invalid_token/unknown_key");
    expect(await refused(issuer.sign({ header: { kid: 7 } }))).toBe("invalid_token/unknown_key");
  });

  test("a changed payload is refused", async () => {
    const [head, , tail] = (await issuer.sign()).split(".");
    const changed = encoded({ ...goodClaims(), sub: "eve" });
    expect(await refused(`${head}.${changed}.${tail}`)).toBe("invalid_token/signature");
  });

  test("a token signed by another curve under a known kid is refused", async () => {
    const key = await p256("P-384");
    const token = jws(key.privateKey, { alg: "ES256", typ: "at+jwt", kid: "k1" }, goodClaims());
    expect(await refused(token)).toMatch("invalid_token/signature");
  });
});

test("what needs no key is refused without asking the issuer", async () => {
  const before = issuer.asked.length;
  for (const header of [{ typ: "JWT" }, { alg: "RS256" }, { kid: undefined }])
    await refused(issuer.sign({ header }));
  expect(issuer.asked.length).toBe(before);
});

describe("time, with 60 s between two clocks", () => {
  test.each([
    ["a minute less a second after exp", { exp: seconds(NOW) - 59 }, true],
    ["a minute after exp", { exp: seconds(NOW) - 60 }, "expired"],
    ["a minute before iat", { iat: seconds(NOW) + 60 }, true],
    ["more than a minute before iat", { iat: seconds(NOW) + 61 }, "issued_in_future"],
    ["without exp", { exp: undefined }, "claims"],
    ["exp as a text", { exp: String(seconds(NOW) + 60) }, "claims"],
    ["nbf in the future", { nbf: seconds(NOW) + 61 }, "claims"],
  ])("%s", async (_, claims, outcome) => {
    const token = await issuer.sign({ claims });
    if (outcome === true) expect(await verifier.verify(token)).toMatchObject(claims);
    else expect(await refused(token)).toBe(`invalid_token/${outcome}`);
  });
});

describe("what is no access token of ours", () => {
  test.each([
    ["nothing", ""],
    ["a word", "token"],
    ["two parts", "a.b"],
    ["four parts", "a.b.c.d"],
    ["five parts, as an encrypted one has", "a.b.c.d.e"],
    ["a header that is no JSON", "YQ.YQ.YQ"],
    ["a header that is a list", `${encoded([])}.YQ.YQ`],
    ["base64 with padding", `${encoded({ alg: "ES256" })}=.YQ.YQ`],
    ["a line break", "a.b.c\n"],
  ])("%s is refused", async (_, token) => {
    expect(await refused(token)).toMatch(/^invalid_token\/(malformed|algorithm)$/);
  });

  test.each(["=", "\n", " ", ".", "*"])(
    "a good token with %j at its end is another text, and refused",
    async (more) => {
      expect(await refused(`${await issuer.sign()}${more}`)).toBe("invalid_token/malformed");
      expect(await refused(`${more}${await issuer.sign()}`)).toBe("invalid_token/malformed");
    },
  );

  test.each([undefined, null, 7, {}, ["a.b.c"]])("%s in the place of a text is refused", async (token) => {
    expect(await refused(token as string)).toBe("invalid_token/malformed");
  });

  test("a token of more than 8 KiB is refused before it is read", async () => {
    expect(await refused("a".repeat(8_193))).toBe("invalid_token/too_long");
    expect(await refused(issuer.sign({ claims: { pad: "x".repeat(8_192) } }))).toBe("invalid_token/too_long");
  });

  test.each(["not json", [], "null", 7])("a payload %s is refused", async (payload) => {
    const key = issuer.keys[0]!;
    const token = jws(key.pair.privateKey, { alg: "ES256", typ: "at+jwt", kid: "k1" }, payload);
    expect(await refused(token)).toBe("invalid_token/malformed");
  });

  test.each(["sub", "jti", "client_id", "scope", "sid", "acr", "amr", "auth_time", "iat"])(
    "a token without %s is refused",
    async (name) => {
      expect(await refused(issuer.sign({ claims: { [name]: undefined } }))).toBe("invalid_token/claims");
    },
  );

  test.each([
    { sub: "" },
    { sub: 7 },
    { scope: ["openid"] },
    { amr: "pop" },
    { realm: 7 },
    { authorization_details: {} },
    { authorization_details: [{ amount: 1 }] },
  ])("a token with %j is refused", async (claims) => {
    expect(await refused(issuer.sign({ claims }))).toBe("invalid_token/claims");
  });

  test.each([{ "x5t#S256": "a" }, { jkt: 7 }, "jkt", { jkt: "a", "x5t#S256": "b" }])(
    "a binding that is not known here (%j) is refused, not left unchecked",
    async (cnf) => {
      expect(await refused(issuer.sign({ claims: { cnf } }))).toBe("invalid_token/claims");
    },
  );

  test("a refusal says nothing of the token", async () => {
    const token = await issuer.sign({ claims: { aud: "https://other.example" } });
    const error = await verifier.verify(token).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(CountersignError);
    const text = JSON.stringify([error.message, error.cause, error.stack, error]);
    for (const part of [...token.split("."), "other.example"]) expect(text).not.toContain(part);
  });
});

describe("demands", () => {
  const meets = async (demands: Parameters<Verifier["verify"]>[1], claims = {}) =>
    verifier.verify(await issuer.sign({ claims }), demands).then(
      () => true,
      (error) => error.reason,
    );

  test.each([
    ["orders:read", true],
    ["openid orders:read", true],
    [["orders:read", "openid"], true],
    ["", true],
    ["orders:write", "scope"],
    ["orders:read orders:write", "scope"],
    ["orders", "scope"],
    ["ORDERS:READ", "scope"],
  ])("scope %j", async (scope, outcome) => {
    expect(await meets({ scope })).toBe(outcome);
  });

  const ACRS = ["identifier", "device", "device-match", "device-match-uv"].map(
    (name) => `urn:signin:acr:${name}` as const,
  ) as NonNullable<NonNullable<Parameters<Verifier["verify"]>[1]>["acr"]>[];
  test.each(ACRS.flatMap((acr, held) => ACRS.map((least, asked) => [acr, least, held >= asked] as const)))(
    "acr %s where %s is needed: %s",
    async (acr, least, isMet) => {
      expect(await meets({ acr: least }, { acr })).toBe(isMet || "acr");
    },
  );

  test("an acr that is not known is weaker than all", async () => {
    expect(await meets({ acr: "urn:signin:acr:identifier" }, { acr: "urn:signin:acr:new" })).toBe("acr");
  });

  test.each([
    ["main", {}, true],
    ["main", { realm: "shop" }, "realm"],
    ["shop", { realm: "shop" }, true],
    ["shop", {}, "realm"],
  ])("realm %s of a token with %j", async (realm, claims, outcome) => {
    expect(await meets({ realm }, claims)).toBe(outcome);
  });

  test("those of the verifier hold beside those of a call", async () => {
    verifier = createVerifier(issuer.options({ scope: "orders:read", realm: "shop" }));
    expect(await meets({ scope: "openid" }, { realm: "shop" })).toBe(true);
    expect(await meets({ scope: "openid" }, { realm: "shop", scope: "openid" })).toBe("scope");
    expect(await meets({ realm: "main" }, {})).toBe("realm");
  });
});

describe("options that cannot be right are refused before anything is sent", () => {
  test.each([
    [{ issuer: "http://sign.example" }],
    [{ issuer: "https://sign.example/" }],
    [{ issuer: "https://sign.example/path" }],
    [{ issuer: "https://user@sign.example" }],
    [{ issuer: "HTTPS://sign.example" }],
    [{ issuer: "ftp://localhost" }],
    [{ issuer: "http://localhost.evil.example" }],
    [{ issuer: "http://evil-localhost" }],
    [{ issuer: "" }],
    [{ issuer: undefined }],
    [{ audience: "" }],
    [{ audience: [] }],
    [{ audience: ["web", ""] }],
    [{ audience: undefined }],
    [{ origin: "https://api.example/" }],
    [{ origin: "api.example" }],
    [{ origin: "https://" }],
    [{ acr: "device" }],
    [{ scope: 'a"b' }],
    [{ realm: "" }],
  ])("%j", async (over) => {
    const options = issuer.options(over as object);
    const before = issuer.asked.length;
    expect(() => createVerifier(options)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    const once = verifyAccessToken(await issuer.sign(), options);
    expect(await refusedFor(once)).toBe("invalid_argument");
    expect(issuer.asked.length).toBe(before);
  });

  test.each(["http://localhost:8787", "http://127.0.0.1:8787", "http://[::1]:8787"])(
    "%s is an issuer of this machine, and may be http",
    async (address) => {
      const local = createVerifier(issuer.options({ issuer: address }));
      await local.verify(await issuer.sign({ claims: { iss: address } }));
      expect(issuer.asked.at(-1)).toBe(`${address}/.well-known/jwks.json`);
    },
  );
});
