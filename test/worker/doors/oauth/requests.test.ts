import { describe, expect, test } from "vitest";
import { authorizePath, CALLBACK, CHALLENGED, handedBack, newRp, signInByCode } from "../../support/oauth.ts";
import { signedIn } from "../../support/oauth-sessions.ts";
import { browser, pageDeployment, readable, s256 } from "../../support/page.ts";

const at = pageDeployment();
const ISSUER = at.services.config.issuer;

const open = async (path: string) => await browser(at).get(path);

describe("an authorization request that leads nowhere", () => {
  const evil = "https://evil.example/cb";
  test.each([
    ["T82 another address", { redirect_uri: evil }],
    ["T82 a longer address", { redirect_uri: `${CALLBACK}/more` }],
    ["T82 an address with a query", { redirect_uri: `${CALLBACK}?a=b` }],
    ["T82 an address with a fragment", { redirect_uri: `${CALLBACK}#a` }],
    ["T82 upper case in the host", { redirect_uri: "https://SHOP.example/cb" }],
    ["T82 credentials in front", { redirect_uri: "https://shop.example@evil.example/cb" }],
    ["T82 a trailing dot", { redirect_uri: "https://shop.example./cb" }],
    ["T82 no address", { redirect_uri: undefined }],
    ["T82 an unknown client", { client_id: "nobody" }],
    ["T82 no client", { client_id: undefined }],
  ])("%s: a page of our own, with 400", async (_, over) => {
    const rp = await newRp(at);
    const answer = await open(await authorizePath(rp, over));
    expect(answer.status).toBe(400);
    expect(answer.location).toBe("");
    expect(answer.text).not.toContain("evil.example");
    expect(answer.headers.get("Content-Security-Policy")).toContain("frame-ancestors 'none'");
  });

  test.each(["client_id", "redirect_uri"])("T82 %s twice", async (name) => {
    const rp = await newRp(at);
    const path = await authorizePath(rp);
    const again = new URLSearchParams(path.slice(path.indexOf("?"))).get(name) ?? "";
    const answer = await open(`${path}&${name}=${encodeURIComponent(again)}`);
    expect([answer.status, answer.location]).toEqual([400, ""]);
  });

  test("a disabled client is as good as none", async () => {
    const rp = await newRp(at);
    await at.services.clients.disable(rp.id, Date.now());
    expect((await open(await authorizePath(rp))).status).toBe(400);
  });
});

