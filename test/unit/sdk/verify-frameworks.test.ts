import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CountersignError } from "../../../packages/countersign/src/errors.ts";
import { claimsOf as expressClaims } from "../../../packages/countersign/src/verify/for/express.ts";
import { claimsOf as fastifyClaims } from "../../../packages/countersign/src/verify/for/fastify.ts";
import type { GuardOptions } from "../../../packages/countersign/src/verify/for/fetch.ts";
import {
  createVerifier,
  type Demands,
  type Verifier,
} from "../../../packages/countersign/src/verify/verify.ts";
import { type Api, type Called, FRAMEWORKS } from "../../fakes/verified-apis.ts";
import { Issuer, NOW, newKey, ProofKey, seconds } from "./verify-support.ts";

const ORIGIN = "https://api.example";
const METADATA = "https://api.example/.well-known/oauth-protected-resource";

let issuer: Issuer;
let key: ProofKey;
beforeAll(async () => {
  issuer = await Issuer.start();
  key = await ProofKey.start();
});
beforeEach(() => {
  issuer.now = NOW;
  issuer.answer = () => issuer.jwks({ "Cache-Control": "max-age=300" });
});

describe.each(Object.entries(FRAMEWORKS))("%s", (_, serve) => {
  const open: Api[] = [];
  afterEach(async () => {
    for (const api of open.splice(0)) await api.close();
  });
  const api = async (over: Partial<GuardOptions> & Demands = {}): Promise<Api> => {
    const served = await serve({ ...issuer.options({ origin: ORIGIN }), ...over });
    open.push(served);
    return served;
  };
  const bearer = async (parts?: Parameters<Issuer["sign"]>[0]): Promise<Called> => ({
    headers: { Authorization: `Bearer ${await issuer.sign(parts)}` },
  });
  const bound = async (
    parts?: Parameters<ProofKey["prove"]>[1],
    url = `${ORIGIN}/orders/7`,
  ): Promise<Called> => {
    const token = await issuer.sign({ claims: { cnf: { jkt: key.jkt } } });
    return { headers: { Authorization: `DPoP ${token}`, DPoP: await key.prove({ token, url }, parts) } };
  };

  test("a good token opens the route, which is given the claims", async () => {
    const served = await api();
    const { status, body } = await served.call("/orders/7", await bearer());
    expect([status, body]).toEqual([
      200,
      {
        sub: "4d2c1f9e-0000-4000-8000-000000000001",
        client_id: "web",
        scope: "openid orders:read",
        more: "7",
      },
    ]);
    expect(served.ran()).toBe(1);
  });

  test("the middleware has a name", async () => {
    expect((await api()).name).toBe("accessToken");
  });

  test("without a token both ways are offered, and no error is named (RFC 6750 §3.1)", async () => {
    const served = await api({ scope: "orders:read openid", resourceMetadata: METADATA });
    const { status, headers, body } = await served.call("/orders/7");
    expect([status, body]).toEqual([
      401,
      { error: "unauthorized", error_description: "An access token is needed" },
    ]);
    const more = `scope="orders:read openid", resource_metadata="${METADATA}"`;
    expect(headers.get("WWW-Authenticate")).toBe(
      `Bearer realm="api", ${more}, DPoP realm="api", algs="ES256", ${more}`,
    );
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(headers.get("Content-Type")).toMatch(/^application\/json/);
    expect(served.ran()).toBe(0);
  });

  test("T87 a token that is no access token for this API is refused", async () => {
    const served = await api();
    const stranger = new Issuer([await newKey("theirs")]);
    const all: readonly (readonly [Called, string])[] = [
      [await bearer({ header: { typ: "JWT" }, claims: { scope: undefined } }), "This is not an access token"],
      [await bearer({ claims: { aud: "web" } }), "The access token is for another audience"],
      [await bearer({ claims: { iss: "https://other.example" } }), "The access token is of another issuer"],
      [
        { headers: { Authorization: `Bearer ${await stranger.sign()}` } },
        "The access token is signed by an unknown key",
      ],
      [await bearer({ claims: { exp: seconds(NOW) - 60 } }), "The access token has expired"],
      [await bearer({ header: { alg: "none" } }), "The access token is not signed by ES256"],
    ];
    for (const [called, words] of all) {
      const { status, headers, body } = await served.call("/orders/7", called);
      expect([status, body]).toEqual([401, { error: "invalid_token", error_description: words }]);
      expect(headers.get("WWW-Authenticate")).toBe(
        `Bearer realm="api", error="invalid_token", error_description="${words}"`,
      );
    }
    expect(served.ran()).toBe(0);
  });

  test("a scope that is missing is 403, and named", async () => {
    const served = await api({ scope: ["orders:write"], resourceMetadata: METADATA });
    const { status, headers, body } = await served.call("/orders/7", await bearer());
    const words = "The access token lacks a scope";
    expect([status, body]).toEqual([403, { error: "insufficient_scope", error_description: words }]);
    expect(headers.get("WWW-Authenticate")).toBe(
      `Bearer realm="api", error="insufficient_scope", error_description="${words}", scope="orders:write", resource_metadata="${METADATA}"`,
    );
    expect(served.ran()).toBe(0);
  });

  test("a sign-in that is too weak is told which one is needed (RFC 9470 §3)", async () => {
    const served = await api({ acr: "urn:signin:acr:device-match-uv" });
    const { status, headers, body } = await served.call("/orders/7", await bearer());
    expect([status, body]).toMatchObject([401, { error: "insufficient_user_authentication" }]);
    expect(headers.get("WWW-Authenticate")).toContain('acr_values="urn:signin:acr:device-match-uv"');
  });

  test("a header that is none is 400", async () => {
    const served = await api();
    const { status, body } = await served.call("/orders/7", { headers: { Authorization: "Bearer a b" } });
    expect([status, body]).toMatchObject([400, { error: "invalid_request" }]);
  });

  test("a token in the query is not looked at", async () => {
    const served = await api();
    expect((await served.call(`/orders/7?access_token=${await issuer.sign()}`)).status).toBe(401);
  });

  test("without keys it is 503, with the seconds to wait", async () => {
    issuer.answer = () => new Response(null, { status: 500 });
    const served = await api();
    const { status, headers, body } = await served.call("/orders/7", await bearer());
    expect([status, headers.get("Retry-After")]).toEqual([503, "10"]);
    expect(body).toEqual({
      error: "temporarily_unavailable",
      error_description: "The access token cannot be verified now",
    });
    expect(headers.has("WWW-Authenticate")).toBe(false);
    expect(served.ran()).toBe(0);
  });

  test("a bound token opens the route with a proof for the API's own address, once", async () => {
    const served = await api();
    const called = await bound();
    expect((await served.call("/orders/7?page=2", called)).status).toBe(200);
    const { status, headers, body } = await served.call("/orders/7", called);
    const words = "The DPoP proof was used before";
    expect([status, body]).toEqual([401, { error: "invalid_dpop_proof", error_description: words }]);
    expect(headers.get("WWW-Authenticate")).toBe(
      `DPoP realm="api", algs="ES256", error="invalid_dpop_proof", error_description="${words}"`,
    );
    expect(served.ran()).toBe(1);
  });

  test("T90 a proof for another method, address or token opens nothing", async () => {
    const served = await api();
    for (const claims of [
      { htm: "POST" },
      { htu: `${ORIGIN}/orders/8` },
      { htu: `${ORIGIN}/7` },
      { ath: "x" },
    ]) {
      const { status, body } = await served.call("/orders/7", await bound({ claims }));
      expect([status, body]).toMatchObject([401, { error: "invalid_dpop_proof" }]);
    }
    expect(served.ran()).toBe(0);
  });

  test("T90 the host of a proof is compared with our origin, not with what the caller says it is", async () => {
    const served = await api();
    const called = await bound({}, "https://evil.example/orders/7");
    const headers = {
      ...called.headers,
      Forwarded: "host=evil.example;proto=https",
      "X-Forwarded-Host": "evil.example",
      "X-Forwarded-Proto": "https",
    };
    const { status, body } = await served.call("/orders/7", { headers, host: "evil.example" });
    expect([status, body]).toMatchObject([
      401,
      { error: "invalid_dpop_proof", error_description: "The DPoP proof is for another address" },
    ]);
    expect(served.ran()).toBe(0);
  });

  test("a bound token as Bearer is refused, and told of DPoP (RFC 9449 §7.2)", async () => {
    const served = await api();
    const { headers: brought } = await bound();
    const Authorization = (brought?.Authorization ?? "").replace("DPoP", "Bearer");
    const { status, headers } = await served.call("/orders/7", { headers: { ...brought, Authorization } });
    expect(status).toBe(401);
    expect(headers.get("WWW-Authenticate")).toMatch(/^Bearer .*error="invalid_token".*, DPoP .*algs="ES256"/);
  });

  test("an unbound token as DPoP is refused", async () => {
    const served = await api();
    const { headers: brought } = await bearer();
    const Authorization = (brought?.Authorization ?? "").replace("Bearer", "DPoP");
    const { status, body } = await served.call("/orders/7", { headers: { Authorization } });
    expect([status, body]).toMatchObject([401, { error: "invalid_token" }]);
  });

  test("a verifier may be shared, and each place has demands of its own", async () => {
    const verifier = createVerifier(issuer.options({ origin: ORIGIN }));
    const [reads, writes] = [
      await serve({ verifier, scope: "orders:read" }),
      await serve({ verifier, scope: "orders:write" }),
    ];
    open.push(reads, writes);
    const called = await bound();
    expect((await reads.call("/orders/7", called)).status).toBe(200);
    // The verifier remembers the proof, wherever it was used.
    expect(await writes.call("/orders/7", called)).toMatchObject({ body: { error: "invalid_dpop_proof" } });
    expect((await writes.call("/orders/7", await bearer())).status).toBe(403);
  });

  test("onRefusal hears the reason, for the log", async () => {
    const heard: unknown[] = [];
    const served = await api({ onRefusal: ({ code, reason }) => heard.push([code, reason]) });
    await served.call("/orders/7", await bearer({ claims: { aud: "web" } }));
    await served.call("/orders/7");
    issuer.now = NOW + 5_000_000;
    issuer.answer = () => new Response(null, { status: 500 });
    await served.call("/orders/7", await bearer());
    expect(heard).toEqual([
      ["invalid_token", "audience"],
      ["invalid_token", "missing"],
      ["unavailable", undefined],
    ]);
  });

  test.each([new TypeError("a bug"), new CountersignError("invalid_argument", "a bug")])(
    "a fault of the program (%s) goes where the framework's faults go, and opens nothing",
    async (fault) => {
      const verifyCall = () => Promise.reject(fault);
      const verifier: Verifier = { verify: verifyCall, verifyCall };
      const served = await serve({ verifier });
      open.push(served);
      const { status, body } = await served.call("/orders/7", await bearer());
      expect([status, body]).toEqual([500, { thrown: "a bug" }]);
      expect(served.ran()).toBe(0);
    },
  );

  test.each([
    [{ issuer: "http://sign.example" }],
    [{ audience: "" }],
    [{ scope: 'a"b' }],
    [{ resourceMetadata: "api.example" }],
    [{ resourceMetadata: "https://" }],
    [{ resourceMetadata: 'x:"' }],
  ])("options that cannot be right are refused at the start: %j", async (over) => {
    const options = { ...issuer.options(), ...over } as GuardOptions;
    await expect(serve(options)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

test.each([expressClaims, fastifyClaims])(
  "claims without the middleware are a fault that is said",
  (claimsOf) => {
    expect(() => claimsOf({})).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  },
);
