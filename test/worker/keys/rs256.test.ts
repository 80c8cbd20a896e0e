import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fromBase64Url, toBase64Url } from "../../../src/core/base64.ts";
import type { StoredKey } from "../../../src/core/keys/key.ts";
import type { TokenClaims, TokenDemands } from "../../../src/core/keys/token.ts";
import type { Keyring } from "../../../src/core/ports/keys.ts";
import { DAY, SECOND } from "../../../src/core/time.ts";
import { makeKeyring } from "../../../src/keys/keyring.ts";
import { COTTER_KID } from "../../../src/keys/lanes.ts";
import { makeVerifier } from "../../../src/keys/verifier.ts";
import { encoded } from "../../fakes/jws.ts";
import {
  type ManualClock,
  type MemoryShelf,
  manualClock,
  memoryShelf,
  randomChance,
  secretKeys,
} from "../../fakes/signing-keys.ts";

const START = 1_767_225_600_000;
const OVERLAP = 420 * SECOND;

/** An RSA pair takes a moment: it is made once, and put on the shelf of each test that is not about making it. */
let first: StoredKey;
let shelf: MemoryShelf;
let clock: ManualClock;
const isolate = () => makeKeyring({ shelf, secretKeys, clock, chance: randomChance });

const seconds = () => Math.floor(clock.at / SECOND);
const claims = (change: TokenClaims = {}): TokenClaims => ({
  sub: "someone",
  iat: seconds(),
  exp: seconds() + 3_600,
  ...change,
});
const idToken = (keyring: Keyring, change?: TokenClaims) =>
  keyring.sign("rs256", { typ: "JWT" }, claims(change));
const jwks = async (keyring: Keyring) => ({ keys: await keyring.published() }) as unknown as JSONWebKeySet;
/** As a client does it that is set to RS256, with the JWKS and nothing else of ours. */
const client = async (token: string, keyring: Keyring) =>
  jwtVerify(token, createLocalJWKSet(await jwks(keyring)), {
    algorithms: ["RS256"],
    currentDate: new Date(clock.at),
  });
const lanesOf = (rows: readonly StoredKey[]) => rows.map(({ lane }) => lane).sort();
const rsa = () => shelf.rows.filter(({ lane }) => lane === "rs256");

beforeAll(async () => {
  shelf = memoryShelf();
  clock = manualClock(START);
  await isolate().ready("rs256");
  first = shelf.rows[0] as StoredKey;
});
beforeEach(() => {
  shelf = memoryShelf();
  clock = manualClock(START);
});

