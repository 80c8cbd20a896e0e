import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { fromBase64Url, toBase64Url } from "../../../src/core/base64.ts";
import { Outage } from "../../../src/core/fault.ts";
import type { StoredKey } from "../../../src/core/keys/key.ts";
import type { TokenClaims } from "../../../src/core/keys/token.ts";
import type { Keyring } from "../../../src/core/ports/keys.ts";
import { DAY, MINUTE, SECOND } from "../../../src/core/time.ts";
import { makeKeyring } from "../../../src/keys/keyring.ts";
import { COTTER_KID } from "../../../src/keys/lanes.ts";
import { parseSecretKeys } from "../../../src/keys/secret-keys.ts";
import { makeVerifier } from "../../../src/keys/verifier.ts";
import { makeWrapping } from "../../../src/keys/wrap.ts";
import { ed25519Pkcs8 } from "../../fakes/device-signer.ts";
import {
  keyText,
  type ManualClock,
  type MemoryShelf,
  manualClock,
  memoryShelf,
  randomChance,
  secretKeys,
} from "../../fakes/signing-keys.ts";

const START = 1_767_225_600_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let shelf: MemoryShelf;
let clock: ManualClock;
const isolate = () => makeKeyring({ shelf, secretKeys, clock, chance: randomChance });

const seconds = () => Math.floor(clock.at / SECOND);
const claims = (lifetime = 3_600): TokenClaims => ({
  sub: "someone",
  iat: seconds(),
  exp: seconds() + lifetime,
});
const standard = (keyring: Keyring, lifetime?: number) =>
  keyring.sign("standard", { typ: "at+jwt" }, claims(lifetime));
const jwks = async (keyring: Keyring) => ({ keys: await keyring.published() }) as unknown as JSONWebKeySet;
/** As a backend does it, with the JWKS and nothing else of ours. */
const backend = async (token: string, keys: JSONWebKeySet) =>
  jwtVerify(token, createLocalJWKSet(keys), { algorithms: ["ES256"], currentDate: new Date(clock.at) });
const kids = (keys: readonly Readonly<Record<string, string>>[]) => keys.map(({ kid }) => kid);

beforeEach(() => {
  shelf = memoryShelf();
  clock = manualClock(START);
});

