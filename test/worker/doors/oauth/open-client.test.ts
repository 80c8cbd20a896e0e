import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { REFUSED_CALLBACKS } from "../../../vectors/callback-targets.ts";
import { fresh } from "../../support/cotter.ts";
import { from, limited } from "../../support/limiters.ts";
import {
  authorizePath,
  callAs,
  exchangeCode,
  handedBack,
  hiddenIn,
  newRp,
  signInByCode,
} from "../../support/oauth.ts";
import { browser, pageDeployment, readable } from "../../support/page.ts";

const HOST = "app.example";
const RESOURCE = "https://api.example/mcp";
const OPEN = {
  OPEN_CLIENT_HOSTS: `${HOST}, other.example,localhost,127.0.0.1,[::1],cursor:`,
  OPEN_CLIENT_RESOURCES: RESOURCE,
  ALLOW_PRIVATE_CALLBACKS: "false",
};
const BACK = `https://${HOST}/cb`;
const MINUTE = 60_000;
const mail = () => `${fresh("ana")}@example.com`;

/** A deployment of its own: what its isolate remembers of documents is not another test's. */
const open = (
  over: Readonly<Record<string, unknown>> = {},
  ...rest: [Parameters<typeof pageDeployment>[1]?]
) => pageDeployment({ ...OPEN, ...over }, ...rest);
let at = open();

type Call = { readonly url: string; readonly init: RequestInit };
let calls: Call[];
let answer: (url: string, init: RequestInit) => Response | Promise<Response>;

