import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { fresh } from "../../support/cotter.ts";
import {
  authorizePath,
  CALLBACK,
  CHALLENGED,
  callAs,
  exchangeCode,
  handedBack,
  newRp,
  type Rp,
  signInByCode,
  type Told,
} from "../../support/oauth.ts";
import { browser, pageDeployment, readable, s256 } from "../../support/page.ts";

const at = pageDeployment();
const ISSUER = at.services.config.issuer;
const PAR = "/oauth/par";
const URN = "urn:ietf:params:oauth:request_uri:";
const MINUTE = 60_000;
const mail = () => `${fresh("ana")}@example.com`;

afterEach(() => void vi.useRealTimers());

const request = async (over: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> => ({
  response_type: "code",
  redirect_uri: CALLBACK,
  scope: "openid",
  state: "af0ifjs",
  code_challenge: await s256(CHALLENGED),
  code_challenge_method: "S256",
  ...over,
});

const push = async (
  rp: Rp,
  over: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Told> => callAs(at, rp, PAR, await request(over), headers);

const pathOf = ({ id }: Pick<Rp, "id">, uri: string, more: Readonly<Record<string, string>> = {}) =>
  `/oauth/authorize?${new URLSearchParams({ client_id: id, request_uri: uri, ...more })}`;

const pushed = async (rp: Rp, over: Readonly<Record<string, string>> = {}): Promise<string> =>
  pathOf(rp, (await push(rp, over)).body.request_uri);

/** The place that the page's own form goes on with. */
const placeIn = (html: string): string =>
  (/name="to" value="([^"]*)"/.exec(html)?.[1] ?? "").replaceAll("&amp;", "&");

describe("a pushed authorization request", () => {
  test.each(["public", "confidential"] as const)("of a %s client leads to a code", async (kind) => {
    const rp = await newRp(at, { kind });
    const told = await push(rp, { nonce: "n-0S6" });
    expect(told.status).toBe(201);
    expect(told.body).toEqual({ request_uri: expect.stringContaining(URN), expires_in: 60 });
    expect(told.headers.get("Cache-Control")).toContain("no-store");
    const person = browser(at);
    const first = await person.get(pathOf(rp, told.body.request_uri));
    const led = await signInByCode(at, placeIn(first.text), mail(), person);
    expect(handedBack(led)).toMatchObject({ state: "af0ifjs", iss: ISSUER });
    const { status, body } = await exchangeCode(at, rp, handedBack(led).code ?? "");
    expect(status).toBe(200);
    expect(decodeJwt(body.id_token)).toMatchObject({ nonce: "n-0S6", aud: rp.id });
  });

  test("tells a browser nothing of itself, and what stands beside it counts for nothing", async () => {
    const rp = await newRp(at);
    const path = await pushed(rp, { login_hint: "ana@example.com" });
    expect(path).not.toContain("ana");
    expect(path).not.toContain("af0ifjs");
    const beside = `${path}&redirect_uri=https%3A%2F%2Fevil.example&scope=pizza&prompt=none&state=x`;
    const answer = await browser(at).get(beside);
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('value="ana@example.com"');
    expect(placeIn(answer.text)).not.toContain("evil");
  });

  test.each([
    ["no redirect address", { redirect_uri: "" }, "invalid_request"],
    ["T82 another redirect address", { redirect_uri: "https://evil.example/cb" }, "invalid_request"],
    ["an implicit response type", { response_type: "token" }, "unsupported_response_type"],
    ["T80 no challenge", { code_challenge: "" }, "invalid_request"],
    ["an unknown scope", { scope: "pizza" }, "invalid_scope"],
    ["a resource that is not listed", { resource: "https://api.example" }, "invalid_target"],
    ["a request object", { request: "eyJ" }, "request_not_supported"],
    ["a request by reference", { request_uri: "https://shop.example/r" }, "invalid_request"],
    ["a pushed request again", { request_uri: `${URN}x` }, "invalid_request"],
    ["a thumbprint that is none", { dpop_jkt: "x" }, "invalid_request"],
  ])("%s is refused at once, as JSON", async (_, over, error) => {
    const { status, body } = await push(await newRp(at), over);
    expect([status, body.error]).toEqual([400, error]);
  });

  test("more than fits is 413", async () => {
    const { status, body } = await push(await newRp(at), { id_token_hint: "x".repeat(5_000) });
    expect([status, body.error]).toEqual([413, "invalid_request"]);
    const fits = await push(await newRp(at), { id_token_hint: "x".repeat(3_000) });
    expect(fits.status).toBe(201);
  });

  test("a client that does not show who it is pushes nothing", async () => {
    const rp = await newRp(at, { kind: "confidential" });
    const form = await request();
    for (const other of [
      { ...rp, secret: "wrong" },
      { ...rp, kind: "public" as const },
    ]) {
      const { status, body } = await callAs(at, other, PAR, form);
      expect([status, body.error]).toEqual([401, "invalid_client"]);
    }
  });

  test("the secret of the client is no part of the request", async () => {
    const rp = await newRp(at, { kind: "confidential" });
    const form = { ...(await request()), client_id: rp.id, client_secret: rp.secret };
    const { status, body } = await callAs(at, { ...rp, kind: "public" }, PAR, form);
    expect(status).toBe(201);
    const opened = await at.services.sealing.open(
      body.request_uri.slice(URN.length),
      "pushed_request",
      rp.id,
    );
    expect(opened).toContain("response_type=code");
    expect(opened).not.toContain(rp.secret);
    expect(opened).not.toContain("client_secret");
  });
});

describe("a request_uri", () => {
  test("of another client leads nowhere", async () => {
    const [rp, other] = [await newRp(at), await newRp(at)];
    const uri = (await push(rp)).body.request_uri;
    const answer = await browser(at).get(pathOf(other, uri));
    expect([answer.status, answer.location]).toEqual([400, ""]);
    expect((await browser(at).get(pathOf(rp, uri))).status).toBe(200);
  });

  test.each([
    [
      "changed in one sign",
      (uri: string) => `${uri.slice(0, -3)}${uri.at(-3) === "A" ? "B" : "A"}${uri.slice(-2)}`,
    ],
    ["with another spelling of its key version", (uri: string) => uri.replace(`${URN}1.`, `${URN}01.`)],
    ["that nobody made", () => `${URN}6esc_11ACC5bwc014ltc14eY22c`],
    ["that is empty", () => URN],
  ])("%s leads nowhere", async (_, change) => {
    const rp = await newRp(at);
    const uri: string = (await push(rp)).body.request_uri;
    const answer = await browser(at).get(pathOf(rp, change(uri)));
    expect([answer.status, answer.location]).toEqual([400, ""]);
  });

  test("that comes twice in one request leads nowhere", async () => {
    const path = await pushed(await newRp(at));
    const answer = await browser(at).get(`${path}&request_uri=${encodeURIComponent(`${URN}x`)}`);
    expect([answer.status, answer.location]).toEqual([400, ""]);
  });

  test("is good for a minute; who opened it in time has half an hour", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const rp = await newRp(at);
    const path = await pushed(rp);
    const person = browser(at);
    const first = await person.get(path);
    expect(first.status).toBe(200);
    const place = placeIn(first.text);
    vi.setSystemTime(Date.now() + MINUTE + 1_000);
    const late = await browser(at).get(path);
    expect(late.location.startsWith(`${CALLBACK}?`)).toBe(true);
    expect(handedBack(late.location)).toMatchObject({
      error: "invalid_request_uri",
      state: "af0ifjs",
      iss: ISSUER,
    });
    // The mark is this browser's: another one gets no further with it.
    expect(handedBack((await browser(at).get(place)).location).error).toBe("invalid_request_uri");
    vi.setSystemTime(Date.now() + 8 * MINUTE);
    const led = await signInByCode(at, place, mail(), person);
    expect(handedBack(led)).toHaveProperty("code");
    vi.setSystemTime(Date.now() + 25 * MINUTE);
    expect(handedBack((await person.get(place)).location).error).toBe("invalid_request_uri");
  });

  test("is good for one code, in whichever browser it comes again", async () => {
    const rp = await newRp(at);
    const path = await pushed(rp);
    const person = browser(at);
    const place = placeIn((await person.get(path)).text);
    const other = browser(at);
    const otherPlace = placeIn((await other.get(path)).text);
    expect(handedBack(await signInByCode(at, place, mail(), person))).toHaveProperty("code");
    for (const [who, where] of [
      [person, path],
      [person, place],
      [browser(at), path],
    ] as const) {
      const again = await who.get(where);
      // Whoever is not signed in is asked first: it is the code that is refused.
      if (again.status === 303) expect(handedBack(again.location).error).toBe("invalid_request_uri");
      expect(again.location).not.toContain("code=");
    }
    const replayed = await signInByCode(at, otherPlace, mail(), other);
    expect(handedBack(replayed)).toMatchObject({ error: "invalid_request_uri", iss: ISSUER });
    expect(handedBack(replayed)).not.toHaveProperty("code");
  });

  test("is good for one code, of twenty that are asked for at once", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    await signInByCode(at, await authorizePath(rp), mail(), person);
    const place = await pushed(rp);
    const led = await Promise.all(Array.from({ length: 20 }, () => person.get(place)));
    const told = led.map(({ location }) => handedBack(location));
    expect(told.filter(({ code }) => code !== undefined)).toHaveLength(1);
    expect(told.filter(({ error }) => error === "invalid_request_uri")).toHaveLength(19);
  });

  test("carries prompt=login through the pages: the person signs in anew, once", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    await signInByCode(at, await authorizePath(rp), mail(), person);
    const path = await pushed(rp, { prompt: "login" });
    const asked = await person.get(path);
    expect(asked.status).toBe(200);
    const led = await signInByCode(at, placeIn(asked.text), mail(), person);
    expect(handedBack(led)).toHaveProperty("code");
  });

  test("leads to consent and back", async () => {
    const rp = await newRp(at, { settings: { first_party: false } });
    const person = browser(at);
    const place = placeIn((await person.get(await pushed(rp))).text);
    await signInByCode(at, place, mail(), person);
    const asked = await person.get(place);
    expect(readable(asked.text)).toContain("Give this app access?");
    const answer = await person.post("/oauth/consent", { to: placeIn(asked.text), decision: "approve" });
    expect(handedBack(answer.location)).toHaveProperty("code");
  });
});

