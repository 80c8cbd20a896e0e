import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { OUT_OF_ATTEMPTS, withdrawChallenge } from "../../../../src/core/challenge/cancel.ts";
import { endInFlight } from "../../../../src/core/challenge/end-in-flight.ts";
import { type ChallengeId, parseChallengeId, type UserId, userSubject } from "../../../../src/core/ids.ts";
import { consumeEvents } from "../../../../src/core/message/consume.ts";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import { MINUTE, SECOND } from "../../../../src/core/time.ts";
import { everythingAtRest } from "../../support/at-rest.ts";
import { catchEvents, stubOf } from "../../support/challenges.ts";
import { decide, type Holder, newHolder, newParty, type Party, poll, start } from "../../support/ciba.ts";
import { type Answer, deployment } from "../../support/cotter.ts";
import { mainUser } from "../../support/people.ts";

const ENDPOINT = "https://shop.example.com/ciba";
const TOKEN = "8d67dc78-7faa-4d41-aabd-67707b374255";

type Ping = { readonly url: string; readonly init: RequestInit };
let pings: Ping[];
let queued: QueueMessage[];
let answer: () => Response | Promise<Response>;

const queueing = (over: Record<string, unknown> = {}) =>
  deployment(over, () => ({ events: { send: async (message) => void queued.push(message) } }));
const at = queueing();
const later = (by: number) => vi.setSystemTime(Date.now() + by);
const refused = (error: string) => ({ status: 400, body: expect.objectContaining({ error }) });
const idOf = ({ body }: Answer) =>
  parseChallengeId(String(body.auth_req_id).split(".")[0] ?? "") as ChallengeId;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  pings = [];
  queued = [];
  answer = () => new Response(null, { status: 204 });
  vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
    pings.push({ url: String(url), init });
    return await answer();
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const newPinged = (settings = {}, endpoint: string | undefined = ENDPOINT) =>
  newParty(
    at,
    { backchannel_token_delivery_mode: "ping", ...settings },
    endpoint === undefined ? {} : { notificationEndpoint: endpoint },
  );
const ask = (party: Party, hint: string, token: string | undefined = TOKEN) =>
  start(at, party, hint, { client_notification_token: token });

/** Hands over what is queued, until nothing is; the seconds after which messages asked to come again. */
async function drain(on = at, attempts = 1): Promise<number[]> {
  const again: number[] = [];
  await at.settled();
  while (queued.length > 0) {
    const messages = queued.splice(0);
    const deliveries = messages.map((body) => ({
      body,
      attempts,
      ack: () => undefined,
      retry: ({ delaySeconds }: { delaySeconds: number }) => void again.push(delaySeconds),
    }));
    await consumeEvents(on.services, deliveries);
    await on.settled();
  }
  return again;
}

const expectPing = (started: Answer, index = 0) => {
  const { url, init } = pings[index] as Ping;
  expect(url).toBe(ENDPOINT);
  expect(init).toMatchObject({ method: "POST", redirect: "manual" });
  const headers = new Headers(init.headers);
  expect(headers.get("Authorization")).toBe(`Bearer ${TOKEN}`);
  expect(headers.get("Content-Type")).toBe("application/json");
  expect(JSON.parse(String(init.body))).toEqual({ auth_req_id: started.body.auth_req_id });
};

async function scene(): Promise<{ party: Party; holder: Holder; started: Answer }> {
  const [party, holder] = [await newPinged(), await newHolder(at)];
  const started = await ask(party, holder.id);
  queued = [];
  return { party, holder, started };
}

/** The alarm of an object rings, and what it has to say is queued. */
async function ring(started: Answer) {
  const sent = await catchEvents(idOf(started));
  await runDurableObjectAlarm(stubOf(idOf(started)));
  queued.push(...sent);
}

