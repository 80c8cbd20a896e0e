import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Client,
  type ClientOptions,
  createClient,
  memoryStorage,
} from "../../../packages/countersign/src/client.ts";
import { metadataOf, type OddIssuer, startedAt, startOddIssuer, tokensOf } from "./odd-issuer.ts";

let issuer: OddIssuer;
let elsewhere: OddIssuer;

beforeEach(async () => {
  [issuer, elsewhere] = await Promise.all([startOddIssuer(), startOddIssuer()]);
});
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all([issuer.stop(), elsewhere.stop()]);
});

const METADATA = "/.well-known/openid-configuration";
/** A busy machine takes its time over what comes at once otherwise. */
const PATIENT = 10_000;
const WAITS = { attempt: 1_000, repeat: 1_500, again: 20 };

const client = (over: object = {}): Client =>
  createClient({
    ...{ issuer: issuer.origin, clientId: "page", WebSocket: null, waits: WAITS },
    ...over,
  } as ClientOptions);

describe("is refused before anything is sent", () => {
  const sent = vi.fn(() => Promise.reject(new Error("something was sent")));
  const options = { issuer: "https://sign.example", clientId: "page", fetch: sent };

  test.each([
    "sign.example",
    "http://sign.example",
    "https://sign.example/path",
    "https://sign.example?a=b",
    "https://user:word@sign.example",
    "https://sign.example@evil.example",
    "http://localhost.evil.example",
    "javascript:alert(1)",
    "",
    undefined,
  ])("an issuer %s", (bad) => {
    expect(() => createClient({ ...options, issuer: bad as string })).toThrow(
      expect.objectContaining({ name: "CountersignError", code: "invalid_argument" }),
    );
    expect(sent).not.toHaveBeenCalled();
  });

  test("a client without an id, and a secret in a browser", () => {
    const bad = expect.objectContaining({ code: "invalid_argument" });
    expect(() => createClient({ ...options, clientId: "" })).toThrow(bad);
    vi.stubGlobal("document", {});
    expect(() => createClient({ ...options, clientSecret: "very-secret" })).toThrow(bad);
    vi.unstubAllGlobals();
  });

  test("a call that names nobody", async () => {
    const bad = { code: "invalid_argument" };
    const page = createClient(options);
    const backend = createClient({ ...options, clientSecret: "very-secret" });
    await expect(page.signIn("  ")).rejects.toMatchObject(bad);
    await expect(page.requestApproval({ user: "ada" })).rejects.toMatchObject(bad);
    await expect(backend.requestApproval({ user: "" })).rejects.toMatchObject(bad);
    await expect(backend.requestApproval({ user: { idToken: "" } })).rejects.toMatchObject(bad);
    await expect(backend.requestApproval({} as { user: string })).rejects.toMatchObject(bad);
    expect(sent).not.toHaveBeenCalled();
  });
});

