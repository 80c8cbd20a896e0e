import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DoorEvent, QueueMessage } from "../../../../src/core/message/queue.ts";
import type { WebhookOutcome } from "../../../../src/core/ports/webhooks.ts";
import {
  answer,
  basic,
  bearer,
  derOf,
  enrol,
  inQuery,
  newKey,
  newTenant,
  phoneCall,
  poll,
  server,
  startPush,
  track,
  validate,
} from "../../support/authsignal.ts";
import {
  claimsOf,
  deployment,
  fresh,
  type Json,
  newClient,
  newPerson,
  prompt,
  respond,
} from "../../support/cotter.ts";
import { counting, countStorage } from "../../support/counting.ts";
import { called } from "../../support/people.ts";

const at = deployment();
const INVALID = [400, "invalid_request"];
const read = ({ status, body }: { status: number; body: Json }) => [status, body.error];
const REFUSAL = {
  error: expect.any(String),
  errorCode: expect.any(String),
  errorDescription: expect.any(String),
};

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

/** A tenant, a user with a phone, and what its webhook is told. */
async function scene(
  settings = {},
  outcome: (event: DoorEvent) => WebhookOutcome = () => ({ kind: "sent" }),
) {
  const told: DoorEvent[] = [];
  const queued: QueueMessage[] = [];
  const here = deployment({}, () => ({
    events: { send: async (message) => void queued.push(message) },
    actionWebhooks: {
      send: async (_target, event) => {
        told.push(event);
        return outcome(event);
      },
    },
  }));
  const tenant = await newTenant(here, settings, { webhookUrl: "https://hook.example/in" });
  const user = fresh("u");
  const phone = await enrol(here, tenant, user);
  return { here, tenant, user, phone, told, queued };
}