describe("first need", () => {
  test("a lane's first key is made once and is current at once", async () => {
    const keyring = isolate();
    const kid = await keyring.ready("standard");
    expect(kid).toMatch(UUID);
    expect(await keyring.ready("cotter")).toBe(COTTER_KID);
    expect(await keyring.ready("standard")).toBe(kid);
    expect(shelf.rows.map(({ lane, generation, activatesAt }) => [lane, generation, activatesAt])).toEqual([
      ["standard", 1, START],
      ["cotter", 1, START],
    ]);
  });

  test("fifty makers in many isolates end with one key", async () => {
    const made = await Promise.all(Array.from({ length: 50 }, () => isolate().ready("standard")));
    expect(new Set(made).size).toBe(1);
    expect(shelf.rows).toHaveLength(1);
  });

  test("a maker whose clock is behind uses the key of one whose clock is ahead", async () => {
    const kid = await isolate().ready("standard");
    clock.at -= 5 * SECOND;
    expect(await isolate().ready("standard")).toBe(kid);
    expect(shelf.rows).toHaveLength(1);
  });

  test("what is kept is read at most once a minute", async () => {
    const keyring = isolate();
    await keyring.ready("standard");
    const before = shelf.reads;
    for (let request = 0; request < 20; request++) await standard(keyring);
    expect(shelf.reads).toBe(before);
    clock.at += MINUTE;
    await keyring.ready("standard");
    await standard(keyring);
    expect(shelf.reads).toBe(before + 1);
  });

  test("the check makes and uses the keys of every lane, and throws when one cannot be opened", async () => {
    await isolate().check();
    expect(shelf.rows.map(({ lane }) => lane).sort()).toEqual(["cotter", "standard", "statement"]);
    const [row] = shelf.rows;
    if (row === undefined) throw new Error("no key");
    shelf.rows[0] = { ...row, wrappedPrivate: shelf.rows[1]?.wrappedPrivate ?? "" };
    await expect(isolate().check()).rejects.toThrow("cannot be opened");
  });

  test("the check throws when a private key does not fit its public half", async () => {
    await isolate().check();
    await isolate().rotate("cotter");
    const [first, second] = shelf.rows.filter(({ lane }) => lane === "cotter");
    if (first === undefined || second === undefined) throw new Error("no keys");
    shelf.rows.splice(shelf.rows.indexOf(second), 1, { ...second, publicJwk: first.publicJwk });
    await expect(isolate().check()).rejects.toThrow("does not fit its public half");
  });

  test("a shelf that cannot be read is an error now and no longer once it can", async () => {
    const keyring = isolate();
    const { all } = shelf;
    shelf.all = () => Promise.reject(new Outage("D1 cannot be read"));
    await expect(keyring.ready("standard")).rejects.toThrow("D1 cannot be read");
    shelf.all = all;
    const kid = await keyring.ready("standard");
    clock.at += MINUTE;
    shelf.all = () => Promise.reject(new Outage("D1 cannot be read"));
    await expect(keyring.ready("standard")).rejects.toThrow("D1 cannot be read");
    shelf.all = all;
    const before = shelf.reads;
    expect(await keyring.ready("standard")).toBe(kid);
    expect(shelf.reads).toBe(before + 1);
  });

  test("S10 what was made ready is signed where the shelf fails between the two", async () => {
    const keyring = isolate();
    const kid = await keyring.ready("standard");
    clock.at += MINUTE - 1;
    await keyring.ready("standard");
    shelf.all = () => Promise.reject(new Outage("D1 cannot be read"));
    clock.at += 5 * SECOND;
    expect(decodeProtectedHeader(await standard(keyring)).kid).toBe(kid);
    await expect(keyring.ready("standard")).rejects.toThrow("D1 cannot be read");
  });

  test("S10 a key that does not open is not ready", async () => {
    await isolate().ready("standard");
    const other = parseSecretKeys({
      KEY_ENCRYPTION_KEY: `1:${keyText(0x77)}`,
      HANDLE_KEY: `1:${keyText(0x22)}`,
      PEPPER: keyText(0x33),
    });
    const strange = makeKeyring({ shelf, secretKeys: other, clock, chance: randomChance });
    await expect(strange.ready("standard")).rejects.toBeInstanceOf(Outage);
  });

  test("a slow read does not hide what a later one has seen", async () => {
    const keyring = isolate();
    await keyring.ready("standard");
    clock.at += MINUTE;
    const { all } = shelf;
    const stale = await all();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    shelf.all = () => held.then(() => stale);
    const slow = keyring.ready("standard");
    shelf.all = all;
    const { kid } = await keyring.rotate("standard");
    release();
    await slow;
    expect((await keyring.list()).map((key) => key.kid)).toContain(kid);
  });
});

