import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { deployment, fresh, type Json } from "../../support/cotter.ts";
import {
  type Ada,
  type Backend,
  codes,
  generated,
  newAda,
  newBackend,
  newSigning,
  newWeb,
  tokenOf,
  waitOn,
} from "../../support/loginid.ts";

const at = deployment();
afterEach(() => vi.useRealTimers());

const scene = async () => ({
  backend: await newBackend(at, { settings: { wait_seconds: 5 } }),
  ada: await newAda(at),
});
const bare = (token: string | undefined, body: Json, path = "/api/native/codes/short/generate") =>
  at.call("POST", path, body, token === undefined ? {} : { Authorization: `Bearer ${token}` });
const bodyFor = (backend: Backend, ada: Ada): Json => ({
  client_id: backend.id,
  user_id: ada.id,
  purpose: "temporary_authentication",
});
const encoded = (value: unknown) =>
  btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

describe("T27 the header chooses neither algorithm nor key", () => {
  test.each([
    ["none", { alg: "none" }],
    ["HS256", { alg: "HS256", typ: "JWT" }],
    ["a key of its own", { alg: "ES256", jwk: { kty: "EC" } }],
    ["an address of a key", { alg: "ES256", jku: "https://keys.example" }],
    ["a certificate's address", { alg: "ES256", x5u: "https://keys.example" }],
    ["critical members", { alg: "ES256", crit: ["b64"], b64: false }],
  ])("%s", async (_name, header) => {
    const { backend, ada } = await scene();
    const token = await tokenOf(backend, "codes.generate", {}, header);
    expect(await codes(at, backend, "generate", ada, { token })).toMatchObject({
      status: 401,
      body: { code: "unauthorized" },
    });
  });

  test("HS256 with the public key as its secret", async () => {
    const { backend, ada } = await scene();
    const key = await crypto.subtle.importKey(
      "raw",
      new TextEncoder().encode(backend.signing.pem),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign"],
    );
    const claims = {
      client_id: backend.id,
      type: "codes.generate",
      nonce: "n",
      iat: Math.floor(Date.now() / 1000),
    };
    const input = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(claims)}`;
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(input)));
    const token = `${input}.${btoa(String.fromCharCode(...mac))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "")}`;
    expect((await codes(at, backend, "generate", ada, { token })).status).toBe(401);
  });
});

describe("what a service token must be", () => {
  const now = () => Math.floor(Date.now() / 1000);
  test.each<[string, Json, number]>([
    ["too old", { iat: now() - 306 }, 401],
    ["from the future", { iat: now() + 120 }, 401],
    ["iat as text", { iat: String(now()) }, 401],
    ["iat with a fraction", { iat: now() + 0.5 }, 401],
    ["without iat", { iat: undefined }, 401],
    ["without nonce", { nonce: undefined }, 401],
    ["an empty nonce", { nonce: "" }, 401],
    ["an endless nonce", { nonce: "n".repeat(257) }, 401],
    ["another scope", { type: "codes.authorize" }, 403],
    ["no scope", { type: undefined }, 403],
    ["an unknown client", { client_id: "nobody" }, 401],
    ["another person's id", { user_id: "00000000-0000-4000-8000-000000000000" }, 403],
    ["another person's name", { username: "bob@example.com" }, 403],
    ["another person's name, as Go writes it", { udata: "bob@example.com" }, 403],
    ["the scope under its newer name", { type: undefined, scope: "codes.generate" }, 200],
    ["no client of its own: the body's stands in", { client_id: undefined }, 200],
  ])("%s", async (_name, claims, status) => {
    const { backend, ada } = await scene();
    const token = await tokenOf(backend, "codes.generate", claims);
    const answer = await codes(at, backend, "generate", ada, { token });
    expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  });

  test("its user may be named by either name", async () => {
    const { backend, ada } = await scene();
    for (const claims of [
      { username: ada.username.toUpperCase() },
      { user_id: ada.id },
      { udata: ada.username },
    ]) {
      const token = await tokenOf(backend, "codes.generate", claims);
      expect((await codes(at, backend, "generate", ada, { token })).status).toBe(200);
    }
  });

  test("a name that only an anonymous call has claimed is not the user of a token", async () => {
    const { backend } = await scene();
    const claimed = await newAda(at, undefined, "anonymous");
    const token = await tokenOf(backend, "codes.generate", { username: claimed.username });
    expect((await codes(at, backend, "generate", claimed, { token })).status).toBe(403);
  });

  test("signed by a key that is not registered, or spoiled behind the signature, it is nothing", async () => {
    const { backend, ada } = await scene();
    const foreign = await tokenOf({ ...backend, signing: await newSigning() }, "codes.generate");
    expect((await codes(at, backend, "generate", ada, { token: foreign })).status).toBe(401);
    const [head, , signature] = (await tokenOf(backend, "codes.generate")).split(".");
    const claims = encoded({ client_id: backend.id, type: "codes.generate", nonce: "x", iat: now() });
    expect(
      (await codes(at, backend, "generate", ada, { token: `${head}.${claims}.${signature}` })).status,
    ).toBe(401);
    expect((await bare(undefined, bodyFor(backend, ada))).status).toBe(401);
    expect((await bare("a.b", bodyFor(backend, ada))).status).toBe(401);
    expect((await bare("x".repeat(5_000), bodyFor(backend, ada))).status).toBe(401);
  });

  test("T106 another client's token, and a body that names another client, are refused", async () => {
    const { backend, ada } = await scene();
    const other = await newBackend(at);
    const token = await tokenOf(other, "codes.generate");
    expect((await bare(token, bodyFor(backend, ada))).body.code).toBe("operation_not_allowed");
    const disabled = await newBackend(at);
    await at.services.clients.disable(disabled.id, Date.now());
    expect((await codes(at, disabled, "generate", ada)).status).toBe(401);
  });

  test("a web client's key signs for no backend call unless the operator says so, and a list of scopes binds a backend", async () => {
    const { ada } = await scene();
    const web = await newBackend(at, { kind: "public" });
    expect((await codes(at, web, "generate", ada)).body.code).toBe("operation_not_allowed");
    const trusted = await newBackend(at, { kind: "public", settings: { scopes: ["codes.generate"] } });
    expect((await codes(at, trusted, "generate", ada)).status).toBe(200);
    const narrow = await newBackend(at, { settings: { scopes: ["users.retrieve"] } });
    expect((await codes(at, narrow, "generate", ada)).status).toBe(403);
  });

  test("a stray X-Client-ID decides nothing when the token names its client", async () => {
    const { backend, ada } = await scene();
    const answer = await at.call("POST", "/codes/short/generate", bodyFor(backend, ada), {
      Authorization: `Bearer ${await tokenOf(backend, "codes.generate")}`,
      "X-Client-ID": "somebody-else",
    });
    expect(answer.status).toBe(200);
  });
});

describe("a nonce is good for one call", () => {
  test("T24 race: of ten calls with one token one is taken", async () => {
    const { backend, ada } = await scene();
    const token = await tokenOf(backend, "codes.generate");
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => codes(at, backend, "generate", ada, { token })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === "unauthorized")).toHaveLength(9);
    const rows = await env.DB.prepare("select count(*) as n from user_codes where user_id = ?")
      .bind(ada.id)
      .first<{ n: number }>();
    expect(rows?.n).toBe(1);
  });

  test("T24 a used token tells nothing more: unknown user, locked user, forbidden call", async () => {
    const { backend, ada } = await scene();
    const token = await tokenOf(backend, "codes.generate");
    expect((await bare(token, { ...bodyFor(backend, ada), user_id: crypto.randomUUID() })).body.code).toBe(
      "user_not_found",
    );
    expect((await bare(token, { ...bodyFor(backend, ada), user_id: crypto.randomUUID() })).body.code).toBe(
      "unauthorized",
    );
    expect((await bare(token, bodyFor(backend, ada))).body.code).toBe("unauthorized");
    const another = await tokenOf(backend, "codes.generate");
    expect((await bare(another, { ...bodyFor(backend, ada), authorize: true })).body.code).toBe(
      "operation_not_allowed",
    );
    expect((await bare(another, { ...bodyFor(backend, ada), authorize: true })).body.code).toBe(
      "unauthorized",
    );
  });

  test("T24 a replayed approval changes nothing and uses up no guess", async () => {
    const { backend, ada } = await scene();
    const token = await tokenOf(backend, "codes.authorize");
    await codes(at, backend, "authorize", ada, { token, body: { code: "000000" } });
    const code = await generated(at, backend, ada);
    for (let i = 0; i < 6; i++) {
      expect((await codes(at, backend, "authorize", ada, { token, body: { code } })).body.code).toBe(
        "unauthorized",
      );
    }
    expect((await codes(at, backend, "authorize", ada, { body: { code } })).status).toBe(200);
  });

  test("a private client's wait needs a token, which comes again with the identical wait and no other", async () => {
    const { backend, ada } = await scene();
    const settings = { wait_seconds: 1, names_from: [backend.id] };
    const slow = await newBackend(at, { settings });
    const code = await generated(at, backend, ada);
    expect((await waitOn(at, slow, ada, code)).body.code).toBe("unauthorized");
    const headers = { Authorization: `Bearer ${await tokenOf(slow, "auth.temporary")}` };
    expect((await waitOn(at, slow, ada, code, {}, headers)).body.code).toBe("remote_session_timeout");
    expect((await waitOn(at, slow, ada, code, {}, headers)).body.code).toBe("remote_session_timeout");
    const other = await generated(at, backend, ada);
    expect((await waitOn(at, slow, ada, other, {}, headers)).body.code).toBe("unauthorized");
    const wrongScope = { Authorization: `Bearer ${await tokenOf(slow, "auth.login")}` };
    expect((await waitOn(at, slow, ada, code, {}, wrongScope)).status).toBe(403);
    const forBob = { Authorization: `Bearer ${await tokenOf(slow, "auth.temporary", { username: "bob" })}` };
    expect((await waitOn(at, slow, ada, code, {}, forBob)).status).toBe(403);
  });

  test("T24 a wait that was locked out, or named nobody, has used its token too", async () => {
    const { ada } = await scene();
    const backend = await newBackend(at);
    const ask = async (token: string, code: string, over: object = {}) => {
      const headers = { Authorization: `Bearer ${token}` };
      const { status, body } = await waitOn(at, backend, ada, code, { no_wait: true, ...over }, headers);
      return [status, body.code];
    };
    const fresh = () => tokenOf(backend, "auth.temporary");
    for (let i = 0; i < 5; i++) await ask(await fresh(), `00000${i}`);
    const locked = await fresh();
    const tooMany = [429, "remote_session_maximum_retry_attempts"];
    expect(await ask(locked, "000007")).toEqual(tooMany);
    expect(await ask(locked, "000007")).toEqual(tooMany);
    expect(await ask(locked, "000008")).toEqual([401, "unauthorized"]);
    const unreadable = await fresh();
    expect((await ask(unreadable, "000002", { username: "\u0000" }))[0]).toBe(404);
    expect(await ask(unreadable, "000003")).toEqual([401, "unauthorized"]);
  });

  test("a public client's wait ignores whatever token comes along", async () => {
    const { backend, ada } = await scene();
    const web = await newWeb(at, backend);
    const code = await generated(at, backend, ada);
    const headers = { Authorization: "Bearer leaked.from.elsewhere" };
    expect((await waitOn(at, web, ada, code, { no_wait: true }, headers)).body.code).toBe(
      "remote_session_in_progress",
    );
  });

  test("nonces that are over are swept by the clock", async () => {
    const { backend, ada } = await scene();
    await generated(at, backend, ada);
    const count = async () =>
      (
        await env.DB.prepare("select count(*) as n from used_nonces where client_id = ?")
          .bind(backend.id)
          .first<{ n: number }>()
      )?.n;
    expect(await count()).toBe(1);
    expect(await at.services.nonces.purge(Date.now() + 361_000, 1_000)).toBeGreaterThan(0);
    expect(await count()).toBe(0);
  });
});

test("T27 a refused token is on record, folded to one row a minute", async () => {
  const sent: unknown[] = [];
  const watched = deployment(
    {},
    () => ({ events: { send: async (message: unknown) => void sent.push(message) } }) as never,
  );
  const backend = await newBackend(watched);
  const ada = await newAda(watched, `${fresh("eve")}@example.com`);
  for (let i = 0; i < 3; i++) {
    const token = await tokenOf(backend, "codes.generate", { type: "users.delete" });
    await codes(watched, backend, "generate", ada, { token });
  }
  await watched.settled();
  const events = sent.flatMap((message) => (message as { events: { id: string; type: string }[] }).events);
  expect(events.map(({ type }) => type)).toEqual(Array(3).fill("service_token_refused"));
  expect(new Set(events.map(({ id }) => id)).size).toBeLessThanOrEqual(2);
});