describe("who may answer", () => {
  test("T20 another user's valid device neither sees nor answers the challenge", async () => {
    const { here, tenant, user, phone } = await scene();
    const stranger = await enrol(here, tenant, fresh("u"));
    const { id, token } = await startPush(here, tenant, user);
    const shown = await phoneCall(here, stranger, "GET", `/challenge?publicKey=${inQuery(stranger.key)}`);
    expect(shown.body).toEqual({ userAuthenticatorId: stranger.id });
    for (const approved of [true, false])
      expect(read(await answer(here, stranger, id, approved))).toEqual(INVALID);
    expect((await poll(here, token, id)).body).toEqual({ isVerified: false, isConsumed: false });
    expect((await answer(here, phone, id, true)).status).toBe(200);
  });

  test("T24 a signature over one challenge answers no other, and none twice", async () => {
    const { here, tenant, user, phone } = await scene();
    const first = await startPush(here, tenant, user);
    const old = await phone.key.sign(first.id);
    expect((await answer(here, phone, first.id, true, { signature: old })).status).toBe(200);
    expect(read(await answer(here, phone, first.id, false, { signature: old }))).toEqual(INVALID);
    const second = await startPush(here, tenant, user);
    expect(read(await answer(here, phone, second.id, true, { signature: old }))).toEqual([
      400,
      "invalid_credential",
    ]);
    expect((await poll(here, second.token, second.id)).body.isConsumed).toBe(false);
  });

  test("T25 a removed device, and one younger than the challenge, are refused; its own signature on record", async () => {
    const { here, tenant, user, phone, queued } = await scene();
    const { id } = await startPush(here, tenant, user);
    vi.setSystemTime(Date.now() + 1_000);
    const young = await enrol(here, tenant, user);
    expect(read(await answer(here, young, id, true))).toEqual(INVALID);
    const reasons = () =>
      queued.flatMap((message) =>
        message.kind === "audit" ? message.events.map(({ reason }) => reason) : [],
      );
    expect(reasons()).toEqual(["device_too_young"]);
    const foreign = await phone.key.sign("another text");
    expect(read(await answer(here, phone, id, true, { signature: foreign }))).toEqual([
      400,
      "invalid_credential",
    ]);
    expect(reasons()).toEqual(["device_too_young", "bad_signature"]);
    expect((await server(here, tenant, "DELETE", `/users/${user}/authenticators/${phone.id}`)).status).toBe(
      200,
    );
    expect(read(await answer(here, phone, id, true))).toEqual([400, "invalid_credential"]);
    expect(read(await answer(here, young, id, true))).toEqual(INVALID);
  });

  test("T26 signatures of other forms and keys of other shapes are refused", async () => {
    const { here, tenant, user, phone } = await scene();
    const { id, token } = await startPush(here, tenant, user);
    const good = Uint8Array.from(atob(await phone.key.sign(id)), (character) => character.charCodeAt(0));
    const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));
    const zero = new Uint8Array(64);
    const one = Uint8Array.from(zero);
    one[63] = 1;
    const forms = {
      raw: base64(new Uint8Array(64).fill(7)),
      "63 bytes": base64(new Uint8Array(63).fill(7)),
      "r = s = 0": base64(derOf(zero)),
      "r = 0": base64(derOf(one)),
      "DER with a byte behind": base64(Uint8Array.from([...good, 0])),
      "not base64": "*".repeat(90),
    };
    for (const [form, signature] of Object.entries(forms)) {
      expect(read(await answer(here, phone, id, true, { signature })), form).toEqual([
        400,
        "invalid_credential",
      ]);
    }
    expect((await poll(here, token, id)).body.isConsumed).toBe(false);
    const p384 = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-384" }, true, [
      "sign",
      "verify",
    ])) as CryptoKeyPair;
    const spki = new Uint8Array((await crypto.subtle.exportKey("spki", p384.publicKey)) as ArrayBuffer);
    const off = Uint8Array.from(atob(phone.key.text), (character) => character.charCodeAt(0));
    off[90] = (off[90] ?? 0) ^ 1;
    const { body } = await track(here, tenant, user, "add", { scope: "add:authenticators" });
    for (const publicKey of [base64(spki), base64(off), "AAAA", ""]) {
      const added = await here.call(
        "POST",
        "/v1/client/user-authenticators/push",
        { publicKey },
        bearer(body.token),
      );
      expect(read(added)).toEqual(INVALID);
    }
  });

  test("T28 race: twenty answers, half of them declines: one wins, and state, action, webhook and audit agree", async () => {
    const webhook_events = ["push.created", "action.verify"];
    const { here, tenant, user, phone, told } = await scene({ webhook_events });
    const { id, token, key } = await startPush(here, tenant, user);
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => ({
        approved: index % 2 === 0,
        got: await answer(here, phone, id, index % 2 === 0),
      })),
    );
    const won = answers.filter(({ got }) => got.status === 200);
    expect(won).toHaveLength(1);
    for (const { got } of answers.filter(({ got }) => got.status !== 200)) {
      expect(got.body).toEqual({
        error: "invalid_request",
        errorCode: "invalid_request",
        errorDescription: "The challenge has already been answered.",
      });
    }
    const approved = won[0]?.approved === true;
    expect((await poll(here, token, id)).body).toMatchObject({ isVerified: approved, isConsumed: true });
    const action = await server(here, tenant, "GET", `/users/${user}/actions/signIn/${key}`);
    expect(action.body.state).toBe(approved ? "CHALLENGE_SUCCEEDED" : "CHALLENGE_FAILED");
    const outcomes = told.filter(({ type }) => type !== "push.created");
    expect(outcomes.map(({ type, data }) => [type, data.state, data.userAuthenticatorId])).toEqual(
      approved ? [["action.verify", "CHALLENGE_SUCCEEDED", phone.id]] : [],
    );
    expect(told.filter(({ type }) => type === "push.created")).toHaveLength(1);
    await here.settled();
    const events = await here.services.records.events({ clientId: tenant.id, size: 100 });
    const ends = events.filter(({ data }) => data?.challenge_id === id).map(({ type }) => type);
    expect(ends).toEqual([approved ? "signIn.redeemed" : "signIn.denied"]);
  });

  test("a challenge of this door is approved by a device enrolled over the Cotter door", async () => {
    const tenant = await newTenant(at, { user_ids: "subject", approve_through: "realm" });
    const client = await newClient(at);
    const person = await newPerson(at, client);
    const started = await startPush(at, tenant, person.id, "pay");
    expect(started.answer.status).toBe(200);
    const shown = await prompt(at, client, person);
    expect(shown).toMatchObject({ event: "pay", new: true });
    expect((await respond(at, client, person, shown ?? {}, true)).status).toBe(200);
    expect((await validate(at, tenant, { token: started.token })).body).toMatchObject({
      isValid: true,
      userId: person.id,
      verificationMethod: "PUSH",
    });
    expect((await poll(at, started.token, started.id)).body).toMatchObject({ isVerified: true });
  });

  test("a name that an anonymous call gave resolves to nobody here, and passes to whom the backend means", async () => {
    const tenant = await newTenant(at);
    const client = await newClient(at);
    const name = fresh("squatted");
    const squatter = await at.call(
      "POST",
      "/api/v0/user/create",
      { client_user_id: name },
      { API_KEY_ID: client },
    );
    expect(squatter.status).toBe(200);
    expect((await track(at, tenant, name, "signIn")).body).toMatchObject({
      state: "ALLOW",
      isEnrolled: false,
    });
    const record = await called(at, name);
    expect(record?.user.externalAssertedBy).toBe("client");
    expect(record?.user.id).not.toBe(squatter.body.ID);
  });
});