describe("secrets go to the issuer alone", () => {
  test("metadata of another issuer", async () => {
    issuer.says(METADATA, { body: { ...metadataOf(issuer.origin), issuer: elsewhere.origin } });
    await expect(client().signIn("ada")).rejects.toMatchObject({ code: "invalid_argument" });
    expect([...issuer.calls, ...elsewhere.calls]).toEqual([METADATA]);
  });

  test.each([
    ["device_authorization_endpoint", (origin: string) => `${origin}/start`],
    ["token_endpoint", (origin: string) => `${origin}/token`],
    ["token_endpoint", (origin: string) => `${origin.replace("://", "://x@")}/token`],
  ])("metadata whose %s is elsewhere", async (name, at) => {
    issuer.says(METADATA, { body: { ...metadataOf(issuer.origin), [name]: at(elsewhere.origin) } });
    await expect(client().signIn("ada")).rejects.toMatchObject({ code: "invalid_argument" });
    expect(elsewhere.calls).toEqual([]);
  });

  test("an address to wait at that is elsewhere is not used: the token endpoint is asked", async () => {
    const places = { wait_uri: `${elsewhere.origin}/wait`, interval: 0 };
    issuer.says("/start", { body: startedAt(issuer.origin, places) });
    const session = await client().signIn("ada");
    expect(session.accessToken).toBe("access-1");
    expect(elsewhere.calls).toEqual([]);
  });

  test("a socket that is elsewhere is not opened", async () => {
    const socket_uri = `${elsewhere.origin.replace("http", "ws")}/socket`;
    issuer.says("/start", { body: startedAt(issuer.origin, { socket_uri }) });
    await client({ WebSocket: undefined }).signIn("ada");
    expect(elsewhere.calls).toEqual([]);
  });

  test.each([301, 302, 307, 308])("a redirect (%i) is not followed", async (status) => {
    const headers = { Location: `${elsewhere.origin}/token` };
    issuer.says("/token", { status, headers });
    issuer.says("/wait", { status, headers }, { body: { state: "approved" } });
    const control = new AbortController();
    const signedIn = client().signIn("ada", { signal: control.signal });
    await vi.waitFor(
      () => expect(issuer.calls.filter((path) => path === "/token").length).toBeGreaterThan(1),
      PATIENT,
    );
    control.abort();
    await expect(signedIn).rejects.toMatchObject({ code: "aborted" });
    expect(elsewhere.calls).toEqual([]);
  });

  test("a session of another client of the same storage is none", async () => {
    const storage = memoryStorage();
    await client({ storage }).signIn("ada");
    elsewhere.says(METADATA, { body: metadataOf(elsewhere.origin) });
    const other = client({ storage, issuer: elsewhere.origin });
    expect(await other.session()).toBeUndefined();
    await expect(other.refresh()).rejects.toMatchObject({ code: "session_over" });
    await other.signOut();
    expect(elsewhere.calls).toEqual([]);
  });
});

