import { beforeAll, describe, expect, test } from "vitest";
import { fromBase64Url, toBase64Url } from "../../../src/core/base64.ts";
import type { TokenClaims, TokenDemands, TokenHeader } from "../../../src/core/keys/token.ts";
import { makeKeyring } from "../../../src/keys/keyring.ts";
import { makeVerifier } from "../../../src/keys/verifier.ts";
import { rawToDer } from "../../fakes/device-signer.ts";
import { manualClock, memoryShelf, randomChance, secretKeys } from "../../fakes/signing-keys.ts";

const START = 1_767_225_600_000;
const NOW = START / 1_000;
const AUDIENCE = "11111111-2222-4333-8444-555555555555";
const ISSUER = "https://sign.example";

const clock = manualClock(START);
const deployment = () => makeKeyring({ shelf: memoryShelf(), secretKeys, clock, chance: randomChance });
const keyring = deployment();
const verifier = makeVerifier(keyring, clock);

const utf8 = new TextEncoder();
const encoded = (value: unknown) =>
  toBase64Url(utf8.encode(typeof value === "string" ? value : JSON.stringify(value)));
const claims = (change: TokenClaims = {}): TokenClaims => ({
  sub: "someone",
  iss: ISSUER,
  aud: AUDIENCE,
  iat: NOW,
  nbf: NOW,
  exp: NOW + 3_600,
  ...change,
});
const access: TokenHeader = { typ: "at+jwt" };
const jwt: TokenHeader = { typ: "JWT" };
const demands: TokenDemands = { kind: "access", issuer: ISSUER, audience: AUDIENCE };

async function verdict(token: string, asked: TokenDemands = demands): Promise<string> {
  const read = await verifier.verify(token, asked);
  return read.ok ? "accepted" : read.error.detail;
}

let good: string;
let kid: string;
beforeAll(async () => {
  good = await keyring.sign("standard", access, claims());
  kid = await keyring.ready("standard");
});