describe("tokens and their scopes", () => {
  test("an enrolment token without its scope adds nothing once something is enrolled; a token adds one key", async () => {
    const { here, tenant, user } = await scene();
    const add = async (scope?: string) => {
      const { body } = await track(here, tenant, user, "add", scope === undefined ? {} : { scope });
      return body.token;
    };
    const post = async (token: unknown, publicKey: string) =>
      read(await here.call("POST", "/v1/client/user-authenticators/push", { publicKey }, bearer(token)));
    const [key, other] = [await newKey(), await newKey()];
    expect(await post(await add(), key.text)).toEqual([401, "unauthorized"]);
    expect(await post(await add("read:authenticators"), key.text)).toEqual([401, "unauthorized"]);
    const token = await add("add:authenticators");
    expect(await post(token, key.text)).toEqual([200, undefined]);
    expect(await post(token, key.text)).toEqual([200, undefined]);
    expect(await post(token, other.text)).toEqual(INVALID);
  });

  test("one key never answers for two: enrolled for another user, it leaves the first", async () => {
    const { here, tenant, user, phone } = await scene();
    const second = fresh("u");
    const { body } = await track(here, tenant, second, "add", { scope: "add:authenticators" });
    const moved = await here.call(
      "POST",
      "/v1/client/user-authenticators/push",
      { publicKey: phone.key.text },
      bearer(body.token),
    );
    expect(moved.body.userId).toBe(second);
    expect(moved.body.userAuthenticatorId).not.toBe(phone.id);
    expect((await server(here, tenant, "GET", `/users/${user}/authenticators`)).body).toEqual([]);
  });

  test("expired tokens are said to be, to the second; a foreign origin may read that", async () => {
    const { here, tenant, user } = await scene({ access_token_seconds: 30 });
    const { token, id } = await startPush(here, tenant, user);
    vi.setSystemTime(Date.now() + 31_000);
    const late = await here.call(
      "POST",
      "/v1/client/verify/push",
      { challengeId: id },
      { ...bearer(token), Origin: "https://shop.example" },
    );
    expect([late.status, late.body.errorCode]).toEqual([401, "expired_token"]);
    expect(late.headers.get("Access-Control-Allow-Origin")).toBe("https://shop.example");
    expect((await validate(here, tenant, { token })).body).toEqual({
      isValid: false,
      error: "expired_token",
    });
  });

  test("T106 another client's token, challenge, user and action are as if they did not exist", async () => {
    const { here, tenant, user, phone } = await scene();
    const other = await newTenant(here);
    const { token, id, key } = await startPush(here, tenant, user);
    const foreign = String((await track(here, other, user, "signIn")).body.token);
    const unknown = await poll(here, foreign, "0".repeat(64));
    expect(await poll(here, foreign, id)).toMatchObject({ status: unknown.status, body: unknown.body });
    expect((await validate(here, other, { token })).body).toEqual({ isValid: false, error: "unauthorized" });
    const get = await server(here, other, "GET", `/users/${user}/actions/signIn/${key}`);
    expect(read(get)).toEqual([404, "not_found"]);
    expect(
      read(await server(here, other, "PATCH", `/users/${user}/actions/signIn/${key}`, { state: "ALLOW" })),
    ).toEqual([404, "not_found"]);
    expect(read(await poll(here, String((await track(here, tenant, user, "pay")).body.token), id))).toEqual(
      INVALID,
    );
    await answer(here, phone, id, true);
    expect(read(await poll(here, foreign, id))).toEqual(INVALID);
    expect((await poll(here, token, id)).body.isVerified).toBe(true);
  });

  test("T49 secrets and tokens that are wrong, missing or of another kind open nothing", async () => {
    const { here, tenant, user } = await scene();
    const { id } = await startPush(here, tenant, user);
    for (const headers of [
      {},
      basic("wrong"),
      basic(tenant.id),
      bearer("x"),
      { Authorization: "Basic %%%" },
    ]) {
      expect(read(await here.call("GET", `/v1/users/${user}`, undefined, headers))).toEqual([
        401,
        "unauthorized",
      ]);
      const polled = await here.call("POST", "/v1/client/verify/push", { challengeId: id }, headers);
      expect(read(polled)).toEqual([401, "unauthorized"]);
      expect(polled.body).toEqual(REFUSAL);
    }
    const client = await newClient(at);
    const person = await newPerson(at, client);
    for (const kind of ["access_token", "id_token"]) {
      expect(
        read(
          await here.call("POST", "/v1/client/verify/push", { challengeId: id }, bearer(person.tokens[kind])),
        ),
      ).toEqual([401, "unauthorized"]);
    }
  });
});