beforeEach(() => {
  at = open();
  calls = [];
  answer = (url) => documentOf(url);
  // What was not read is logged.
  vi.spyOn(console, "info").mockImplementation(() => undefined);
  vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
    calls.push({ url: String(url), init });
    return await answer(String(url), init);
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const json = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json", ...headers } });

const metadataOf = (url: string, over: object = {}): object => ({
  client_id: url,
  client_name: "Claude Desk",
  redirect_uris: [BACK, "http://127.0.0.1/cb", "http://localhost/cb"],
  grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
  ...over,
});
const documentOf = (url: string, over: object = {}, headers: Readonly<Record<string, string>> = {}) =>
  json(metadataOf(url, over), headers);

let number = 0;
const address = (): string => `https://${HOST}/clients/${++number}.json`;
const rpOf = (id: string) => ({ id: id as never, secret: "", kind: "public" as const });
const pathFor = (id: string, over: Readonly<Record<string, string | undefined>> = {}) =>
  authorizePath(rpOf(id), { redirect_uri: BACK, ...over });

const visit = async (id: string, over: Readonly<Record<string, string | undefined>> = {}) =>
  await browser(at).get(await pathFor(id, over));

const registration = (over: object = {}) => ({
  client_name: "Claude Desk",
  redirect_uris: [BACK],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: "none",
  ...over,
});

async function register(body: unknown, where = at) {
  const told = await where.ask("/oauth/register", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  // biome-ignore lint/suspicious/noExplicitAny: a test reads members that it asserts
  return { status: told.status, body: (await told.json()) as any, headers: told.headers };
}

/** A person signs in for this client and consents; the answer is what the client is handed. */
async function consented(path: string, person = browser(at)) {
  await signInByCode(at, path, mail(), person);
  const asked = await person.get(path);
  const led = await person.post("/oauth/consent", { ...hiddenIn(asked.text), decision: "approve" });
  return { asked, handed: handedBack(led.location), person };
}

describe("while the operator has named no host", () => {
  test("nobody is a client who was not registered, nothing is fetched, and nothing is said of it", async () => {
    at = pageDeployment();
    const answer = await visit(address());
    expect([answer.status, answer.location]).toEqual([400, ""]);
    expect(calls).toEqual([]);
    expect((await register(registration())).status).toBe(404);
    const metadata = (await (await at.ask("/.well-known/openid-configuration")).json()) as object;
    expect(metadata).not.toHaveProperty("registration_endpoint");
    expect(metadata).not.toHaveProperty("client_id_metadata_document_supported");
  });

  test("an id that was handed out before is no client any more", async () => {
    const { body } = await register(registration());
    at = pageDeployment();
    expect((await visit(body.client_id)).status).toBe(400);
  });
});

test("the metadata says that such clients may come", async () => {
  const metadata = await (await at.ask("/.well-known/oauth-authorization-server")).json();
  expect(metadata).toMatchObject({
    registration_endpoint: `${at.services.config.issuer}/oauth/register`,
    client_id_metadata_document_supported: true,
  });
});

describe("a client whose id is the address of its document", () => {
  test("gets tokens that name it by that address, once the person has consented", async () => {
    const id = address();
    const { asked, handed } = await consented(
      await pathFor(id, { resource: RESOURCE, scope: "openid offline_access" }),
    );
    expect(asked.status).toBe(200);
    const text = readable(asked.text);
    for (const said of ["Nobody here has checked this app", HOST, "“ Claude Desk ”", RESOURCE]) {
      expect(text).toContain(said);
    }
    expect(asked.text).not.toContain("<img");
    const rp = rpOf(id);
    const { status, body } = await exchangeCode(at, rp, handed.code ?? "", {
      redirect_uri: BACK,
      resource: RESOURCE,
    });
    expect(status).toBe(200);
    expect(decodeJwt(body.access_token)).toMatchObject({ client_id: id, aud: RESOURCE });
    expect(decodeJwt(body.id_token)).toMatchObject({ aud: id });
    const next = await callAs(at, rp, "/oauth/token", {
      grant_type: "refresh_token",
      refresh_token: body.refresh_token,
    });
    expect(next.status).toBe(200);
    expect(decodeJwt(next.body.access_token)).toMatchObject({ client_id: id, aud: RESOURCE });
    const info = await at.ask("/oauth/userinfo", {
      headers: { Authorization: `Bearer ${next.body.access_token}` },
    });
    // It is for another API: whoever runs that one holds it too.
    expect(info.status).toBe(401);
    const revoked = await callAs(at, rp, "/oauth/revoke", { token: next.body.refresh_token });
    expect(revoked.status).toBe(200);
    const dead = await callAs(at, rp, "/oauth/token", {
      grant_type: "refresh_token",
      refresh_token: next.body.refresh_token,
    });
    expect(dead.body.error).toBe("invalid_grant");
    // All of this by one call to the client's server, with nothing of ours in it.
    expect(calls.map(({ url }) => url)).toEqual([id]);
    expect(calls[0]?.init).toMatchObject({ redirect: "manual" });
    expect(calls[0]?.init.method ?? "GET").toBe("GET");
  });

  test("is its own audience where no resource is asked", async () => {
    const id = address();
    const { handed } = await consented(await pathFor(id));
    const { body } = await exchangeCode(at, rpOf(id), handed.code ?? "", { redirect_uri: BACK });
    expect(decodeJwt(body.access_token)).toMatchObject({ client_id: id, aud: id });
  });

  test("is asked for consent each time, and gets none without a page", async () => {
    const id = address();
    const path = await pathFor(id);
    const { person } = await consented(path);
    expect(readable((await person.get(path)).text)).toContain("Give this app access?");
    const silent = await person.get(await pathFor(id, { prompt: "none" }));
    expect(handedBack(silent.location).error).toBe("consent_required");
    await person.get(path);
    const declined = await person.post("/oauth/consent", { to: path, decision: "deny" });
    expect(handedBack(declined.location)).toMatchObject({ error: "access_denied" });
  });

  test("puts its name on no page before, in no letter, and nothing before anybody's devices", async () => {
    const id = address();
    const path = await pathFor(id);
    const person = browser(at);
    const first = await person.get(path);
    expect(first.text).not.toContain("Claude Desk");
    expect(first.text).not.toContain('value="device"');
    // Also where the form was changed by hand.
    const begun = await person.post("/oauth/sign-in", { to: path, identifier: mail(), way: "device" });
    expect(readable((await person.get(begun.location)).text)).toContain("code");
    expect(at.last().brand.name).toBe("");
    expect(at.last().code).toMatch(/^\d{6}$/);
  });

  test("says on the consent page where it goes on, and that any program there could be it", async () => {
    const id = address();
    const { asked } = await consented(await pathFor(id, { redirect_uri: "http://127.0.0.1:43210/cb" }));
    const text = readable(asked.text);
    expect(text).toContain("127.0.0.1:43210");
    expect(text).toContain("Any program here could say that it is this app");
  });

  test("stands by its host among the places where a person is signed in", async () => {
    const id = address();
    const { handed, person } = await consented(await pathFor(id, { scope: "openid offline_access" }));
    await exchangeCode(at, rpOf(id), handed.code ?? "", { redirect_uri: BACK });
    const page = readable((await person.get("/oauth/sessions")).text);
    expect(page).toContain(HOST);
    expect(page).not.toContain("Claude Desk");
  });

  test("gets no resource that the operator has not named", async () => {
    const led = await visit(address(), { resource: "https://bank.example" });
    expect(handedBack(led.location)).toMatchObject({ error: "invalid_target" });
  });

  test("T95 gets no device code, and asks nobody by CIBA", async () => {
    const rp = rpOf(address());
    const device = await callAs(at, rp, "/oauth/device_authorization", { scope: "openid" });
    expect([device.status, device.body.error]).toEqual([400, "unauthorized_client"]);
    const ciba = await callAs(at, rp, "/oauth/bc-authorize", { scope: "openid", login_hint: mail() });
    expect([ciba.status, ciba.body.error]).toEqual([400, "unauthorized_client"]);
    const poll = await callAs(at, rp, "/oauth/token", {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: "x",
    });
    expect([poll.status, poll.body.error]).toEqual([400, "unauthorized_client"]);
    const told = await callAs(at, rp, "/oauth/introspect", { token: "x" });
    expect([told.status, told.body.error]).toEqual([401, "invalid_client"]);
  });

  test("may push its request", async () => {
    const id = address();
    const form = Object.fromEntries(new URL(await pathFor(id), "https://x").searchParams);
    const { status, body } = await callAs(at, rpOf(id), "/oauth/par", form);
    expect(status).toBe(201);
    const query = new URLSearchParams({ client_id: id, request_uri: body.request_uri });
    expect((await browser(at).get(`/oauth/authorize?${query}`)).status).toBe(200);
  });

  test("is no client at any other door", async () => {
    const id = address();
    await visit(id);
    for (const [path, headers] of [
      [`/app?api_key=${encodeURIComponent(id)}&redirect_url=${BACK}&type=EMAIL`, {}],
      ["/api/v0/user/create", { API_KEY_ID: id }],
      ["/fido2/v2/auth/init", { "X-Client-ID": id }],
    ] as const) {
      const told = await at.ask(path, { headers });
      expect(told.status).toBeGreaterThanOrEqual(400);
    }
    expect(calls).toHaveLength(1);
  });

  test("belongs to the realm that the operator names", async () => {
    const realm = fresh("realm");
    at = open({ OPEN_CLIENT_REALM: realm });
    const id = address();
    const { handed } = await consented(await pathFor(id));
    const { body } = await exchangeCode(at, rpOf(id), handed.code ?? "", { redirect_uri: BACK });
    expect(decodeJwt(body.access_token)).toMatchObject({ realm });
  });
});

describe("an address that is no client", () => {
  test.each([
    ["of a host that the operator has not named", "https://evil.example/c.json"],
    ["T82 of a host that only begins like one", `https://${HOST}.evil.example/c.json`],
    ["T82 with credentials", `https://${HOST}@evil.example/c.json`],
    ["T82 with credentials for a host that is named", `https://a:b@${HOST}/c.json`],
    ["on another port", `https://${HOST}:8443/c.json`],
    ["with the port that it has anyway", `https://${HOST}:443/c.json`],
    ["without a path", `https://${HOST}`],
    ["with a bare path", `https://${HOST}/`],
    ["with a fragment", `https://${HOST}/c.json#a`],
    ["with an empty fragment", `https://${HOST}/c.json#`],
    ["with dot segments", `https://${HOST}/a/../c.json`],
    ["with one dot", `https://${HOST}/./c.json`],
    ["with dot segments in escapes", `https://${HOST}/%2e%2e/c.json`],
    ["in capitals", `https://${HOST.toUpperCase()}/c.json`],
    ["with a trailing dot", `https://${HOST}./c.json`],
    ["of http", `http://${HOST}/c.json`],
    ["T97 of this machine, though codes may go there", "http://127.0.0.1:8787/c.json"],
    ["T97 of this machine by https", "https://127.0.0.1/c.json"],
    ["T97 of this machine by its name", "https://localhost/c.json"],
    ["T97 of this machine by IPv6", "https://[::1]/c.json"],
    ["of another scheme", `ftp://${HOST}/c.json`],
    ["that is a script", "javascript:alert(1)"],
    ["that is too long", `https://${HOST}/${"c".repeat(500)}`],
  ])("%s: nothing is fetched, and it leads nowhere", async (_, id) => {
    const answer = await visit(id);
    expect([answer.status, answer.location]).toEqual([400, ""]);
    expect(calls).toEqual([]);
  });

  test("T97 private addresses are not called even where the operator has named them", async () => {
    const hosts = REFUSED_CALLBACKS.flatMap((text) => URL.parse(text)?.host ?? []).filter(
      // One of the corpus is refused for its scheme, and not for its host.
      (host) => /^[a-z0-9.-]+$/.test(host) && host !== "hooks.example.com",
    );
    expect(hosts).toContain("169.254.169.254");
    expect(hosts.some((host) => host.endsWith(".internal"))).toBe(true);
    at = open({ OPEN_CLIENT_HOSTS: hosts.join(",") });
    for (const host of new Set(hosts)) {
      const answer = await visit(`https://${host}/c.json`, { redirect_uri: `https://${host}/cb` });
      expect([host, answer.status]).toEqual([host, 400]);
    }
    expect(calls).toEqual([]);
  });
});

describe("a document that is not taken", () => {
  const tooLong = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          controller.enqueue(new TextEncoder().encode(" ".repeat(1_024)));
        },
      }),
      { headers: { "Content-Type": "application/json" } },
    );
  test.each([
    ["T97 that leads elsewhere", () => Response.redirect("https://169.254.169.254/latest/meta-data/", 302)],
    ["T97 that never ends", tooLong],
    [
      "that says its length and is too long",
      (id: string) => json(metadataOf(id, { pad: "x".repeat(11_000) })),
    ],
    ["of another content type", (id: string) => new Response(JSON.stringify(metadataOf(id)))],
    ["that is a page", () => new Response("<html>", { headers: { "Content-Type": "text/html" } })],
    ["that is not JSON", () => new Response("{", { headers: { "Content-Type": "application/json" } })],
    [
      "that is not UTF-8",
      () => new Response(new Uint8Array([0xff]), { headers: { "Content-Type": "application/json" } }),
    ],
    ["that is not there", () => new Response(null, { status: 404 })],
    [
      "that is there by another status",
      (id: string) =>
        new Response(JSON.stringify(metadataOf(id)), {
          status: 203,
          headers: { "Content-Type": "application/json" },
        }),
    ],
    ["that is a list", () => json([])],
    ["that is null", () => json(null)],
    ["without an id", (id: string) => documentOf(id, { client_id: undefined })],
    ["of another client", (id: string) => documentOf(id, { client_id: `${id}?` })],
    ["T82 without redirect addresses", (id: string) => documentOf(id, { redirect_uris: undefined })],
    ["T82 with an empty list of them", (id: string) => documentOf(id, { redirect_uris: [] })],
    [
      "T82 with one on a host that is not named",
      (id: string) => documentOf(id, { redirect_uris: [BACK, "https://evil.example/cb"] }),
    ],
    ["T82 with one with a fragment", (id: string) => documentOf(id, { redirect_uris: [BACK, `${BACK}#a`] })],
    [
      "T82 with a wildcard",
      (id: string) => documentOf(id, { redirect_uris: [BACK, `https://*.${HOST}/cb`] }),
    ],
    [
      "T82 with credentials in one",
      (id: string) => documentOf(id, { redirect_uris: [BACK, `https://a@${HOST}/cb`] }),
    ],
    [
      "T83 with one that only looks like this device",
      (id: string) => documentOf(id, { redirect_uris: [BACK, "http://127.0.0.1.evil.example/cb"] }),
    ],
    ["T83 with 0.0.0.0", (id: string) => documentOf(id, { redirect_uris: [BACK, "http://0.0.0.0/cb"] })],
    ["T82 with a script", (id: string) => documentOf(id, { redirect_uris: [BACK, "javascript:alert(1)"] })],
    [
      "T82 with an app's scheme that is not named, on a host that is",
      (id: string) => documentOf(id, { redirect_uris: [BACK, `evil://${HOST}/cb`] }),
    ],
    [
      "with a shared secret",
      (id: string) => documentOf(id, { token_endpoint_auth_method: "client_secret_basic" }),
    ],
    ["with a key", (id: string) => documentOf(id, { token_endpoint_auth_method: "private_key_jwt" })],
    ["that tells a secret", (id: string) => documentOf(id, { client_secret: "x" })],
    ["without authorization codes", (id: string) => documentOf(id, { grant_types: ["refresh_token"] })],
    ["of implicit answers", (id: string) => documentOf(id, { response_types: ["token"] })],
  ] as const)("%s: it is no client, and is asked for again after a minute", async (_, made) => {
    const start = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: start });
    const id = address();
    answer = () => (made as (id: string) => Response)(id);
    expect((await visit(id)).status).toBe(400);
    expect((await visit(id)).location).toBe("");
    expect(calls).toHaveLength(1);
    const token = await callAs(at, rpOf(id), "/oauth/token", {
      grant_type: "refresh_token",
      refresh_token: "x",
    });
    expect([token.status, token.body.error]).toEqual([401, "invalid_client"]);
    vi.setSystemTime(start + MINUTE + 1);
    answer = documentOf;
    expect((await visit(id)).status).toBe(200);
  });

  test("T97 a server that does not answer in five seconds is let go", async () => {
    const lengths: number[] = [];
    vi.spyOn(AbortSignal, "timeout").mockImplementation((length) => {
      lengths.push(length);
      return AbortSignal.abort(new DOMException("late", "TimeoutError"));
    });
    answer = (_, { signal }) =>
      new Promise((_done, fail) => {
        if (signal?.aborted) fail(signal.reason);
        signal?.addEventListener("abort", () => fail(signal.reason));
      });
    expect((await visit(address())).status).toBe(400);
    expect(lengths).toEqual([5_000]);
  });

  test("a server that breaks off or fails is no answer: the token endpoint says to come again", async () => {
    for (const made of [
      async () => await Promise.reject(new TypeError("broken")),
      async () => new Response(null, { status: 503 }),
      async () => new Response(null, { status: 429 }),
    ]) {
      const id = address();
      answer = made;
      expect((await visit(id)).status).toBe(400);
      const told = await callAs(at, rpOf(id), "/oauth/token", {
        grant_type: "refresh_token",
        refresh_token: "x",
      });
      expect([told.status, told.body.error]).toEqual([503, "temporarily_unavailable"]);
    }
    expect(calls).toHaveLength(3);
    for (const { init } of calls) expect(init.signal).toBeInstanceOf(AbortSignal);
  });
});