describe("algorithms and keys", () => {
  test("a token of this deployment is read with its claims as they are", async () => {
    expect(await verifier.verify(good, demands)).toEqual({ ok: true, value: claims() });
    expect(await verdict(good, { kind: "access" })).toBe("accepted");
  });

  test("T27 algorithm confusion: HS256 with the public key as secret", async () => {
    const [jwk] = await keyring.published();
    const imported = await crypto.subtle.importKey(
      "jwk",
      { kty: "EC", ...jwk },
      { name: "ECDSA", namedCurve: "P-256" },
      true,
      ["verify"],
    );
    const spki = new Uint8Array((await crypto.subtle.exportKey("spki", imported)) as ArrayBuffer);
    for (const secret of [utf8.encode(JSON.stringify(jwk)), spki, utf8.encode(jwk?.x ?? "")]) {
      const input = `${encoded({ alg: "HS256", typ: "at+jwt", kid })}.${encoded(claims())}`;
      const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
        "sign",
      ]);
      const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8.encode(input)));
      expect(await verdict(`${input}.${toBase64Url(mac)}`)).toBe("the algorithm is not ES256");
    }
  });

  test("T27 algorithm confusion: none, another case, another curve, a list", async () => {
    const [, payload, signature] = good.split(".");
    for (const alg of [
      "none",
      "None",
      "es256",
      "ES384",
      "ES256K",
      "EdDSA",
      "RS256",
      "",
      ["ES256"],
      null,
      1,
    ]) {
      const header = encoded({ alg, typ: "at+jwt", kid });
      for (const end of ["", signature]) {
        expect(await verdict(`${header}.${payload}.${end}`)).toBe("the algorithm is not ES256");
      }
    }
    expect(await verdict(`${encoded({ alg: "ES256", typ: "at+jwt", kid })}.${payload}.`)).toBe(
      "the signature does not fit",
    );
  });

  test("T27 algorithm confusion: a header that names its own key is refused even when we signed it", async () => {
    const members = {
      jku: "https://evil.example/jwks",
      jwk: (await keyring.published())[0],
      x5u: "https://evil.example/x5u",
      x5c: ["AAAA"],
      crit: ["b64"],
      b64: true,
      zip: "DEF",
    };
    for (const [name, value] of Object.entries(members)) {
      const header = { ...access, [name]: value } as TokenHeader;
      const token =
        name === "crit"
          ? `${encoded({ alg: "ES256", typ: "at+jwt", kid, crit: value })}.${good.split(".").slice(1).join(".")}`
          : await keyring.sign("standard", header, claims());
      expect(await verdict(token), name).toBe("the header names its own key");
    }
  });

  test("T27 algorithm confusion: the kid of another deployment, or ours on its signature", async () => {
    const other = deployment();
    const foreign = await other.sign("standard", access, claims());
    expect(await verdict(foreign)).toBe("the key is not one of this deployment");
    const pinned = await other.sign("cotter", access, claims());
    await keyring.ready("cotter");
    expect(await verdict(pinned)).toBe("the signature does not fit");
    const [, payload, signature] = foreign.split(".");
    const relabelled = `${encoded({ alg: "ES256", typ: "at+jwt", kid })}.${payload}.${signature}`;
    expect(await verdict(relabelled)).toBe("the signature does not fit");
    for (const strange of [undefined, null, 7, "", "__proto__"]) {
      const header = encoded({ alg: "ES256", typ: "at+jwt", kid: strange });
      expect(await verdict(`${header}.${payload}.${signature}`)).not.toBe("accepted");
    }
  });

  test("T26 ECDSA edge cases: a token signed in DER, or with 63 or 65 bytes", async () => {
    const [header, payload, signature = ""] = good.split(".");
    const raw = fromBase64Url(signature) ?? new Uint8Array();
    for (const bytes of [
      rawToDer(raw),
      raw.subarray(0, 63),
      Uint8Array.from([...raw, 0]),
      new Uint8Array(64),
    ]) {
      expect(await verdict(`${header}.${payload}.${toBase64Url(bytes)}`)).toBe("the signature does not fit");
    }
  });

  test("one changed character anywhere is refused and nothing of the token comes back", async () => {
    for (let index = 0; index < good.length; index++) {
      const changed = good.slice(0, index) + (good[index] === "A" ? "B" : "A") + good.slice(index + 1);
      const said = await verdict(changed);
      expect(said, String(index)).not.toBe("accepted");
      expect(said.length).toBeLessThan(60);
    }
  });

  test("what is no token at all is refused and never thrown", async () => {
    const header = encoded({ alg: "ES256", typ: "at+jwt", kid });
    const texts = [
      "",
      ".",
      "..",
      "...",
      "a.b",
      `${good}.x`,
      `${good} `,
      `${header}..`,
      `${encoded("null")}.${encoded({})}.${encoded("x")}`,
      `${encoded("[]")}.${encoded({})}.${encoded("x")}`,
      `${encoded("{")}.${encoded({})}.${encoded("x")}`,
      "é.é.é",
      "\u0000",
    ];
    for (const text of texts) expect(await verdict(text), text.slice(0, 30)).not.toBe("accepted");
    const endless = await keyring.sign("standard", access, claims({ padding: "x".repeat(9_000) }));
    expect(await verdict(endless)).toBe("not a compact JWS");
    const notObjects = await keyring.sign("standard", access, [1] as unknown as TokenClaims);
    expect(await verdict(notObjects)).toBe("not a JWT");
  });
});