describe("an authorization request that is led back with an error", () => {
  test.each([
    ["no response type", { response_type: undefined }, "invalid_request"],
    ["an implicit response type", { response_type: "token" }, "unsupported_response_type"],
    ["an unknown scope", { scope: "openid pizza" }, "invalid_scope"],
    ["no challenge", { code_challenge: undefined, code_challenge_method: undefined }, "invalid_request"],
    ["plain", { code_challenge_method: "plain" }, "invalid_request"],
    ["no method", { code_challenge_method: undefined }, "invalid_request"],
    ["an empty challenge", { code_challenge: "" }, "invalid_request"],
    ["a challenge that is no hash", { code_challenge: "a".repeat(44) }, "invalid_request"],
    ["a request object", { request: "eyJ" }, "request_not_supported"],
    ["a request by reference", { request_uri: "https://shop.example/r" }, "request_uri_not_supported"],
    ["a registration", { registration: "{}" }, "registration_not_supported"],
    ["another response mode", { response_mode: "fragment" }, "invalid_request"],
    ["none beside login", { prompt: "none login" }, "invalid_request"],
    ["an unknown prompt", { prompt: "dance" }, "invalid_request"],
    ["a max_age that is no number", { max_age: "-1" }, "invalid_request"],
    ["a nonce of 513 characters", { nonce: "n".repeat(513) }, "invalid_request"],
    ["a thumbprint that is none", { dpop_jkt: "x" }, "invalid_request"],
    ["a resource that is not listed", { resource: "https://api.example" }, "invalid_target"],
    ["a resource that is no address", { resource: "api" }, "invalid_target"],
    ["a resource with a fragment", { resource: "https://api.example/#a" }, "invalid_target"],
    ["a hint that is no token of ours", { id_token_hint: "eyJ.eyJ.x" }, "invalid_request"],
    ["prompt=none without a session", { prompt: "none" }, "login_required"],
  ] as const)("T91 %s: with iss and state", async (_, over, error) => {
    const rp = await newRp(at);
    const answer = await open(await authorizePath(rp, over));
    expect(answer.status).toBe(303);
    expect(answer.location.startsWith(`${CALLBACK}?`)).toBe(true);
    expect(handedBack(answer.location)).toMatchObject({ error, state: "af0ifjs", iss: ISSUER });
    expect(handedBack(answer.location)).not.toHaveProperty("code");
  });

  test("a client that may not use codes", async () => {
    const rp = await newRp(at, { grantTypes: ["refresh_token"] });
    const answer = await open(await authorizePath(rp));
    expect(handedBack(answer.location).error).toBe("unauthorized_client");
  });

  test("T82 any other parameter twice", async () => {
    const rp = await newRp(at);
    const answer = await open(`${await authorizePath(rp)}&scope=openid`);
    expect(handedBack(answer.location)).toMatchObject({ error: "invalid_request", iss: ISSUER });
  });

  test("a state of 2,048 characters comes back byte for byte, and a longer one is refused without it", async () => {
    const rp = await newRp(at);
    const odd = ` ?&=#%"<>\u00e4\u4f60`;
    const state = odd + "s".repeat(2_048 - odd.length);
    const good = await open(await authorizePath(rp, { state, prompt: "none" }));
    expect(handedBack(good.location).state).toBe(state);
    const long = await open(await authorizePath(rp, { state: `${state}s` }));
    expect(handedBack(long.location)).toMatchObject({ error: "invalid_request" });
    expect(handedBack(long.location)).not.toHaveProperty("state");
  });
});

describe("a long authorization request", () => {
  test("with a state of 2,048 characters that all have to be escaped signs in like any other", async () => {
    const rp = await newRp(at);
    const state = "%\u00e4".repeat(1_024);
    const led = await signInByCode(at, await authorizePath(rp, { state }), "long@example.com");
    expect(handedBack(led).state).toBe(state);
  });

  test("is refused where it would not fit into a form of our own pages", async () => {
    const rp = await newRp(at);
    const answer = await open(await authorizePath(rp, { acr_values: "x".repeat(12_000) }));
    expect(handedBack(answer.location)).toMatchObject({ error: "invalid_request", state: "af0ifjs" });
  });
});