describe("prompts", () => {
  test("over four starts a minute of one client, and five of all, the answer is 429, and nothing is left pending", async () => {
    const { here, tenant, user, phone } = await scene();
    for (let start = 0; start < 4; start++)
      expect((await startPush(here, tenant, user)).answer.status).toBe(200);
    const fifth = await startPush(here, tenant, user);
    expect(read(fifth.answer)).toEqual([429, "too_many_requests"]);
    expect(Number(fifth.answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    const device = await here.services.devices.byId(phone.id as never);
    const name = String(device?.userId);
    const sister = { user_ids: "subject", approve_through: "realm" } as const;
    const [other, third] = [await newTenant(here, sister), await newTenant(here, sister)];
    expect((await startPush(here, other, name)).answer.status).toBe(200);
    expect((await startPush(here, third, name)).answer.status).toBe(429);
  });

  test("the newest of a client takes the place of the older, whose waiter goes on seeing nothing", async () => {
    const { here, tenant, user, phone } = await scene();
    const older = await startPush(here, tenant, user);
    const newer = await startPush(here, tenant, user);
    expect(read(await answer(here, phone, older.id, true))).toEqual(INVALID);
    expect((await answer(here, phone, newer.id, true)).status).toBe(200);
    expect((await poll(here, older.token, older.id)).body).toEqual({ isVerified: false, isConsumed: false });
  });

  test("a match code must come back; wrong ones count, and then the action has failed", async () => {
    const { here, tenant, user, phone } = await scene({ match_code: "required" });
    const started = await startPush(here, tenant, user);
    const verificationCode = String(started.answer.body.verificationCode);
    expect(verificationCode).toMatch(/^\d{6}$/);
    const wrong = verificationCode === "000000" ? "000001" : "000000";
    for (const guess of [null, wrong]) {
      expect(read(await answer(here, phone, started.id, true, { verificationCode: guess }))).toEqual(INVALID);
    }
    expect((await answer(here, phone, started.id, true, { verificationCode })).body).toEqual({
      isVerified: true,
    });
    const again = await startPush(here, tenant, user);
    const guesses = [];
    for (let guess = 0; guess < 3; guess++) {
      guesses.push((await answer(here, phone, again.id, true, { verificationCode: "x" })).status);
    }
    // With the two of before they are five, of the user; the challenge waits, for it has had three.
    expect(guesses).toEqual([400, 400, 400]);
    const { verificationCode: right } = again.answer.body;
    expect((await answer(here, phone, again.id, true, { verificationCode: right })).status).toBe(429);
    expect((await poll(here, again.token, again.id)).body).toEqual({ isVerified: false, isConsumed: false });
  });

  test("T04 T157 five wrong match codes end their challenge, and its action has failed", async () => {
    const { here, tenant, user, phone } = await scene({ match_code: "required" });
    const again = await startPush(here, tenant, user);
    const guesses = [];
    for (let guess = 0; guess < 5; guess++) {
      guesses.push((await answer(here, phone, again.id, true, { verificationCode: "x" })).status);
    }
    expect(guesses).toEqual([400, 400, 400, 400, 429]);
    const { verificationCode } = again.answer.body;
    expect(read(await answer(here, phone, again.id, true, { verificationCode }))).toEqual(INVALID);
    expect((await poll(here, again.token, again.id)).body).toEqual({ isVerified: false, isConsumed: true });
    expect((await validate(here, tenant, { token: again.token })).body.state).toBe("CHALLENGE_FAILED");
  });

  test("a challenge for one device is shown to and answered by that device alone", async () => {
    const { here, tenant, user, phone } = await scene();
    const other = await enrol(here, tenant, user);
    const { body } = await track(here, tenant, user, "signIn");
    const started = await here.call(
      "POST",
      "/v1/client/challenge/push",
      { userAuthenticatorId: other.id },
      bearer(body.token),
    );
    const id = String(started.body.challengeId);
    const shown = await phoneCall(here, phone, "GET", `/challenge?publicKey=${inQuery(phone.key)}`);
    expect(shown.body).toEqual({ userAuthenticatorId: phone.id });
    expect(read(await answer(here, phone, id, true))).toEqual(INVALID);
    expect((await answer(here, other, id, true)).body).toEqual({ isVerified: true });
  });

  test("a nonce shows what was asked once, within its minute, to its own credential", async () => {
    const { here, tenant, user, phone } = await scene();
    await startPush(here, tenant, user, "signIn", { custom: { amount: 5 } });
    const query = `?publicKey=${inQuery(phone.key)}`;
    const nonce = String((await phoneCall(here, phone, "POST", `/challenge/sign${query}`)).body.message);
    const signed = { "X-Authsignal-Signature": await phone.key.sign(nonce) };
    const get = (headers: Record<string, string>) =>
      phoneCall(here, phone, "GET", `/challenge${query}`, undefined, headers);
    expect((await get(signed)).body.custom).toEqual({ amount: 5 });
    const second = (await get(signed)).body;
    expect([second.actionCode, second.custom]).toEqual(["signIn", undefined]);
    expect(read(await get({ "X-Authsignal-Signature": await phone.key.sign("other") }))).toEqual([
      400,
      "invalid_credential",
    ]);
    vi.setSystemTime(Date.now() + 62_000);
    expect(read(await get(signed))).toEqual([400, "invalid_credential"]);
  });
});

describe("webhooks", () => {
  test("authenticator events go through the queue, once each", async () => {
    const { here, tenant, user, phone, queued } = await scene();
    await server(here, tenant, "DELETE", `/users/${user}/authenticators/${phone.id}`);
    await server(here, tenant, "DELETE", `/users/${user}/authenticators/${phone.id}`);
    const events = queued.flatMap((message) => (message.kind === "action_webhook" ? [message.event] : []));
    expect(events.map(({ type }) => type)).toEqual(["authenticator.created", "authenticator.deleted"]);
    expect(events[0]?.data).toEqual({
      userId: user,
      verificationMethod: "PUSH",
      createdAt: expect.any(String),
      userAuthenticatorId: phone.id,
    });
  });

  test("one that does not take push.created fails the start with 502 and leaves nothing pending", async () => {
    const { here, tenant, user, phone } = await scene({}, ({ type }) =>
      type === "push.created" ? { kind: "retry", reason: "status 500" } : { kind: "sent" },
    );
    const started = await startPush(here, tenant, user);
    expect(read(started.answer)).toEqual([502, "webhook_failed"]);
    const shown = await phoneCall(here, phone, "GET", `/challenge?publicKey=${inQuery(phone.key)}`);
    expect(shown.body).toEqual({ userAuthenticatorId: phone.id });
  });

  test("action.verify may veto: no accessToken, and the action has failed", async () => {
    let veto = true;
    const events = ["push.created", "action.verify"];
    const { here, tenant, user, phone, told } = await scene({ webhook_events: events }, ({ type }) =>
      type === "action.verify" && veto ? { kind: "refused", reason: "status 403" } : { kind: "sent" },
    );
    const first = await startPush(here, tenant, user);
    await answer(here, phone, first.id, true);
    expect((await poll(here, first.token, first.id)).body).toEqual({ isVerified: false, isConsumed: true });
    expect((await validate(here, tenant, { token: first.token })).body).toMatchObject({
      isValid: false,
      state: "CHALLENGE_FAILED",
    });
    veto = false;
    const second = await startPush(here, tenant, user);
    await answer(here, phone, second.id, true);
    expect((await poll(here, second.token, second.id)).body.isVerified).toBe(true);
    expect(told.filter(({ type }) => type === "action.verify")).toHaveLength(2);
    expect(told.at(-1)?.data).toMatchObject({
      userId: user,
      action: "signIn",
      state: "CHALLENGE_SUCCEEDED",
      verificationMethod: "PUSH",
      userAuthenticatorId: phone.id,
    });
  });
});

describe("repeats, outages and cost", () => {
  test("T45 race: fifty polls of an approved challenge get one token's claims", async () => {
    const { here, tenant, user, phone } = await scene();
    const { id, token } = await startPush(here, tenant, user);
    await answer(here, phone, id, true);
    const polls = await Promise.all(Array.from({ length: 50 }, () => poll(here, token, id)));
    const first = claimsOf(polls[0]?.body.accessToken);
    for (const { body } of polls) expect(claimsOf(body.accessToken)).toEqual(first);
  });

  test("T47 a poll whose answer was lost is answered alike until the token ends", async () => {
    const { here, tenant, user, phone } = await scene();
    const { id, token } = await startPush(here, tenant, user);
    await answer(here, phone, id, true);
    const first = await poll(here, token, id);
    vi.setSystemTime(Date.now() + 500_000);
    const late = await poll(here, token, id);
    expect(claimsOf(late.body.accessToken)).toEqual(claimsOf(first.body.accessToken));
  });

  test("polling a pending challenge writes nothing: no D1 call, one read of its object", async () => {
    const counted = counting(env as unknown as Parameters<typeof counting>[0]);
    const here = deployment({ ...counted.bindings });
    const tenant = await newTenant(here);
    const user = fresh("u");
    await enrol(here, tenant, user);
    const { id, token } = await startPush(here, tenant, user);
    await poll(here, token, id);
    const storage = await countStorage((env as unknown as { CHALLENGES: DurableObjectNamespace }).CHALLENGES);
    counted.take();
    for (let polls = 0; polls < 10; polls++) await poll(here, token, id);
    const cost = counted.take();
    expect([cost.d1Calls, cost.queue, cost.objects]).toEqual([0, 0, { "challenge.read": 10 }]);
    expect(storage.take()).toEqual({});
    storage.stop();
  });

  test("T107 bad bytes, types and shapes on every route are 4xx with all three members", async () => {
    const { here, tenant, user } = await scene();
    const { token } = await startPush(here, tenant, user);
    const posts = [
      "/challenge/push",
      "/verify/push",
      "/challenge/qr-code",
      "/verify/qr-code",
      "/verify/in-app",
      "/verify/email-otp",
      "/verify/sms",
      "/verify/whatsapp",
      "/user-authenticators/email-otp",
      "/user-authenticators/sms",
    ];
    const namespaces = ["push", "qr-code", "in-app", "device"];
    const paths = [
      ...posts.map((path) => `/client${path}`),
      ...namespaces.flatMap((name) => [
        `/client/user-authenticators/${name}`,
        `/client/user-authenticators/${name}/remove`,
      ]),
      "/client/user-authenticators/push/challenge",
      "/client/user-authenticators/qr-code/challenge/claim",
      "/validate",
      `/users/${user}/actions/signIn`,
    ];
    for (const path of paths) {
      const headers = path.startsWith("/client") ? bearer(token) : basic(tenant.secret);
      for (const body of [
        [],
        "text",
        7,
        null,
        { challengeId: 7, token: 7, publicKey: 7, idempotencyKey: 7, action: 7, deviceCode: 7 },
        { custom: "x".repeat(1_000_000), token: "x".repeat(1_000_000) },
      ]) {
        const answered = await here.call("POST", `/v1${path}`, body, headers);
        expect(answered.status, `${path} ${JSON.stringify(body).slice(0, 40)}`).toBeGreaterThanOrEqual(400);
        expect(answered.status).toBeLessThan(500);
        expect(answered.body).toEqual(REFUSAL);
        expect(answered.headers.get("Content-Type")).toBe("application/json");
      }
    }
    const repeated = await here.call(
      "GET",
      "/v1/client/user-authenticators/push?publicKey=a&publicKey=b",
      undefined,
      basic(tenant.id),
    );
    expect(read(repeated)).toEqual(INVALID);
    for (const name of ["a%2Fb", "a%3Fb", "%00", "x".repeat(300)]) {
      expect(read(await track(here, tenant, name, "signIn")), name).toEqual(INVALID);
    }
    expect(read(await track(here, tenant, user, "sign in"))).toEqual(INVALID);
  });
});