describe("how long a document is believed", () => {
  const visits = async (id: string, after: readonly number[]) => {
    const start = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: start });
    const counted: number[] = [];
    for (const later of after) {
      vi.setSystemTime(start + later * MINUTE);
      await visit(id);
      counted.push(calls.length);
    }
    return counted;
  };

  test.each([
    ["says nothing", {}, [0, 4.9, 5.1], [1, 1, 2]],
    ["says not to keep it", { "Cache-Control": "no-store" }, [0, 4.9, 5.1], [1, 1, 2]],
    ["says a minute", { "Cache-Control": "max-age=60" }, [0, 4.9, 5.1], [1, 1, 2]],
    ["says an hour", { "Cache-Control": "public, max-age=3600" }, [0, 59, 61], [1, 1, 2]],
    ["says a year", { "Cache-Control": "max-age=31536000" }, [0, 1_439, 1_441], [1, 1, 2]],
  ] as const)("whose server %s", async (_, headers, after, expected) => {
    const id = address();
    answer = (url) => documentOf(url, {}, headers);
    expect(await visits(id, after)).toEqual(expected);
  });

  test("one that was good stands in for a day while its server fails, and not once it is gone", async () => {
    const start = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: start });
    const id = address();
    expect((await visit(id)).status).toBe(200);
    answer = () => new Response(null, { status: 500 });
    vi.setSystemTime(start + 10 * MINUTE);
    expect((await visit(id)).status).toBe(200);
    expect((await visit(id)).status).toBe(200);
    expect(calls).toHaveLength(2);
    answer = () => new Response(null, { status: 404 });
    vi.setSystemTime(start + 12 * MINUTE);
    expect((await visit(id)).status).toBe(400);
  });

  test("a redirect address that was taken back is led to no more", async () => {
    const start = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: start });
    const id = address();
    expect((await visit(id)).status).toBe(200);
    answer = (url) => documentOf(url, { redirect_uris: [`https://${HOST}/other`] });
    vi.setSystemTime(start + 6 * MINUTE);
    expect((await visit(id)).status).toBe(400);
  });
});