describe("signing", () => {
  test("header is alg, typ and kid, claims are exactly those given, a backend verifies with the JWKS", async () => {
    const keyring = isolate();
    const given = { type: "client_access_token", aud: "a", empty: "", nested: { n: [1, null] }, ...claims() };
    const token = await keyring.sign("cotter", { typ: "JWT" }, given);
    expect(JSON.stringify(decodeProtectedHeader(token))).toBe(
      `{"alg":"ES256","typ":"JWT","kid":"${COTTER_KID}"}`,
    );
    expect(JSON.stringify(decodeJwt(token))).toBe(JSON.stringify(given));
    await backend(token, await jwks(keyring));
  });

  test("the published keys hold public members only, the pinned key first or last", async () => {
    const keyring = isolate();
    const first = await keyring.published({ cotterFirst: true });
    const last = await keyring.published();
    expect(first[0]?.kid).toBe(COTTER_KID);
    expect(last.at(-1)?.kid).toBe(COTTER_KID);
    expect([first, last].map((keys) => keys.length)).toEqual([2, 2]);
    for (const key of [...first, ...last]) {
      expect(Object.keys(key).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
      expect([key.alg, key.crv, key.kty, key.use]).toEqual(["ES256", "P-256", "EC", "sig"]);
    }
  });

  test("T67 at rest: a private member that got into a row is not published", async () => {
    const keyring = isolate();
    await keyring.published();
    shelf.rows.splice(0, 1, {
      ...shelf.rows[0],
      publicJwk: { ...shelf.rows[0]?.publicJwk, d: "AA" },
    } as StoredKey);
    clock.at += MINUTE;
    for (const key of await keyring.published()) expect(key).not.toHaveProperty("d");
  });

  test("a named kid signs while it is published, else the current one does", async () => {
    const keyring = isolate();
    const old = await keyring.ready("standard");
    const { kid, activatesAt } = await keyring.rotate("standard");
    clock.at = activatesAt;
    const signedBy = async (named?: string) =>
      decodeProtectedHeader(await keyring.sign("standard", { typ: "JWT" }, claims(), named)).kid;
    expect(await signedBy()).toBe(kid);
    expect(await signedBy(old)).toBe(old);
    expect(await signedBy("unknown")).toBe(kid);
    expect(await signedBy(COTTER_KID)).toBe(kid);
    clock.at += DAY;
    expect(await signedBy(old)).toBe(kid);
  });
});

describe("statements", () => {
  test("the Cotter vectors of section 6, with the server key of 32 bytes of 9", async () => {
    const wrapping = makeWrapping(secretKeys.keyEncryption);
    const key = await crypto.subtle.importKey("pkcs8", ed25519Pkcs8(9), "Ed25519", true, ["sign"]);
    const x = toBase64Url(
      Uint8Array.from(atob("/RckOFqgx1tk+3jNYC+h2ZH96/drE8WO1wLqyDXp9hg="), (c) => c.charCodeAt(0)),
    );
    shelf.rows.push({
      lane: "statement",
      generation: 1,
      kid: "s1",
      algorithm: "Ed25519",
      publicJwk: { kty: "OKP", crv: "Ed25519", x },
      ...(await wrapping.wrap(key, "s1")),
      createdAt: START,
      activatesAt: START,
    });
    const keyring = isolate();
    const [user, client] = ["6f1c2a44-0d0b-4a3e-9c55-1f7f2f0f8a10", "11111111-2222-4333-8444-555555555555"];
    expect(await keyring.statementKey()).toBe("/RckOFqgx1tk+3jNYC+h2ZH96/drE8WO1wLqyDXp9hg=");
    expect(await keyring.signStatement(`${user}${client}LOGIN1767225600TRUSTED_DEVICEfalsetrue`)).toBe(
      "RJfkPKV7KgdicJMrJ9G2kI12AbkRAerBJZHk6qpGqycaF03MwtjmEdkYONN55kObDwt3SOa9tnyUnxG7SVsRCA==",
    );
    expect(await keyring.signStatement(`ana@example.comEMAIL${client}1769817600`)).toBe(
      "artHHa1VCQ38zc8E1wwDaY6aYYPQ4BhWlsmfvDxrfnmeexE0ShD6WdmAmOocJvz2RsULNP5/e9CMOqNO9+JvCw==",
    );
  });

  test("a made statement key verifies what it signs and is never in the JWKS", async () => {
    const keyring = isolate();
    const text = "äöü";
    const signature = Uint8Array.from(atob(await keyring.signStatement(text)), (c) => c.charCodeAt(0));
    const bytes = Uint8Array.from(atob(await keyring.statementKey()), (c) => c.charCodeAt(0));
    expect([signature.length, bytes.length]).toEqual([64, 32]);
    const key = await crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]);
    expect(await crypto.subtle.verify("Ed25519", key, signature, new TextEncoder().encode(text))).toBe(true);
    const statementKid = shelf.rows.find(({ lane }) => lane === "statement")?.kid ?? "";
    expect(kids(await keyring.published())).not.toContain(statementKid);
    expect(await keyring.find(statementKid)).toBeUndefined();
  });
});