describe("a key that is made when it is needed", () => {
  test("no reader makes it: not the JWKS, the list, the check, upkeep or a token's kid", async () => {
    const keyring = isolate();
    await keyring.published();
    await keyring.list();
    await keyring.check();
    clock.at += 91 * DAY;
    await keyring.upkeep();
    expect(await keyring.find("unknown")).toBeUndefined();
    expect(rsa()).toEqual([]);
    expect((await keyring.published()).every(({ kty }) => kty === "EC")).toBe(true);
    expect(lanesOf(shelf.rows)).toEqual(["cotter", "standard", "standard", "statement"]);
  });

  test("the first signature makes it, once, whichever isolate signs", async () => {
    const tokens = await Promise.all(Array.from({ length: 4 }, () => idToken(isolate())));
    expect(rsa()).toHaveLength(1);
    const [row] = rsa();
    expect([row?.algorithm, row?.generation, row?.activatesAt]).toEqual(["RS256", 1, START]);
    for (const token of tokens) {
      expect(decodeProtectedHeader(token)).toEqual({ alg: "RS256", typ: "JWT", kid: row?.kid });
      await client(token, isolate());
    }
    expect(await isolate().ready("rs256")).toBe(row?.kid);
  });

  test("it is RSA of 2048 bits and published last, without a private member; vendors' lists have none", async () => {
    shelf.rows.push(first);
    const keyring = isolate();
    const published = await keyring.published();
    expect(published.map(({ kty }) => kty)).toEqual(["EC", "EC", "RSA"]);
    const key = published.at(-1) as Record<string, string>;
    expect(Object.keys(key).sort()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
    expect([key.alg, key.use, key.e, fromBase64Url(key.n ?? "")?.length]).toEqual([
      "RS256",
      "sig",
      "AQAB",
      256,
    ]);
    expect((await keyring.published({ cotterFirst: true })).map(({ kty }) => kty)).toEqual(["EC", "EC"]);
    expect((await keyring.published({ lane: "standard" })).map(({ kty }) => kty)).toEqual(["EC"]);
  });

  test("T67 at rest: the shelf is given no private member, and none that got there is published", async () => {
    shelf.rows.push(first);
    const kek = await crypto.subtle.importKey("raw", new Uint8Array(32).fill(0x11), "AES-GCM", false, [
      "decrypt",
    ]);
    const bytes = fromBase64Url(first.wrappedPrivate) ?? new Uint8Array();
    const additionalData = new TextEncoder().encode(first.kid);
    const parameters = { name: "AES-GCM", iv: bytes.subarray(0, 12), additionalData };
    const pkcs8 = new Uint8Array(await crypto.subtle.decrypt(parameters, kek, bytes.subarray(12)));
    const kind = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const opened = await crypto.subtle.importKey("pkcs8", pkcs8, kind, true, ["sign"]);
    const jwk = (await crypto.subtle.exportKey("jwk", opened)) as unknown as Record<string, string>;
    const secrets = ["d", "p", "q", "dp", "dq", "qi"].map((name) => jwk[name] ?? "");
    expect(secrets.every((secret) => secret.length > 100)).toBe(true);
    const dump = JSON.stringify(shelf.rows);
    for (const secret of [...secrets, pkcs8.toBase64(), toBase64Url(pkcs8)])
      expect(dump).not.toContain(secret);
    shelf.rows[0] = { ...first, publicJwk: { ...jwk } };
    const key = (await isolate().published()).at(-1) as object;
    expect(Object.keys(key).sort()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
  });

  test("the check uses it where there is one", async () => {
    shelf.rows.push(first);
    await isolate().check();
    shelf.rows[0] = { ...first, wrappedPrivate: toBase64Url(new Uint8Array(40)) };
    await expect(isolate().check()).rejects.toThrow("cannot be opened");
    const { n } = (await other()).publicJwk;
    shelf.rows[0] = { ...first, publicJwk: { ...first.publicJwk, n: n ?? "" } };
    await expect(isolate().check()).rejects.toThrow("the rs256 signing key does not fit its public half");
  });

  test("a kid of another lane chooses nothing", async () => {
    shelf.rows.push(first);
    const keyring = isolate();
    const standard = await keyring.ready("standard");
    for (const kid of [standard, COTTER_KID, "unknown", first.kid]) {
      const token = await keyring.sign("rs256", { typ: "JWT" }, claims(), kid);
      expect(decodeProtectedHeader(token)).toEqual({ alg: "RS256", typ: "JWT", kid: first.kid });
    }
    const named = await keyring.sign("standard", { typ: "JWT" }, claims(), first.kid);
    expect(decodeProtectedHeader(named)).toEqual({ alg: "ES256", typ: "JWT", kid: standard });
  });
});

/** A second RSA key, of another deployment. */
async function other(): Promise<StoredKey> {
  const theirs = memoryShelf();
  await makeKeyring({ shelf: theirs, secretKeys, clock, chance: randomChance }).ready("rs256");
  return theirs.rows[0] as StoredKey;
}

describe("rotation", () => {
  test("T88 rotation: the next key is published before it signs, the old one until its last token ends", async () => {
    shelf.rows.push(first);
    const keyring = isolate();
    const early = await idToken(keyring, { exp: seconds() + 86_400 });
    const { kid, state, activatesAt, algorithm } = await keyring.rotate("rs256");
    expect([state, activatesAt, algorithm]).toEqual(["next", START + OVERLAP, "RS256"]);
    const published = async () =>
      (await keyring.published()).filter(({ kty }) => kty === "RSA").map((key) => key.kid);
    expect(await published()).toEqual([first.kid, kid]);

    clock.at = activatesAt - 1;
    const last = await idToken(keyring, { exp: seconds() + 86_400 });
    expect(decodeProtectedHeader(last).kid).toBe(first.kid);
    clock.at = activatesAt;
    const fresh = await idToken(keyring, { exp: seconds() + 2 * 86_400 });
    expect(decodeProtectedHeader(fresh).kid).toBe(kid);
    expect(await published()).toEqual([kid, first.kid]);
    const list = (await keyring.list()).filter(({ lane }) => lane === "rs256");
    expect(list.map((key) => [key.state, key.publishedUntil])).toEqual([
      ["retired", activatesAt + DAY],
      ["current", undefined],
    ]);
    for (const token of [early, last, fresh]) await client(token, keyring);

    clock.at = activatesAt + DAY - 1_001;
    await keyring.upkeep();
    for (const token of [last, fresh]) await client(token, keyring);
    clock.at = activatesAt + DAY;
    expect(await published()).toEqual([kid]);
    await keyring.upkeep();
    expect(rsa().map((key) => key.kid)).toEqual([kid]);
    await client(fresh, keyring);
  });

  test("upkeep begins a key when the newest is older than 90 days, once, beside the standard one", async () => {
    shelf.rows.push(first);
    await isolate().ready("standard");
    clock.at = START + 90 * DAY;
    await isolate().upkeep();
    expect(shelf.rows).toHaveLength(2);
    clock.at += 1;
    await isolate().upkeep();
    await isolate().upkeep();
    expect(lanesOf(shelf.rows)).toEqual(["rs256", "rs256", "standard", "standard"]);
    expect(rsa()[1]?.activatesAt).toBe(clock.at + OVERLAP);
  });

  test("an operator may have the first made, which signs at once", async () => {
    const { state, lane } = await isolate().rotate("rs256");
    expect([lane, state]).toEqual(["rs256", "current"]);
  });
});

describe("our own verifier", () => {
  const verdict = async (token: string, kind: TokenDemands["kind"], keyring = isolate()) => {
    const read = await makeVerifier(keyring, clock).verify(token, { kind });
    return read.ok ? "accepted" : read.error.detail;
  };
  beforeEach(() => {
    shelf.rows.push(first);
  });

  test("an ID token is read by either algorithm", async () => {
    const keyring = isolate();
    expect(await verdict(await idToken(keyring), "id")).toBe("accepted");
    expect(await verdict(await keyring.sign("standard", { typ: "JWT" }, claims()), "id")).toBe("accepted");
  });

  test("T27 algorithm confusion: no token of another kind is read by RS256, also when we signed it", async () => {
    const keyring = isolate();
    const tokens = [
      ["access", await keyring.sign("rs256", { typ: "at+jwt" }, claims())],
      ["access", await keyring.sign("rs256", { typ: "JWT" }, claims({ type: "client_access_token" }))],
      ["action", await keyring.sign("rs256", { typ: "JWT" }, claims({ type: "action_token" }))],
    ] as const;
    for (const [kind, token] of tokens) {
      expect(await verdict(token, kind)).toBe("the algorithm is not ES256");
      expect(await verdict(token, "id")).toBe("not an ID token");
    }
  });

  test("T27 algorithm confusion: the key says the algorithm, not the header", async () => {
    const keyring = isolate();
    const kid = await keyring.ready("standard");
    const [, payload, signature] = (await idToken(keyring)).split(".");
    const [, , ofEc] = (await keyring.sign("standard", { typ: "JWT" }, claims())).split(".");
    const said = (alg: unknown, named: string, end: string | undefined) =>
      verdict(`${encoded({ alg, typ: "JWT", kid: named })}.${payload}.${end}`, "id");
    expect(await said("ES256", first.kid, signature)).toBe("the algorithm is not the key's");
    expect(await said("RS256", kid, ofEc)).toBe("the algorithm is not the key's");
    expect(await said("RS256", kid, signature)).toBe("the algorithm is not the key's");
    expect(await said("RS256", first.kid, ofEc)).toBe("the signature does not fit");
    for (const alg of ["none", "PS256", "RS384", "RS512", "rs256", "HS256", "", ["RS256"], undefined]) {
      for (const end of ["", signature]) {
        expect(await said(alg, first.kid, end)).toBe("the algorithm is not ES256 or RS256");
      }
    }
  });

  test("T27 algorithm confusion: HS256 with the RSA key as secret, and a key of another deployment", async () => {
    const keyring = isolate();
    const utf8 = new TextEncoder();
    const kind = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const jwk = { kty: "RSA", ...first.publicJwk };
    const spki = await crypto.subtle.exportKey(
      "spki",
      await crypto.subtle.importKey("jwk", jwk, kind, true, ["verify"]),
    );
    for (const secret of [new Uint8Array(spki as ArrayBuffer), utf8.encode(JSON.stringify(jwk))]) {
      const input = `${encoded({ alg: "HS256", typ: "JWT", kid: first.kid })}.${encoded(claims())}`;
      const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
        "sign",
      ]);
      const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8.encode(input)));
      expect(await verdict(`${input}.${toBase64Url(mac)}`, "id")).toBe("the algorithm is not ES256 or RS256");
    }
    const theirs = await other();
    const foreign = await makeKeyring({
      shelf: memoryShelf([theirs]),
      secretKeys,
      clock,
      chance: randomChance,
    }).sign("rs256", { typ: "JWT" }, claims());
    expect(await verdict(foreign, "id", keyring)).toBe("the key is not one of this deployment");
    const [, payload, signature] = foreign.split(".");
    const relabelled = `${encoded({ alg: "RS256", typ: "JWT", kid: first.kid })}.${payload}.${signature}`;
    expect(await verdict(relabelled, "id", keyring)).toBe("the signature does not fit");
  });
});