describe("a client that is pinged", () => {
  test.each([
    ["nothing", undefined],
    ["too short a token", "a".repeat(21)],
    ["too long a token", "a".repeat(1_025)],
    ["a token with a blank", `${"a".repeat(22)} b`],
    ["a token of two lines", `${"a".repeat(22)}\nb`],
    ["a token of other letters", "\u00e4".repeat(30)],
    ["signs in the wrong place", `=${"a".repeat(22)}`],
  ])("sends %s and is refused", async (_name, token) => {
    const [party, holder] = [await newPinged(), await newHolder(at)];
    const answered = await start(at, party, holder.id, { client_notification_token: token });
    expect(answered).toMatchObject(refused("invalid_request"));
  });

  test.each([true, false])(
    "hears of an answer once, with its own token and no token of ours: %s",
    async (approved) => {
      const { party, holder, started } = await scene();
      await decide(at, holder, approved);
      expect(await drain()).toEqual([]);
      expect(pings).toHaveLength(1);
      expectPing(started);
      const polled = await poll(at, party, started);
      if (approved) expect(polled.status).toBe(200);
      else expect(polled).toMatchObject(refused("access_denied"));
      await ring(started);
      await drain();
      expect(pings).toHaveLength(1);
    },
  );

  test("may poll all the same, before and after", async () => {
    const { party, holder, started } = await scene();
    expect(await poll(at, party, started)).toMatchObject(refused("authorization_pending"));
    await decide(at, holder);
    expect((await poll(at, party, started)).status).toBe(200);
  });

  test("hears of the end of a request that nobody has answered", async () => {
    const { party, started } = await scene();
    later(180 * SECOND);
    await ring(started);
    expect(queued).toMatchObject([{ kind: "audit", events: [{ type: "sign_in.expired" }] }]);
    await drain();
    expect(pings).toHaveLength(1);
    expectPing(started);
    expect(await poll(at, party, started)).toMatchObject(refused("expired_token"));
  });

  test("hears of no second end when nobody has collected an approval", async () => {
    const { holder, started } = await scene();
    await decide(at, holder);
    await drain();
    later(61 * SECOND);
    await ring(started);
    await drain();
    expect(pings).toHaveLength(1);
  });

  test("T11 hears that a user was locked, and of no reason", async () => {
    const { party, holder, started } = await scene();
    const who = { userId: holder.id as UserId, reason: "user_locked", actor: "admin" } as const;
    await at.services.users.update(mainUser(holder.id), { status: "locked" }, Date.now());
    await endInFlight(at.services, who);
    await drain();
    expectPing(started);
    expect(await poll(at, party, started)).toMatchObject(refused("access_denied"));
  });

  test("hears of a request whose number was guessed at too often", async () => {
    const { started } = await scene();
    const snapshot = await at.services.challenges.read(idOf(started));
    if (!snapshot) throw new Error("no request");
    await withdrawChallenge(at.services, snapshot, OUT_OF_ATTEMPTS);
    later(MINUTE);
    await ring(started);
    await drain();
    expect(pings).toHaveLength(1);
  });

  test("a request about nobody ends like any other (T09)", async () => {
    const party = await newPinged({ decoy_unknown_users: true });
    const started = await ask(party, "nobody@example.com");
    queued = [];
    later(180 * SECOND);
    await ring(started);
    await drain();
    expectPing(started);
  });

  test("the longest token and 2 KB of details have place beside each other", async () => {
    const [party, holder] = [await newPinged(), await newHolder(at)];
    const details = JSON.stringify([{ type: "a".repeat(2_048 - 13) }]);
    const fields = { client_notification_token: "a".repeat(1_024), authorization_details: details };
    expect((await start(at, party, holder.id, fields)).status).toBe(200);
  });
});