describe("how often a stranger makes us fetch", () => {
  test("one host is asked thirty times a minute for what is not known, and what is known goes on", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Math.ceil(Date.now() / MINUTE) * MINUTE });
    const known = address();
    expect((await visit(known)).status).toBe(200);
    answer = () => new Response(null, { status: 404 });
    const told: number[] = [];
    for (let count = 0; count < 40; count += 1) told.push((await visit(address())).status);
    expect(told.slice(0, 29)).toEqual(Array(29).fill(400));
    expect(told.slice(29)).toEqual(Array(11).fill(429));
    expect(calls).toHaveLength(30);
    expect((await visit(known)).status).toBe(200);
    answer = documentOf;
    const other = "https://other.example/c.json";
    expect((await visit(other, { redirect_uri: "https://other.example/cb" })).location).toBe("");
    expect(calls).toHaveLength(31);
  });

  test("an address is counted as for a start, before anything is fetched", async () => {
    at = open(limited({ LIMIT_START: 2 }));
    const told: number[] = [];
    for (let count = 0; count < 4; count += 1) {
      told.push((await browser(at, from("203.0.113.7")).get(await pathFor(address()))).status);
    }
    expect(told).toEqual([200, 200, 429, 429]);
    expect(calls).toHaveLength(2);
  });
});