describe("a key at the pushed request (RFC 9449 §10.1)", () => {
  async function proof(over: { readonly nonce?: string } = {}) {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    const text = await new SignJWT({ htm: "POST", htu: `${ISSUER}${PAR}`, jti: crypto.randomUUID(), ...over })
      .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk })
      .setIssuedAt()
      .sign(privateKey);
    return { text, jkt: await calculateJwkThumbprint(jwk) };
  }

  test("a proof binds the code to its key, and needs a nonce of ours", async () => {
    const rp = await newRp(at);
    const bare = await proof();
    const first = await push(rp, {}, { DPoP: bare.text });
    expect([first.status, first.body.error]).toEqual([400, "use_dpop_nonce"]);
    const nonce = first.headers.get("DPoP-Nonce") ?? "";
    const { text, jkt } = await proof({ nonce });
    const told = await push(rp, {}, { DPoP: text });
    expect(told.status).toBe(201);
    const person = browser(at);
    const place = placeIn((await person.get(pathOf(rp, told.body.request_uri))).text);
    const { code = "" } = handedBack(await signInByCode(at, place, mail(), person));
    const unbound = await exchangeCode(at, rp, code);
    expect([unbound.status, unbound.body.error]).toEqual([400, "invalid_grant"]);
    const other = await proof({ nonce });
    const torn = await push(rp, { dpop_jkt: jkt }, { DPoP: other.text });
    expect([torn.status, torn.body.error]).toEqual([400, "invalid_dpop_proof"]);
  });
});

test("the metadata names the endpoint, and says that nobody has to use it", async () => {
  const told = (await (await at.ask("/.well-known/oauth-authorization-server")).json()) as object;
  expect(told).toMatchObject({
    pushed_authorization_request_endpoint: `${ISSUER}${PAR}`,
    require_pushed_authorization_requests: false,
    request_uri_parameter_supported: false,
  });
});
