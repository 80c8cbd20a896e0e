import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createVerifier, type Verifier } from "../../../packages/countersign/src/verify/verify.ts";
import { Issuer, type Key, NOW, newKey, refusedFor } from "./verify-support.ts";

const SECOND = 1_000;
let issuer: Issuer;
let verifier: Verifier;
beforeEach(async () => {
  issuer = await Issuer.start();
  verifier = createVerifier(issuer.options());
});

const fetches = (): number => issuer.asked.length;
const verify = async (key?: Key): Promise<unknown> => verifier.verify(await issuer.sign(key ? { key } : {}));
const refused = async (key?: Key): Promise<string> =>
  refusedFor(verifier.verify(await issuer.sign(key ? { key } : {})));
/** The clock `after` seconds from the start. */
const at = (after: number) => {
  issuer.now = NOW + after * SECOND;
};
const answering = (headers: Record<string, string>) => {
  issuer.answer = () => issuer.jwks(headers);
};

/** From here on the issuer answers when everybody has asked. */
const slowly = () => {
  const { answer } = issuer;
  issuer.answer = () => new Promise((done) => setTimeout(() => done(answer()), 20));
};

describe("the JWKS is kept as its headers say", () => {
  test("it is asked when the first token comes, at its well-known address", async () => {
    expect(fetches()).toBe(0);
    await verify();
    expect(issuer.asked).toEqual(["https://sign.example/.well-known/jwks.json"]);
  });

  test.each([
    ["public, max-age=300, as the server sends it", { "Cache-Control": "public, max-age=300" }, 300],
    ["max-age=10", { "Cache-Control": "max-age=10" }, 10],
    ["an Age on the way", { "Cache-Control": "max-age=300", Age: "100" }, 200],
    ["capitals and quotes", { "Cache-Control": 'Public, Max-Age="120"' }, 120],
    ["s-maxage, which is for shared caches", { "Cache-Control": "s-maxage=900, max-age=60" }, 60],
    ["no-store: 10 s all the same", { "Cache-Control": "no-store, max-age=300" }, 10],
    ["no-cache: 10 s all the same", { "Cache-Control": "no-cache, max-age=300" }, 10],
    ["an Age of more than max-age", { "Cache-Control": "max-age=300", Age: "400" }, 10],
    ["nothing", {}, 10],
    ["nonsense", { "Cache-Control": "max-age=soon" }, 10],
    ["a year: one day", { "Cache-Control": "max-age=31536000" }, 86_400],
  ])("%s", async (_, headers, fresh) => {
    answering(headers);
    await verify();
    at(fresh - 0.001);
    await verify();
    expect(fetches()).toBe(1);
    at(fresh);
    await verify();
    expect(fetches()).toBe(2);
  });

  test("a hundred tokens at once ask once", async () => {
    const tokens = await Promise.all(Array.from({ length: 100 }, () => issuer.sign()));
    slowly();
    await Promise.all(tokens.map((token) => verifier.verify(token)));
    expect(fetches()).toBe(1);
    at(300);
    await Promise.all(tokens.map((token) => verifier.verify(token)));
    expect(fetches()).toBe(2);
  });

  test("a key that has left the JWKS is good until the end of the cache, and not after", async () => {
    const old = issuer.keys[0]!;
    const next = await newKey("k2");
    await verify(old);
    issuer.keys = [next];
    at(299);
    await verify(old);
    at(300);
    expect(await refused(old)).toBe("invalid_token/unknown_key");
    await verify(next);
    expect(fetches()).toBe(2);
  });
});

describe("T88 an unknown kid", () => {
  test("asks again, so that a new key is found before the cache ends", async () => {
    await verify();
    const next = await newKey("k2");
    issuer.keys = [...issuer.keys, next];
    at(60);
    await verify(next);
    expect(fetches()).toBe(2);
  });

  test("asks at most once a minute, however many come", async () => {
    await verify();
    for (let second = 1; second <= 180; second += 1) {
      at(second);
      expect(await refused(await strange(second))).toBe("invalid_token/unknown_key");
    }
    // At 60, 120 and 180 s.
    expect(fetches()).toBe(4);
  });

  test("asks once when many come at the same time", async () => {
    await verify();
    at(100);
    const signed = Array.from({ length: 20 }, async (_, index) => issuer.sign({ key: await strange(index) }));
    const tokens = await Promise.all(signed);
    slowly();
    const all = await Promise.all(tokens.map((token) => refusedFor(verifier.verify(token))));
    expect(new Set(all)).toEqual(new Set(["invalid_token/unknown_key"]));
    expect(fetches()).toBe(2);
  });

  test("waits for the keys that another one has asked for", async () => {
    await verify();
    const next = await newKey("k2");
    issuer.keys = [...issuer.keys, next];
    const tokens = [await issuer.sign({ key: next }), await issuer.sign({ key: next })];
    at(100);
    slowly();
    await Promise.all(tokens.map((token) => verifier.verify(token)));
    expect(fetches()).toBe(2);
  });

  test("as the very first token asks once, and the next good one is taken", async () => {
    expect(await refused(await strange(0))).toBe("invalid_token/unknown_key");
    await verify();
    expect(fetches()).toBe(1);
  });
});

/** A kid that nobody has, on the issuer's own key. */
const strange = async (index: number): Promise<Key> => ({ ...issuer.keys[0]!, kid: `strange-${index}` });