describe("what a client may leave out or bring along", () => {
  test("unknown parameters, claims_locales, ui_locales and acr_values ask for nothing", async () => {
    const rp = await newRp(at);
    const over = {
      claims_locales: "de",
      ui_locales: "de fr",
      acr_values: "urn:x",
      foo: "bar",
      display: "popup",
    };
    const answer = await open(await authorizePath(rp, over));
    expect(answer.status).toBe(200);
    expect(readable(answer.text)).toContain("Shop");
  });

  test("a confidential client that is excused from PKCE sends a nonce, and no verifier later", async () => {
    const bare = { code_challenge: undefined, code_challenge_method: undefined };
    const excused = await newRp(at, { kind: "confidential", settings: { require_pkce: false } });
    expect((await open(await authorizePath(excused, bare))).status).toBe(200);
    const noNonce = await open(await authorizePath(excused, { ...bare, nonce: undefined }));
    expect(handedBack(noNonce.location).error).toBe("invalid_request");
    const strict = await newRp(at, { kind: "confidential" });
    expect(handedBack((await open(await authorizePath(strict, bare))).location).error).toBe(
      "invalid_request",
    );
    expect(await s256(CHALLENGED)).toBe("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
  });

  test("T83 on the loopback literals the port is the app's", async () => {
    const rp = await newRp(at, {
      redirectUris: ["http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"],
    });
    const led = async (redirect_uri: string) =>
      (await open(await authorizePath(rp, { redirect_uri, prompt: "none" }))).location;
    expect(await led("http://127.0.0.1:50123/cb")).toContain(
      "http://127.0.0.1:50123/cb?error=login_required",
    );
    expect(await led("http://[::1]:50123/cb")).toContain("http://[::1]:50123/cb?");
    expect(await led("com.example.app:/cb")).toContain("com.example.app:/cb?error=login_required");
    for (const wrong of [
      "http://127.0.0.1:80@evil.example/cb",
      "http://127.0.0.1.evil.example/cb",
      "http://0.0.0.0/cb",
      "http://127.1/cb",
      "http://2130706433/cb",
      "http://localhost/cb",
      "http://127.0.0.1:5/other",
    ]) {
      expect([wrong, await led(wrong)]).toEqual([wrong, ""]);
    }
  });

  test("the request may be posted as a form, with which a browser sends no cookie", async () => {
    const rp = await newRp(at);
    const { person } = await signedIn(at, rp);
    const path = await authorizePath(rp, { prompt: "none" });
    const body = path.slice(path.indexOf("?") + 1);
    const answer = await at.ask("/oauth/authorize", {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body,
    });
    expect(answer.status).toBe(303);
    const led = await person.get(answer.headers.get("Location") ?? "");
    expect(led.location).toContain("code=");
    const json = await at.ask("/oauth/authorize", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: "{}",
    });
    expect(json.status).toBe(400);
  });
});

describe("the pages of a sign-in", () => {
  test("T93 are framed by nobody, say no referrer, and are stored nowhere", async () => {
    const rp = await newRp(at);
    const { headers } = await open(await authorizePath(rp));
    expect(headers.get("Content-Security-Policy")).toContain("frame-ancestors 'none'");
    expect(headers.get("Content-Security-Policy")).toContain("default-src 'none'");
    expect(headers.get("Referrer-Policy")).toBe("no-referrer");
    expect(headers.get("Cache-Control")).toBe("no-store");
  });

  test.each([
    ["another site's page", { "Sec-Fetch-Site": "cross-site" }, {}],
    ["a page of another origin", { Origin: "https://evil.example" }, {}],
    ["no token", {}, { csrf: "" }],
    ["a wrong token", {}, { csrf: "x".repeat(43) }],
  ])("T93 a form from %s does nothing", async (_, headers, fields) => {
    const rp = await newRp(at);
    const person = browser(at);
    const to = await authorizePath(rp);
    await person.get(to);
    const sent = at.messages.length;
    const form = { to, identifier: "ana@example.com", way: "code", ...fields };
    const answer = await person.post("/oauth/sign-in", form, headers);
    expect(answer.status).toBe(403);
    expect(at.messages).toHaveLength(sent);
  });

  test.each(["", "https://evil.example/", "//evil.example/oauth/authorize?", "/oauth/token?a=b", "/app?x=y"])(
    "T93 a form that would lead to %j is refused",
    async (to) => {
      const rp = await newRp(at);
      const person = browser(at);
      await person.get(await authorizePath(rp));
      const answer = await person.post("/oauth/sign-in", { to, identifier: "ana@example.com", way: "code" });
      expect([answer.status, answer.location]).toEqual([400, ""]);
    },
  );

  test("T93 a sign-in is shown to the browser that began it and to no other", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    const to = await authorizePath(rp);
    await person.get(to);
    const begun = await person.post("/oauth/sign-in", { to, identifier: "ana@example.com", way: "device" });
    expect((await person.get(begun.location)).status).toBe(200);
    const other = browser(at);
    await other.get(to);
    expect((await other.get(begun.location)).status).toBe(403);
  });
});