describe("claims", () => {
  const at = async (change: TokenClaims, asked?: TokenDemands) =>
    verdict(await keyring.sign("standard", access, claims(change)), asked);

  test("expiry, nbf and iat are judged by our clock, a minute apart at most", async () => {
    expect(await at({ exp: NOW - 59 })).toBe("accepted");
    expect(await at({ exp: NOW - 60 })).toBe("expired");
    expect(await at({ nbf: NOW + 60 })).toBe("accepted");
    expect(await at({ nbf: NOW + 61 })).toBe("the claim nbf does not fit");
    expect(await at({ iat: NOW + 60 })).toBe("accepted");
    expect(await at({ iat: NOW + 61 })).toBe("iat is in the future");
    expect(await at({ exp: "never" })).toBe("the claim exp does not fit");
    const { exp: _, ...endless } = claims();
    expect(await verdict(await keyring.sign("standard", access, endless))).toBe("the claim exp does not fit");
    const { iat: __, ...unborn } = claims();
    expect(await verdict(await keyring.sign("standard", access, unborn))).toBe("the claim iat does not fit");
  });

  test("a hint may have expired, and has to be right in everything else", async () => {
    const hint = { kind: "access", issuer: ISSUER, audience: AUDIENCE, expired: "allowed" } as const;
    expect(await at({ iat: NOW - 9_000_000, exp: NOW - 8_000_000 }, hint)).toBe("accepted");
    expect(await at({ exp: NOW - 60, iss: "https://other.example" }, hint)).toBe(
      "the claim iss does not fit",
    );
    expect(await at({ exp: NOW - 60, aud: "another" }, hint)).toBe("the claim aud does not fit");
    expect(await at({ exp: NOW - 60, iat: NOW + 61 }, hint)).toBe("iat is in the future");
    expect(await at({ exp: NOW - 60 }, { ...hint, kind: "id" })).toBe("not an ID token");
    const { exp: _, ...endless } = claims();
    const text = await keyring.sign("standard", access, endless);
    expect(await verdict(text, hint)).toBe("the claim exp does not fit");
  });

  test("T87 token confusion: another audience or issuer", async () => {
    expect(await at({ aud: "another" })).toBe("the claim aud does not fit");
    expect(await at({ aud: ["another", AUDIENCE] })).toBe("accepted");
    expect(await at({ iss: "https://other.example" })).toBe("the claim iss does not fit");
    expect(await at({ iss: `${ISSUER}/` })).toBe("the claim iss does not fit");
    const { aud: _, ...nobody } = claims();
    expect(await verdict(await keyring.sign("standard", access, nobody))).toBe("the claim aud does not fit");
    expect(await at({ aud: "another" }, { kind: "access", issuer: ISSUER })).toBe("accepted");
  });

  test("T87 token confusion: access and ID tokens are told apart, in both manners", async () => {
    const tokens = {
      standardAccess: await keyring.sign("standard", access, claims({ scope: "openid" })),
      standardId: await keyring.sign("standard", jwt, claims({ nonce: "n" })),
      cotterAccess: await keyring.sign(
        "cotter",
        jwt,
        claims({ type: "client_access_token", scope: "access" }),
      ),
      cotterId: await keyring.sign("cotter", jwt, claims({ type: "client_id_token" })),
      untyped: await keyring.sign("standard", jwt, claims({ scope: "openid" })),
      foreignType: await keyring.sign("standard", jwt, claims({ type: "refresh" })),
      otherTyp: await keyring.sign("standard", { typ: "logout+jwt" }, claims()),
    };
    const verdicts: Record<string, readonly [boolean, boolean]> = {};
    for (const [name, token] of Object.entries(tokens)) {
      const asAccess = await verdict(token);
      const asId = await verdict(token, { ...demands, kind: "id" });
      verdicts[name] = [asAccess === "accepted", asId === "accepted"];
      if (asAccess !== "accepted") expect(asAccess).toBe("not an access token");
      if (asId !== "accepted") expect(asId).toBe("not an ID token");
    }
    expect(verdicts).toEqual({
      standardAccess: [true, false],
      standardId: [false, true],
      cotterAccess: [true, false],
      cotterId: [false, true],
      untyped: [false, false],
      foreignType: [false, false],
      otherTyp: [false, false],
    });
  });

  test("T87 token confusion: a token of deployment A at B", async () => {
    const there = makeVerifier(deployment(), clock);
    expect(await there.verify(good, demands)).toEqual({
      ok: false,
      error: { code: "bad_token", detail: "the key is not one of this deployment" },
    });
  });
});