describe("an issuer that cannot be asked", () => {
  const FAILURES: readonly (readonly [string, () => Response | Promise<Response>])[] = [
    ["no connection", () => Promise.reject(new TypeError("fetch failed"))],
    ["a timeout", () => Promise.reject(new DOMException("too slow", "TimeoutError"))],
    ["500", () => new Response("oops", { status: 500 })],
    ["404", () => new Response(null, { status: 404 })],
    ["a redirect, which is not followed", () => Response.redirect("https://evil.example/keys")],
    ["a page in the place of JSON", () => new Response("<html>")],
    ["JSON that is no JWKS", () => Response.json({ error: "busy" })],
    ["null", () => Response.json(null)],
  ];

  test.each(FAILURES)("%s: unavailable, never valid, and asked again after 10 s", async (_, fail) => {
    issuer.answer = fail;
    const error = await verify().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "unavailable", retryAfter: 10 });
    at(9);
    expect(await verify().catch((thrown) => thrown)).toMatchObject({ code: "unavailable", retryAfter: 1 });
    expect(fetches()).toBe(1);
    answering({ "Cache-Control": "max-age=300" });
    at(10);
    await verify();
    expect(fetches()).toBe(2);
  });

  test.each(FAILURES)("%s: the old keys stay good for an hour more", async (_, fail) => {
    await verify();
    issuer.answer = fail;
    at(300 + 3_599);
    await verify();
    expect(await refused(await strange(0))).toBe("unavailable");
    at(300 + 3_600);
    expect(await refused()).toBe("unavailable");
    answering({ "Cache-Control": "max-age=300" });
    at(300 + 3_610);
    await verify();
  });

  test("with the old keys at hand it is asked every 10 s, not for each token", async () => {
    await verify();
    issuer.answer = () => new Response(null, { status: 503 });
    for (let second = 300; second < 330; second += 1) {
      at(second);
      await verify();
    }
    expect(fetches()).toBe(1 + 3);
  });

  test("its Retry-After is heeded, up to five minutes", async () => {
    issuer.answer = () => new Response(null, { status: 429, headers: { "Retry-After": "30" } });
    expect(await verify().catch((thrown) => thrown)).toMatchObject({ code: "unavailable", retryAfter: 30 });
    at(30);
    issuer.answer = () => new Response(null, { status: 429, headers: { "Retry-After": "99999" } });
    expect(await verify().catch((thrown) => thrown)).toMatchObject({ code: "unavailable", retryAfter: 300 });
  });

  test("an unknown kid is no verdict while the keys could not be asked for again", async () => {
    await verify();
    at(100);
    issuer.answer = () => new Response(null, { status: 503 });
    const next = await newKey("k2");
    expect(await refused(next)).toBe("unavailable");
    issuer.keys = [...issuer.keys, next];
    answering({ "Cache-Control": "max-age=300" });
    at(110);
    await verify(next);
  });

  test("once it has answered again, an unknown kid is one", async () => {
    await verify();
    issuer.answer = () => new Response(null, { status: 503 });
    at(300);
    await verify();
    answering({ "Cache-Control": "max-age=300" });
    at(310);
    expect(await refused(await strange(0))).toBe("invalid_token/unknown_key");
  });

  test("a redirect is asked for by hand", async () => {
    let init: RequestInit | undefined;
    const fetch = (async (_: unknown, how?: RequestInit) => {
      init = how;
      return issuer.jwks();
    }) as typeof globalThis.fetch;
    await createVerifier(issuer.options({ fetch })).verify(await issuer.sign());
    expect(init).toMatchObject({ redirect: "manual" });
    expect(init?.signal).toBeInstanceOf(AbortSignal);
  });
});

describe("in a Worker, where a request may end before the keys that it has asked for are there", () => {
  const never = () => new Promise<Response>(() => undefined);
  beforeEach(() => {
    vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  test("another request asks for itself", async () => {
    const { answer } = issuer;
    issuer.answer = never;
    void verify();
    await vi.waitFor(() => expect(fetches()).toBe(1), 10_000);
    issuer.answer = answer;
    await verify();
    expect(fetches()).toBe(2);
  });

  test("others go on with the old keys while one asks, and ask themselves after 5 s", async () => {
    await verify();
    const { answer } = issuer;
    issuer.answer = never;
    at(300);
    void verify();
    await vi.waitFor(() => expect(fetches()).toBe(2), 10_000);
    at(304);
    await verify();
    expect(fetches()).toBe(2);
    issuer.answer = answer;
    at(305);
    await verify();
    expect(fetches()).toBe(3);
  });
});

describe("what stands in the JWKS", () => {
  test("keys of other kinds stand beside ours and do not disturb", async () => {
    const { jwk, kid } = issuer.keys[0]!;
    const others = [
      { kty: "RSA", kid, n: "AQAB", e: "AQAB", alg: "RS256" },
      { kty: "oct", k: "c2VjcmV0", kid },
      null,
      7,
    ];
    issuer.answer = () => Response.json({ keys: [...others, jwk] });
    await verify();
  });

  test.each([
    ["for encryption", { use: "enc" }],
    ["of another algorithm", { alg: "ES384" }],
    ["that is private", { d: "AQAB" }],
    ["of another curve", { crv: "P-384" }],
  ])("a key %s is not taken", async (_, over) => {
    const { jwk } = issuer.keys[0]!;
    issuer.answer = () => Response.json({ keys: [{ ...jwk, ...over }] });
    expect(await refused()).toBe("invalid_token/unknown_key");
  });

  test("an empty JWKS is an answer: nothing is good any more", async () => {
    await verify();
    issuer.keys = [];
    at(300);
    const token = await issuer.sign({ key: await newKey("k1") });
    expect(await refusedFor(verifier.verify(token))).toBe("invalid_token/unknown_key");
  });

  test("a key that is no point of the curve is no verdict", async () => {
    const { jwk } = issuer.keys[0]!;
    issuer.answer = () => Response.json({ keys: [{ ...jwk, x: jwk.y, y: jwk.x }] });
    expect(await refused()).toBe("unavailable");
  });
});