describe("answers that make no sense", () => {
  const huge = "x".repeat(5_000_000);
  test.each([
    ["no JSON", "<h1>Hello</h1>"],
    ["half of it", '{"device_code":"handle-1'],
    ["a list", [1, 2]],
    ["null", "null"],
    ["megabytes of nothing", huge],
    ["megabytes of JSON", { device_code: [huge] }],
    ["no handle", { expires_in: 180 }],
    ["a handle that is no text", { device_code: 7, expires_in: 180 }],
    ["a handle that no header takes", { device_code: "handle-1\nX: y", expires_in: 180 }],
    ["no time", { device_code: "handle-1" }],
    ["an endless time", '{"device_code":"handle-1","expires_in":1e999}'],
    ["a time before the beginning", { device_code: "handle-1", expires_in: -1 }],
  ])("to a start: %s", async (_, body) => {
    issuer.says("/start", { body });
    const error = await client()
      .signIn("ada")
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "CountersignError", code: "network" });
    expect(`${JSON.stringify(error)}${String((error as Error).cause)}`).not.toContain("handle-1");
    expect(issuer.calls).toEqual([METADATA, "/start"]);
  });

  test.each([
    ["no access token", { access_token: undefined }],
    ["a token that no header takes", { access_token: "access\n1" }],
    ["an ID token of another issuer", tokensOf("https://other.example")],
    ["an ID token that is none", { id_token: "a.b.c" }],
    ["an endless time", { expires_in: 1e300 }],
  ])("to the redemption: %s", async (_, over) => {
    issuer.says("/token", { body: tokensOf(issuer.origin, over) });
    const storage = memoryStorage();
    await expect(client({ storage }).signIn("ada")).rejects.toMatchObject({ code: "network" });
    expect(storage.get()).toBeUndefined();
  });

  test.each(["nonsense", "constructor", "__proto__", 7, null])("a state %s is no end", async (state) => {
    issuer.says("/wait", { body: { state } }, { body: { state: "denied" } });
    await expect(client().signIn("ada")).rejects.toMatchObject({ code: "denied" });
  });

  test.each(["constructor", "__proto__", "toString"])("an error %s is a refusal", async (error) => {
    issuer.says("/start", { status: 400, body: { error } });
    await expect(client().signIn("ada")).rejects.toMatchObject({ code: "refused", error, status: 400 });
  });

  test("members of an answer change no prototype", async () => {
    const evil = '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}';
    issuer.says("/start", { body: `{${evil},${JSON.stringify(startedAt(issuer.origin)).slice(1)}` });
    issuer.says("/token", { body: `{${evil},${JSON.stringify(tokensOf(issuer.origin)).slice(1)}` });
    const page = client();
    const session = await page.signIn("ada", {
      onPrompt: (prompt) => expect(prompt).not.toHaveProperty("polluted"),
    });
    expect(session).not.toHaveProperty("polluted");
    expect(await page.session()).not.toHaveProperty("polluted");
    expect({}).not.toHaveProperty("polluted");
  });

  test("what asks for a wait of days is asked again, and not in a tight loop", async () => {
    const headers = { "Retry-After": "99999999" };
    issuer.says("/wait", { status: 503, headers });
    const control = new AbortController();
    const signedIn = client().signIn("ada", { signal: control.signal });
    await vi.waitFor(() => expect(issuer.calls).toContain("/wait"), PATIENT);
    // A timer of that length would fire at once.
    await new Promise((wake) => setTimeout(wake, 200));
    control.abort();
    await expect(signedIn).rejects.toMatchObject({ code: "aborted" });
    expect(issuer.calls.filter((path) => path === "/wait")).toHaveLength(1);
  });

  test.each([31_536_000, 0, -5])("an interval of %i s makes no tight loop", async (interval) => {
    issuer.says("/start", { body: { device_code: "handle-1", expires_in: 180, interval } });
    const control = new AbortController();
    const signedIn = client().signIn("ada", { signal: control.signal });
    await vi.waitFor(() => expect(issuer.calls).toContain("/start"), PATIENT);
    await new Promise((wake) => setTimeout(wake, 200));
    control.abort();
    await expect(signedIn).rejects.toMatchObject({ code: "aborted" });
    expect(issuer.calls).not.toContain("/token");
  });

  test("a server that ends each connection at once is asked again after a pause", async () => {
    issuer.says("/start", {
      body: startedAt(issuer.origin, { socket_uri: `${issuer.origin.replace("http", "ws")}/socket` }),
    });
    const control = new AbortController();
    const waits = { ...WAITS, again: 60_000 };
    const signedIn = client({ waits, WebSocket: undefined }).signIn("ada", { signal: control.signal });
    await vi.waitFor(() => expect(issuer.calls).toContain("/socket"), PATIENT);
    await new Promise((wake) => setTimeout(wake, 200));
    control.abort();
    await expect(signedIn).rejects.toMatchObject({ code: "aborted" });
    expect(issuer.calls).toEqual([METADATA, "/start", "/socket"]);
  });
});

describe("the session", () => {
  const expired = () => ({ body: tokensOf(issuer.origin, { expires_in: 1 }) });

  test("a sign-out while a refresh is under way has the last word", async () => {
    const storage = memoryStorage();
    const page = client({ storage });
    await page.signIn("ada");
    let answer = () => {};
    const after = new Promise<void>((done) => {
      answer = done;
    });
    issuer.says("/token", { body: tokensOf(issuer.origin, { refresh_token: "refresh-2" }), after });
    const refreshed = page.refresh();
    await vi.waitFor(() => expect(issuer.calls.filter((path) => path === "/token")).toHaveLength(2), PATIENT);
    issuer.says("/revoke", {});
    await page.signOut();
    answer();
    await expect(refreshed).rejects.toMatchObject({ code: "session_over" });
    expect(storage.get()).toBeUndefined();
  });

  test("a refresh that answers another user's ID token is not taken", async () => {
    const storage = memoryStorage();
    const page = client({ storage });
    await page.signIn("ada");
    const before = storage.get();
    const id_token = `${btoa("{}")}.${btoa(JSON.stringify({ iss: issuer.origin, aud: "page", sub: "user-2" }))}.x`;
    issuer.says("/token", { body: tokensOf(issuer.origin, { refresh_token: "refresh-2", id_token }) });
    await expect(page.refresh()).rejects.toMatchObject({ code: "refused" });
    expect(storage.get()).toBe(before);
  });

  test("a refresh token that is too old ends it, and is not sent again", async () => {
    issuer.says("/token", expired(), { status: 400, body: { error: "invalid_grant" } });
    const page = client();
    await page.signIn("ada");
    expect(await page.session()).toBeUndefined();
    await expect(page.refresh()).rejects.toMatchObject({ code: "session_over" });
    expect(await page.session()).toBeUndefined();
    expect(issuer.calls.filter((path) => path === "/token")).toHaveLength(2);
  });

  test("a refresh that nobody answers keeps it for the next try", async () => {
    issuer.says("/token", expired(), { status: 0 });
    const page = client();
    await page.signIn("ada");
    await expect(page.session()).rejects.toMatchObject({ code: "network" });
    issuer.says("/token", { body: tokensOf(issuer.origin, { refresh_token: "refresh-2" }) });
    expect(await page.session()).toMatchObject({ refreshToken: "refresh-2" });
  });

  test("is not refreshed early by a clock that is an hour off", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    const page = client();
    const session = await page.signIn("ada");
    expect(await page.session()).toEqual(session);
    expect(issuer.calls.filter((path) => path === "/token")).toHaveLength(1);
  });
});

