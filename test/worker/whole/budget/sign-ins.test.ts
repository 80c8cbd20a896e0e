import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type ChallengeId, userSubject } from "../../../../src/core/ids.ts";
import * as authsignal from "../../support/authsignal.ts";
import { catchEvents, inside, storedIn, stubOf } from "../../support/challenges.ts";
import * as oauth from "../../support/ciba.ts";
import * as cotter from "../../support/cotter.ts";
import { counting, countStorage } from "../../support/counting.ts";
import * as loginid from "../../support/loginid.ts";
import { until } from "../../support/until.ts";
import { END, SIGN_INS, type SignIn, WAITING } from "./counts.ts";

// Whole sign-ins, caches warm, with all that is written behind the answers: what docs/cost.md prices.
const counter = counting(env);
const real = cotter.deployment(counter.bindings);
const uncounted = cotter.deployment();
let requests = 0;
const at = {
  ...real,
  send: (request: Request) => {
    requests += 1;
    return real.send(request);
  },
  call: (...args: Parameters<typeof real.call>) => {
    requests += 1;
    return real.call(...args);
  },
};
let storage: Awaited<ReturnType<typeof countStorage>>;

beforeAll(async () => {
  storage = await countStorage(env.CHALLENGES);
});
afterAll(() => storage.stop());

const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);

async function costOf(step: () => Promise<unknown>): Promise<SignIn> {
  await real.settled();
  counter.take();
  storage.take();
  requests = 0;
  await step();
  await real.settled();
  const { objects, d1Calls, d1RowsWritten, queue } = counter.take();
  const rows = sum(storage.take());
  return { requests, objects: sum(objects), d1Calls, d1RowsWritten, objectRows: rows, queue };
}

/** The second of two: the first one warms the caches and takes the lease that covers many starts. */
async function secondOf(prepare: () => Promise<() => Promise<unknown>>): Promise<SignIn> {
  await (await prepare())();
  const step = await prepare();
  return await costOf(step);
}

/** Until somebody waits on a socket of what is asked of this user; looked at past the counters. */
async function waited(id: Parameters<typeof userSubject>[0]): Promise<void> {
  const [prompt] = (await uncounted.services.inboxes.view(userSubject(id))).prompts;
  await until(async () => {
    const challenge = String(prompt?.challengeId) as ChallengeId;
    expect(await inside(challenge, (_, state) => state.getWebSockets().length)).toBe(1);
  }, 5);
}

test("the Cotter door: start, socket, prompt, approval, tokens", async () => {
  const client = await cotter.newClient(at);
  const cost = await secondOf(async () => {
    const person = await cotter.newPerson(at, client);
    return async () => {
      const { body } = await cotter.start(at, client, person);
      expect((await cotter.openSocket(at, body)).status).toBe(101);
      const shown = (await cotter.prompt(at, client, person)) ?? {};
      await cotter.respond(at, client, person, shown, true);
      expect((await cotter.poll(at, client, body)).body.oauth_token).toBeDefined();
    };
  });
  expect(cost).toEqual(SIGN_INS.cotter);
});

test("the LoginID door: code, approval by the backend, wait", async () => {
  const { backend, web } = await loginid.newScene(at);
  const cost = await secondOf(async () => {
    const ada = await loginid.newAda(at);
    return async () => {
      const code = await loginid.generated(at, backend, ada);
      const held = loginid.waitOn(at, web, ada, code);
      await waited(ada.id);
      await loginid.codes(at, backend, "authorize", ada, { body: { code } });
      expect((await held).body.is_authenticated).toBe(true);
    };
  });
  expect(cost).toEqual(SIGN_INS.loginid);
});

test("the Authsignal door: action, push, the phone's look and answer, poll, validation", async () => {
  const tenant = await authsignal.newTenant(at);
  const cost = await secondOf(async () => {
    const user = cotter.fresh("u");
    const phone = await authsignal.enrol(at, tenant, user);
    return async () => {
      const token = String((await authsignal.track(at, tenant, user, "signIn")).body.token);
      const action = { action: "signIn" };
      const push = await at.call("POST", "/v1/client/challenge/push", action, authsignal.bearer(token));
      const id = String(push.body.challengeId);
      await authsignal.answer(at, phone, id, true);
      // A poll comes by the second: the action's row is there by then.
      await real.settled();
      const { accessToken } = (await authsignal.poll(at, token, id)).body;
      const { state } = (await authsignal.validate(at, tenant, { token: accessToken })).body;
      expect(state).toBe("CHALLENGE_SUCCEEDED");
    };
  });
  expect(cost).toEqual(SIGN_INS.authsignal);
});

test("CIBA: start, wait, prompt, approval, tokens", async () => {
  const party = await oauth.newParty(at, { match_code: "off" });
  const cost = await secondOf(async () => {
    const holder = await oauth.newHolder(at);
    return async () => {
      const started = await oauth.start(at, party, holder.id);
      const { pathname } = new URL(String(started.body.socket_uri));
      const headers = { Upgrade: "websocket", Authorization: `Bearer ${started.body.auth_req_id}` };
      expect((await at.call("GET", pathname, undefined, headers)).status).toBe(101);
      await oauth.decide(at, holder);
      expect((await oauth.poll(at, party, started)).body.access_token).toBeDefined();
    };
  });
  expect(cost).toEqual(SIGN_INS.ciba);
});

test("a poll that finds it pending, and a long-poll that ends", async () => {
  const client = await cotter.newClient(at);
  const person = await cotter.newPerson(at, client);
  const { body } = await cotter.start(at, client, person);
  await cotter.poll(at, client, body);
  expect(await costOf(() => cotter.poll(at, client, body))).toEqual(WAITING.poll);
  const { pathname, search } = new URL(String(body.wait_uri));
  const hold = `${pathname}${search}${search ? "&" : "?"}timeout=1`;
  const headers = { Authorization: `Bearer ${body.ID}` };
  expect(await costOf(() => at.call("GET", hold, undefined, headers))).toEqual(WAITING.hold);
});

test("the end of a grant, later: one alarm, one deletion, one row of D1's list, no message", async () => {
  const client = await cotter.newClient(at);
  const person = await cotter.newPerson(at, client);
  const { body } = await cotter.start(at, client, person);
  await cotter.respond(at, client, person, (await cotter.prompt(at, client, person)) ?? {}, true);
  await cotter.poll(at, client, body);
  await real.settled();
  const id = uncounted.services.challenges.parse(new URL(String(body.wait_uri)).pathname.split("/")[2] ?? "");
  if (id === undefined) throw new Error("no challenge");
  const sent = await catchEvents(id);
  const kept = await storedIn(id);
  storage.take();
  const batch = vi.spyOn(Object.getPrototypeOf(env.DB), "batch");
  vi.useFakeTimers({ toFake: ["Date"], now: Number(kept.alarm) });
  try {
    expect(await runDurableObjectAlarm(stubOf(id))).toBe(true);
  } finally {
    vi.useRealTimers();
  }
  const told = (await Promise.all(batch.mock.results.map(({ value }) => value))) as D1Result[][];
  batch.mockRestore();
  expect(told).toHaveLength(END.grant.d1Calls);
  const rows = told.flat().reduce((sum, { meta }) => sum + meta.rows_written, 0);
  expect(rows).toBe(END.grant.d1RowsWritten);
  expect(sent).toHaveLength(END.grant.queue);
  expect(storage.take()).toEqual({ deleteAll: END.grant.objectRows });
  expect(await storedIn(id)).toEqual({ values: [], alarm: null });
});