describe("at rest", () => {
  /** The private half of a stored key, opened in the test with the key-encryption key. */
  async function opened(key: StoredKey): Promise<Uint8Array> {
    const bytes = fromBase64Url(key.wrappedPrivate) ?? new Uint8Array();
    const raw = new Uint8Array(32).fill(0x11);
    const kek = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
    const additionalData = new TextEncoder().encode(key.kid);
    const parameters = { name: "AES-GCM", iv: bytes.subarray(0, 12), additionalData };
    return new Uint8Array(await crypto.subtle.decrypt(parameters, kek, bytes.subarray(12)));
  }
  const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

  test("T67 at rest: the shelf is given no private JWK, no PKCS #8 and no secret text", async () => {
    const keyring = isolate();
    await keyring.check();
    await keyring.rotate("cotter");
    expect(shelf.rows).toHaveLength(4);
    const dump = JSON.stringify(shelf.rows);
    for (const key of shelf.rows) {
      const pkcs8 = await opened(key);
      const kind = key.algorithm === "ES256" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "Ed25519" };
      const open = await crypto.subtle.importKey("pkcs8", pkcs8, kind, true, ["sign"]);
      const { d = "" } = (await crypto.subtle.exportKey("jwk", open)) as { d?: string };
      const secret = fromBase64Url(d) ?? new Uint8Array();
      expect(secret).toHaveLength(32);
      for (const text of [
        d,
        secret.toBase64(),
        hex(secret),
        pkcs8.toBase64(),
        toBase64Url(pkcs8),
        hex(pkcs8),
      ]) {
        expect(dump).not.toContain(text);
      }
      expect(Object.keys(key.publicJwk).sort()).toEqual(
        key.algorithm === "ES256" ? ["crv", "kty", "x", "y"] : ["crv", "kty", "x"],
      );
    }
  });

  test("T104 secrets: without the key that wrapped it a signing key cannot be used, nor under another kid", async () => {
    await isolate().ready("standard");
    const [row] = shelf.rows;
    if (row === undefined) throw new Error("no key");
    const withKek = (value: string) =>
      makeKeyring({
        shelf,
        clock,
        chance: randomChance,
        secretKeys: parseSecretKeys({
          KEY_ENCRYPTION_KEY: value,
          HANDLE_KEY: `1:${keyText(0x22)}`,
          PEPPER: keyText(0x33),
        }),
      });
    await expect(standard(withKek(`1:${keyText(0x77)}`))).rejects.toThrow(
      "version 1 closed cannot be opened",
    );
    await expect(standard(withKek(`2:${keyText(0x11)}`))).rejects.toThrow(
      "version 1 closed cannot be opened",
    );
    const rotated = withKek(`2:${keyText(0x77)},1:${keyText(0x11)}`);
    await backend(await standard(rotated), await jwks(rotated));
    await rotated.rotate("standard");
    expect(shelf.rows.filter(({ lane }) => lane === "standard").map(({ wrappedBy }) => wrappedBy)).toEqual([
      1, 2,
    ]);
    shelf.rows[0] = { ...row, kid: "another" };
    await expect(standard(isolate())).rejects.toThrow("cannot be opened");
  });

  test("T104 secrets: a private key that is in use cannot be taken out", async () => {
    const wrapping = makeWrapping(secretKeys.keyEncryption);
    await isolate().ready("standard");
    const [row] = shelf.rows;
    if (row === undefined) throw new Error("no key");
    const key = await wrapping.unwrap(row, { name: "ECDSA", namedCurve: "P-256" }, row.kid);
    expect(key.extractable).toBe(false);
    await expect(crypto.subtle.exportKey("pkcs8", key)).rejects.toThrow();
  });
});

