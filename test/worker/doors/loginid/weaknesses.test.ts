import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import { userSubject } from "../../../../src/core/ids.ts";
import { TOKEN } from "../../support/admin.ts";
import { stubOf } from "../../support/challenges.ts";
import { deployment, fresh, type Json } from "../../support/cotter.ts";
import { counting } from "../../support/counting.ts";
import {
  type Ada,
  codes,
  generated,
  newAda,
  newBackend,
  newScene,
  newWeb,
  tokenOf,
  waitOn,
} from "../../support/loginid.ts";
import { PAGE, passkeysAt } from "../../support/passkeys.ts";
import { until } from "../../support/until.ts";

const at = deployment();
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const scene = () => newScene(at, { web: { settings: { wait_seconds: 20 } } });

/** The object of the user's newest challenge, once somebody is held on it. */
async function heldOn(ada: Ada) {
  return await until(async () => {
    const [shown] = (await at.services.inboxes.view(userSubject(ada.id))).prompts;
    if (!shown) throw new Error("no prompt");
    const stub = stubOf(shown.challengeId);
    expect(await runInDurableObject(stub, (_, state) => state.getWebSockets().length)).toBe(1);
    return { stub, challengeId: shown.challengeId };
  });
}

describe("a held wait", () => {
  test("T48 keeps no object awake: evicted in the middle, it sleeps on with its waiter, and wakes as another", async () => {
    const { backend, web, ada } = await scene();
    const code = await generated(at, backend, ada);
    const waiting = waitOn(at, web, ada, code);
    const { stub } = await heldOn(ada);
    const mark = (object: object) => Object.assign(object, { marked: true });
    await runInDurableObject(stub, mark);
    expect(await runInDurableObject(stub, (object) => "marked" in object)).toBe(true);
    await evictDurableObject(stub);
    const woken = await runInDurableObject(stub, (object, state) => ({
      marked: "marked" in object,
      waiters: state.getWebSockets().length,
    }));
    expect(woken).toEqual({ marked: false, waiters: 1 });
    await evictDurableObject(stub);
    await codes(at, backend, "authorize", ada, { body: { code } });
    expect((await waiting).body.is_authenticated).toBe(true);
  });

  test("T52 ends at once when its code runs out in the middle, by the object's alarm", async () => {
    const { backend, ada } = await scene();
    // Longer than this test may last: nothing but the alarm ends this wait.
    const web = await newWeb(at, backend, { settings: { wait_seconds: 120 } });
    const waiting = waitOn(at, web, ada, await generated(at, backend, ada));
    const { stub, challengeId } = await heldOn(ada);
    // The first frame is read by the real clock.
    for (let i = 0; i < 3; i++) await at.services.challenges.read(challengeId);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 180_000 });
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await waiting).toMatchObject({ status: 400, body: { code: "verification_code_expired" } });
  });

  test("LoginID §9.4 tells the operator from where the result was collected", async () => {
    const { backend, web, ada } = await scene();
    const code = await generated(at, backend, ada);
    await codes(at, backend, "authorize", ada, { body: { code } });
    await waitOn(at, web, ada, code, {}, { "CF-Connecting-IP": "198.51.100.77" });
    await at.settled();
    const row = await env.DB.prepare(
      "select data from audit_events where user_id = ? and type = 'sign_in.redeemed'",
    )
      .bind(ada.id)
      .first<{ data: string }>();
    const { timeline } = JSON.parse(row?.data ?? "{}") as { timeline: Json[] };
    expect(timeline.at(-1)).toMatchObject({ what: "redeemed", ip: "198.51.100.77" });
  });
});

describe("LoginID §9.2 who exists cannot be told by what a wait does", () => {
  const counter = counting(env);
  const counted = deployment(counter.bindings);
  const workOf = async (step: () => Promise<unknown>) => {
    counter.take();
    await step();
    const { d1Calls, d1Batches, d1RowsWritten, objects } = counter.take();
    return { d1Calls, d1Batches, d1RowsWritten, objects };
  };

  test("a wrong code and a user who is not there cost the same, at the wait and at init/code", async () => {
    const { backend, web, ada } = await scene();
    const page = await newWeb(at, backend, { allowedOrigins: [PAGE] });
    await generated(at, backend, ada, { type: "long" });
    const nobody = { username: `${fresh("nobody")}@example.com` };
    const long = "A".repeat(32);
    const body = { authentication_code: { code: long, type: "long" } };
    await waitOn(counted, web, ada, long, body);
    const uncounted = await workOf(() => waitOn(counted, web, ada, long, body));
    expect(await workOf(() => waitOn(counted, web, nobody, long, body))).toEqual(uncounted);
    expect(uncounted).toMatchObject({ d1RowsWritten: 0, objects: {} });
    const short = await workOf(() => waitOn(counted, web, ada, "000000"));
    expect(await workOf(() => waitOn(counted, web, nobody, "000000"))).toEqual(short);
    expect(short).toMatchObject({ d1RowsWritten: 0, objects: { "inbox.takeGuess": 1 } });
    const { init } = passkeysAt(counted);
    await init(page, ada.username, "000000");
    const refused = await workOf(() => init(page, ada.username, "000000"));
    expect(await workOf(() => init(page, nobody.username, "000000"))).toEqual(refused);
  });
});