describe("a client that registers itself", () => {
  test("gets an id, no secret, and no row", async () => {
    const rows = async () => await at.services.clients.page(undefined, 10_000);
    const before = (await rows()).length;
    const { status, body, headers } = await register(registration({ scope: "mcp", contacts: ["x"] }));
    expect(status).toBe(201);
    expect(headers.get("Cache-Control")).toContain("no-store");
    expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(body).toEqual({
      client_id: expect.stringMatching(/^dcr:/),
      client_name: "Claude Desk",
      redirect_uris: [BACK],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    });
    expect(await rows()).toHaveLength(before);
    const again = await register(registration());
    expect(again.body.client_id).toBe(body.client_id);
    const { asked, handed } = await consented(await pathFor(body.client_id, { resource: RESOURCE }));
    expect(readable(asked.text)).toContain(HOST);
    const tokens = await exchangeCode(at, rpOf(body.client_id), handed.code ?? "", { redirect_uri: BACK });
    expect(decodeJwt(tokens.body.access_token)).toMatchObject({ client_id: body.client_id, aud: RESOURCE });
    expect(await rows()).toHaveLength(before);
    expect(calls).toEqual([]);
  });

  test("by its defaults it is public, and gets codes alone", async () => {
    const { status, body } = await register({
      redirect_uris: ["cursor://anysphere.cursor-mcp/oauth/callback"],
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ grant_types: ["authorization_code"], token_endpoint_auth_method: "none" });
    expect(body).not.toHaveProperty("client_name");
  });

  test.each([
    [
      "confidential, by Basic",
      { token_endpoint_auth_method: "client_secret_basic" },
      "invalid_client_metadata",
    ],
    [
      "confidential, in the body",
      { token_endpoint_auth_method: "client_secret_post" },
      "invalid_client_metadata",
    ],
    [
      "with a key",
      { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [] } },
      "invalid_client_metadata",
    ],
    [
      "of the device grant alone",
      { grant_types: ["urn:ietf:params:oauth:grant-type:device_code"] },
      "invalid_client_metadata",
    ],
    ["without redirect addresses", { redirect_uris: [] }, "invalid_client_metadata"],
    [
      "with eleven of them",
      { redirect_uris: Array.from({ length: 11 }, (_, at) => `${BACK}${at}`) },
      "invalid_client_metadata",
    ],
    ["that says too much", { redirect_uris: [`${BACK}/${"x".repeat(900)}`] }, "invalid_client_metadata"],
    [
      "T82 on a host that is not named",
      { redirect_uris: ["https://evil.example/cb"] },
      "invalid_redirect_uri",
    ],
    [
      "T82 on a host that begins like one",
      { redirect_uris: [`https://${HOST}.evil.example/cb`] },
      "invalid_redirect_uri",
    ],
    ["T82 with credentials", { redirect_uris: [`https://${HOST}@evil.example/cb`] }, "invalid_redirect_uri"],
    ["T82 with a fragment", { redirect_uris: [`${BACK}#`] }, "invalid_redirect_uri"],
    ["T82 of http", { redirect_uris: [`http://${HOST}/cb`] }, "invalid_redirect_uri"],
    ["T83 of 127.1", { redirect_uris: ["http://127.1/cb"] }, "invalid_redirect_uri"],
    ["T83 of a name under localhost", { redirect_uris: ["http://a.localhost/cb"] }, "invalid_redirect_uri"],
    ["T82 that is a script", { redirect_uris: ["javascript:alert(1)//app.example"] }, "invalid_redirect_uri"],
    ["T82 of an app that is not named", { redirect_uris: [`evil://${HOST}/cb`] }, "invalid_redirect_uri"],
  ])("%s: refused", async (_, over, error) => {
    const { status, body } = await register(registration(over));
    expect([status, body.error]).toEqual([400, error]);
  });

  test.each(["", "{", "[]", "null", '"x"', `{"redirect_uris":"${BACK}"}`, `{"pad":"${"x".repeat(11_000)}"}`])(
    "a body that is no metadata is refused",
    async (text) => {
      const { status, body } = await register(text);
      expect([status, body.error]).toEqual([400, "invalid_client_metadata"]);
    },
  );

  test("an id that was changed, cut or made up is nobody's", async () => {
    const { body } = await register(registration());
    const id: string = body.client_id;
    const [payload = "", mac = ""] = id.slice(4).split(".");
    const evil = btoa(JSON.stringify(["x", 1, BACK, "https://other.example/cb"])).replaceAll("=", "");
    for (const made of [
      `dcr:${evil}.${mac}`,
      `dcr:${payload}.${"A".repeat(43)}`,
      `dcr:${payload}`,
      `${id}x`,
      `DCR:${payload}.${mac}`,
      `dcr:.${mac}`,
    ]) {
      expect([made, (await visit(made)).status]).toEqual([made, 400]);
    }
  });

  test("ends with the operator's leave for its host", async () => {
    const { body } = await register(registration());
    expect((await visit(body.client_id)).status).toBe(200);
    at = open({ OPEN_CLIENT_HOSTS: "other.example" });
    expect((await visit(body.client_id)).status).toBe(400);
  });

  test("registering is counted for the address", async () => {
    at = open(limited({ LIMIT_START: 1 }));
    const ask = async () =>
      (
        await at.ask("/oauth/register", {
          method: "POST",
          headers: { "Content-Type": "application/json", ...from("203.0.113.8") },
          body: JSON.stringify(registration()),
        })
      ).status;
    expect([await ask(), await ask()]).toEqual([201, 429]);
  });

  test("all such clients are counted as one: a new id gives no new letters", async () => {
    const keys: string[] = [];
    at = open({}, (_services, whole) => ({
      inboxes: {
        ...whole.inboxes,
        countTogether: async (who, counts) => {
          keys.push(who);
          return await whole.inboxes.countTogether(who, counts);
        },
      },
    }));
    for (const name of ["One", "Two"]) {
      const { body } = await register(registration({ client_name: name }));
      await signInByCode(at, await pathFor(body.client_id), mail());
    }
    await signInByCode(at, await authorizePath(await newRp(at)), mail());
    expect(new Set(keys)).toHaveLength(2);
  });
});