describe("rotation of the standard lane", () => {
  test("T88 rotation: whoever read the JWKS, from whichever isolate, knows the key that signs later", async () => {
    const signer = isolate();
    const publisher = isolate();
    await signer.ready("standard");
    const seen: { at: number; published: readonly (string | undefined)[]; signing: string }[] = [];
    let next = "";
    for (let step = 0; step <= 200; step++) {
      clock.at = START + step * 10 * SECOND - 1;
      if (step === 41) next = (await signer.rotate("standard")).kid;
      seen.push({
        at: clock.at,
        published: kids(await publisher.published()),
        signing: await signer.ready("standard"),
      });
    }
    for (const read of seen) {
      const meanwhile = seen.filter(({ at }) => at >= read.at && at <= read.at + 300 * SECOND);
      for (const { signing } of meanwhile) expect(read.published).toContain(signing);
    }
    expect(seen.at(-1)?.signing).toBe(next);
    expect(seen[41]?.signing).not.toBe(next);
  });

  test("T88 rotation: the old key is published until its last token ends, and gone after", async () => {
    const keyring = isolate();
    const old = await keyring.ready("standard");
    const early = await standard(keyring, 86_400);
    const { activatesAt, state, kid } = await keyring.rotate("standard");
    expect([state, activatesAt]).toEqual(["next", START + 420 * SECOND]);
    expect(kids(await keyring.published())).toEqual([old, kid, COTTER_KID]);

    clock.at = activatesAt - 1;
    const last = await standard(keyring, 86_400);
    expect(decodeProtectedHeader(last).kid).toBe(old);
    clock.at = activatesAt;
    const fresh = await standard(keyring, 2 * 86_400);
    expect(decodeProtectedHeader(fresh).kid).toBe(kid);
    expect(kids(await keyring.published())).toEqual([kid, old, COTTER_KID]);
    for (const token of [early, last, fresh]) await backend(token, await jwks(keyring));

    clock.at = activatesAt + DAY - 1_001;
    for (const token of [last, fresh]) await backend(token, await jwks(keyring));
    await keyring.upkeep();
    expect(kids(await keyring.published())).toContain(old);

    clock.at = activatesAt + DAY;
    expect(kids(await keyring.published())).toEqual([kid, COTTER_KID]);
    expect((await keyring.list()).map((key) => key.kid)).not.toContain(old);
    expect(shelf.rows.map((key) => key.kid)).toContain(old);
    await keyring.upkeep();
    expect(shelf.rows.map((key) => key.kid)).not.toContain(old);
    expect(await keyring.ready("standard")).toBe(kid);
    await backend(fresh, await jwks(keyring));
  });

  test("the list says next, current and retired, and until when", async () => {
    const keyring = isolate();
    await keyring.check();
    const { activatesAt } = await keyring.rotate("standard");
    const states = async () =>
      (await keyring.list()).map(({ lane, state, publishedUntil }) => [lane, state, publishedUntil]);
    expect(await states()).toEqual([
      ["standard", "current", activatesAt + DAY],
      ["standard", "next", undefined],
      ["cotter", "current", undefined],
      ["statement", "current", undefined],
    ]);
    clock.at = activatesAt;
    expect((await states()).slice(0, 2)).toEqual([
      ["standard", "retired", activatesAt + DAY],
      ["standard", "current", undefined],
    ]);
    for (const key of await keyring.list()) expect(JSON.stringify(key)).not.toMatch(/wrapped|publicJwk/);
  });

  test("two rotations at once begin one key", async () => {
    await isolate().ready("standard");
    const begun = await Promise.all([isolate().rotate("standard"), isolate().rotate("standard")]);
    expect(begun[0]?.kid).toBe(begun[1]?.kid);
    expect(shelf.rows).toHaveLength(2);
  });

  test("upkeep begins a key when the newest is older than 90 days, once, and makes none by itself", async () => {
    const keyring = isolate();
    await keyring.upkeep();
    expect(shelf.rows).toHaveLength(0);
    await keyring.check();
    clock.at = START + 90 * DAY;
    await keyring.upkeep();
    expect(shelf.rows).toHaveLength(3);
    clock.at += 1;
    await keyring.upkeep();
    await keyring.upkeep();
    await isolate().upkeep();
    expect(shelf.rows.map(({ lane, generation }) => `${lane} ${generation}`).sort()).toEqual([
      "cotter 1",
      "standard 1",
      "standard 2",
      "statement 1",
    ]);
  });
});

describe("rotation of the pinned key", () => {
  test("on demand, at once, under the same kid; the old key leaves", async () => {
    const keyring = isolate();
    const before = await keyring.sign("cotter", { typ: "JWT" }, claims());
    const [old] = await keyring.published({ cotterFirst: true });
    const { kid, state } = await keyring.rotate("cotter");
    expect([kid, state]).toEqual([COTTER_KID, "current"]);
    const after = await keyring.sign("cotter", { typ: "JWT" }, claims());
    const published = await keyring.published({ cotterFirst: true });
    expect(published.filter((key) => key.kid === COTTER_KID)).toHaveLength(1);
    expect(published[0]?.x).not.toBe(old?.x);
    await backend(after, await jwks(keyring));
    await expect(backend(before, await jwks(keyring))).rejects.toThrow("signature");
    const verifier = makeVerifier(keyring, clock);
    expect((await verifier.verify(before, { kind: "id" })).ok).toBe(false);
    expect((await verifier.verify(after, { kind: "id" })).ok).toBe(true);
    await keyring.upkeep();
    expect(shelf.rows.filter(({ lane }) => lane === "cotter").map(({ generation }) => generation)).toEqual([
      2,
    ]);
  });
});

describe("unknown key ids", () => {
  test("T88 rotation: cause at most one read of the shelf a minute, however many are asked", async () => {
    const keyring = isolate();
    await keyring.ready("standard");
    const before = shelf.reads;
    const strangers = () => Promise.all(Array.from({ length: 100 }, (_, n) => keyring.find(`stranger-${n}`)));
    expect((await strangers()).every((key) => key === undefined)).toBe(true);
    clock.at += 59 * SECOND;
    await strangers();
    expect(shelf.reads).toBe(before + 1);
    // The minute is over for both: one read because what is held is old, one because of the strangers.
    clock.at += 2 * SECOND;
    await strangers();
    expect(shelf.reads - before).toBeLessThanOrEqual(3);
  });

  test("a key that another isolate has just begun is found at once", async () => {
    const [here, there] = [isolate(), isolate()];
    await here.check();
    await there.check();
    const { kid } = await there.rotate("standard");
    expect(kids(await here.published())).not.toContain(kid);
    expect(await here.find(kid)).toBeDefined();
  });
});