describe("a wait", () => {
  test("goes on when the clock leaps: it is the server that says when the time is over", async () => {
    issuer.says(
      "/wait",
      { body: { state: "pending" } },
      { body: { state: "pending" } },
      { body: { state: "approved" } },
    );
    const signedIn = client().signIn("ada", {
      onPrompt: () => vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 }),
    });
    await expect(signedIn).resolves.toMatchObject({ accessToken: "access-1" });
  });

  test("ends some tries after its time when nobody answers", async () => {
    issuer.says("/start", { body: startedAt(issuer.origin, { expires_in: 0 }) });
    issuer.says("/wait", { status: 0 });
    await expect(client().signIn("ada")).rejects.toMatchObject({ code: "network" });
  });

  test("ends as expired when the server has forgotten the request, also in the millisecond of its end", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    issuer.says("/start", { body: startedAt(issuer.origin, { expires_in: 0 }) });
    issuer.says("/wait", { status: 404, body: {} });
    await expect(client().signIn("ada")).rejects.toMatchObject({ code: "expired" });
  });

  test("leaves no listener on the signal", async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    issuer.says("/wait", { status: 0 }, { body: { state: "pending" } }, { body: { state: "approved" } });
    await client().signIn("ada", { signal });
    expect(added.mock.calls.length).toBeGreaterThan(3);
    const left = new Set(added.mock.calls.map(([, listener]) => listener));
    for (const [, listener] of removed.mock.calls) left.delete(listener);
    expect(left.size).toBe(0);
  });

  test("of one call is not ended by the abort of another", async () => {
    let answer = () => {};
    const after = new Promise<void>((done) => {
      answer = done;
    });
    issuer.says(METADATA, { body: metadataOf(issuer.origin), after });
    const page = client();
    const control = new AbortController();
    const given = page.signIn("ada", { signal: control.signal });
    const kept = page.signIn("ada");
    await vi.waitFor(() => expect(issuer.calls).toContain(METADATA), PATIENT);
    control.abort();
    await expect(given).rejects.toMatchObject({ code: "aborted" });
    answer();
    await expect(kept).resolves.toMatchObject({ accessToken: "access-1" });
  });

  test("keeps no process alive when it is over", async () => {
    issuer.says("/wait", { body: { state: "denied" } });
    const library = resolve(import.meta.dirname, "../../../packages/countersign/src/client.ts");
    const script = `
      import { createClient } from ${JSON.stringify(library)};
      const client = createClient({ issuer: ${JSON.stringify(issuer.origin)}, clientId: "page" });
      await client.signIn("ada").catch(({ code }) => console.log(code));
      console.log(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length, "timers");
    `;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ["--input-type=module-typescript", "-e", script]);
    expect(stdout.trim()).toBe("denied\n0 timers");
  });
});