describe("what a step costs, exactly", () => {
  const counter = counting(env);
  const counted = deployment(counter.bindings);
  const costOf = async (step: () => Promise<unknown>) => {
    counter.take();
    await step();
    const { d1RowsRead: _, waits: __, ...cost } = counter.take();
    return cost;
  };
  beforeAll(async () => void (await at.services.keyring.ready("standard")));

  test("generate, authorise and invalidate: the user read, then one batch with the nonce in it", async () => {
    const backend = await newBackend(counted);
    const ada = await newAda(counted);
    await generated(counted, backend, ada);
    let code = "";
    const made = await costOf(async () => {
      code = await generated(counted, backend, ada);
    });
    // The code and its two indexes, the nonce and its index.
    expect(made).toEqual({
      d1Calls: 2,
      d1Batches: 1,
      d1RowsWritten: 5,
      objects: { "inbox.countStart": 1, "challenge.open": 1, "inbox.list": 1 },
      queue: 0,
    });
    const approved = await costOf(() => codes(counted, backend, "authorize", ada, { body: { code } }));
    expect(approved).toEqual({
      d1Calls: 2,
      d1Batches: 1,
      d1RowsWritten: 2,
      objects: {
        "inbox.takeGuess": 1,
        "inbox.returnGuess": 1,
        "inbox.settle": 1,
        "challenge.apply": 1,
      },
      queue: 0,
    });
    const bob = await newAda(counted);
    const ended = await costOf(() => codes(counted, backend, "invalidate-all", bob));
    expect(ended).toEqual({ d1Calls: 2, d1Batches: 1, d1RowsWritten: 2, objects: {}, queue: 0 });
  });

  test("asking again and again how a code stands writes nothing, in no table and no queue", async () => {
    const { backend, web, ada } = await scene();
    const code = await generated(counted, backend, ada);
    const ask = () => waitOn(counted, web, ada, code, { no_wait: true });
    await ask();
    const asked = await costOf(async () => {
      for (let i = 0; i < 10; i++) expect((await ask()).body.code).toBe("remote_session_in_progress");
    });
    expect(asked).toMatchObject({ d1RowsWritten: 0, queue: 0 });
  });
});

test("LoginID §9.6 one client's nonces do not touch another's", async () => {
  const ada = await newAda(at);
  const nonce = "aaaaaaaaaaaaaaaa";
  for (const backend of [await newBackend(at), await newBackend(at)]) {
    const token = await tokenOf(backend, "codes.generate", { nonce });
    expect((await codes(at, backend, "generate", ada, { token })).status).toBe(200);
    const again = await tokenOf(backend, "codes.generate", { nonce });
    expect((await codes(at, backend, "generate", ada, { token: again })).status).toBe(401);
  }
});

test("LoginID §9.8 an API credential is a P-256 key and no other", async () => {
  const pemOf = async (algorithm: SubtleCryptoGenerateKeyAlgorithm) => {
    const pair = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
    const spki = new Uint8Array((await crypto.subtle.exportKey("spki", pair.publicKey)) as ArrayBuffer);
    return `-----BEGIN PUBLIC KEY-----\n${btoa(String.fromCharCode(...spki))}\n-----END PUBLIC KEY-----\n`;
  };
  const register = (pem: string) =>
    at.call(
      "POST",
      "/admin/clients",
      { name: "Shop", kind: "confidential", public_keys: [pem] },
      { Authorization: `Bearer ${TOKEN}` },
    );
  const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048 };
  const exponent = Uint8Array.of(1, 0, 1);
  expect((await register(await pemOf({ name: "ECDSA", namedCurve: "P-256" }))).status).toBe(201);
  expect((await register(await pemOf({ name: "ECDSA", namedCurve: "P-384" }))).status).toBe(422);
  expect((await register(await pemOf({ ...rsa, publicExponent: exponent }))).status).toBe(422);
});

test("T64 neither token nor code is in a log line, of a refusal, an outage or a fault (LoginID §9.11, §9.15)", async () => {
  const lines: string[] = [];
  for (const level of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, level).mockImplementation((...parts) => void lines.push(parts.map(String).join(" ")));
  }
  const { backend, web, ada } = await scene();
  const code = await generated(at, backend, ada, { type: "long" });
  const broken = (error: Error) =>
    deployment({}, ({ userCodes }) => ({
      userCodes: { ...userCodes, lookUpOf: () => Promise.reject(error) },
    }));
  const token = await tokenOf(backend, "codes.authorize");
  const asked = { type: "long", token, body: { code } };
  expect((await codes(broken(new Outage("away")), backend, "authorize", ada, asked)).status).toBe(503);
  const waited = { authentication_code: { code, type: "long" } };
  expect((await waitOn(broken(new Error("a bug")), web, ada, code, waited)).status).toBe(500);
  await codes(at, backend, "authorize", ada, { ...asked, token: `${token}x` });
  await at.settled();
  expect(lines.length).toBeGreaterThanOrEqual(2);
  for (const secret of [code, token, token.split(".")[2] ?? token])
    expect(lines.join("\n")).not.toContain(secret);
});