describe("a ping", () => {
  const redelivered = async (message: QueueMessage, attempts: number) => {
    queued = [message];
    return await drain(at, attempts);
  };

  async function pinged() {
    const made = await scene();
    await decide(at, made.holder);
    await at.settled();
    const message = queued.find(({ kind }) => kind === "door_event");
    if (!message) throw new Error("no ping is queued");
    queued = [];
    return { ...made, message };
  }

  test("goes out once, however often the queue brings it", async () => {
    const { message } = await pinged();
    expect(await redelivered(message, 1)).toEqual([]);
    expect(await redelivered(message, 2)).toEqual([]);
    expect(pings).toHaveLength(1);
  });

  test.each([500, 503, 429, 408])("is tried again after %d, for as long as tokens wait", async (status) => {
    const { message } = await pinged();
    answer = () => new Response(null, { status });
    expect(await redelivered(message, 1)).toEqual([2]);
    later(2 * SECOND);
    expect(await redelivered(message, 2)).toEqual([5]);
    later(5 * SECOND);
    expect(await redelivered(message, 3)).toEqual([15]);
    answer = () => new Response(null, { status: 204 });
    later(15 * SECOND);
    expect(await redelivered(message, 4)).toEqual([]);
    expect(pings).toHaveLength(4);
    expect(await redelivered(message, 5)).toEqual([]);
    expect(pings).toHaveLength(4);
  });

  test("is tried again when nobody answers, and no more once nobody could collect", async () => {
    const { message } = await pinged();
    answer = () => Promise.reject(new Error("refused"));
    expect(await redelivered(message, 1)).toEqual([2]);
    later(60 * SECOND);
    expect(await redelivered(message, 2)).toEqual([]);
    expect(pings).toHaveLength(1);
  });

  test.each([400, 401, 403, 404])("is given up after %d: the client polls", async (status) => {
    const { party, started, message } = await pinged();
    answer = () => new Response(null, { status });
    expect(await redelivered(message, 1)).toEqual([]);
    expect((await poll(at, party, started)).status).toBe(200);
  });

  test.each([301, 302, 307, 308])("T97 %d is not followed", async (status) => {
    const { message } = await pinged();
    answer = () => new Response(null, { status, headers: { Location: "https://elsewhere.example" } });
    expect(await redelivered(message, 1)).toEqual([]);
    expect(pings).toHaveLength(1);
  });

  test.each([
    "https://10.0.0.1/ciba",
    "http://shop.example.com/ciba",
    "https://localhost/ciba",
    "https://[::1]/",
  ])("T97 to %s does not leave where private addresses are not allowed", async (endpoint) => {
    const strict = queueing({ ALLOW_PRIVATE_CALLBACKS: "false" });
    const [party, holder] = [await newPinged({}, endpoint), await newHolder(at)];
    await ask(party, holder.id);
    await decide(at, holder);
    await drain(strict);
    expect(pings).toEqual([]);
  });

  test("of a disabled client, or one that takes its address back, goes nowhere", async () => {
    const [first, second] = [await pinged(), await pinged()];
    await at.services.clients.disable(first.party.id, Date.now());
    await at.services.clients.update(second.party.id, { notificationEndpoint: null }, Date.now());
    await redelivered(first.message, 1);
    await redelivered(second.message, 1);
    expect(pings).toEqual([]);
  });

  test("T67 holds no secret that is not sealed, nor does what it is made of", async () => {
    const { started, message } = await pinged();
    const { text } = await everythingAtRest();
    for (const secret of [TOKEN, String(started.body.auth_req_id)]) {
      expect(JSON.stringify(message)).not.toContain(secret);
      expect(text).not.toContain(secret);
    }
  });

  test("that cannot be queued changes nothing: the answer stands", async () => {
    const failing = deployment({}, () => ({
      events: { send: () => Promise.reject(new Error("the queue is full")) },
    }));
    const [party, holder] = [await newPinged(), await newHolder(at)];
    const started = await ask(party, holder.id);
    expect((await decide(failing, holder)).status).toBe(200);
    await failing.settled();
    expect((await poll(at, party, started)).status).toBe(200);
  });
});

test("a client that polls is told nothing, whatever it has registered", async () => {
  const party = await newParty(at, {}, { notificationEndpoint: ENDPOINT });
  const holder = await newHolder(at);
  const started = await ask(party, holder.id);
  await decide(at, holder);
  await drain();
  expect(pings).toEqual([]);
  const { prompts } = await at.services.inboxes.view(userSubject(holder.id as UserId));
  expect(prompts).toEqual([]);
  expect((await at.services.challenges.read(idOf(started)))?.spec.context).toEqual({
    oauth: { kind: "ciba" },
  });
});

test("metadata names both ways", async () => {
  const { body } = await at.call("GET", "/.well-known/openid-configuration");
  expect(body.backchannel_token_delivery_modes_supported).toEqual(["poll", "ping"]);
});
