import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import {
  deployment,
  type Json,
  newClient,
  newPerson,
  openSocket,
  poll,
  prompt,
  refresh,
  respond,
  start,
} from "../../support/cotter.ts";
import { counting, countStorage } from "../../support/counting.ts";

// What a step costs is part of its contract: a change of any number here is a decision, not an accident.
const counter = counting(env);
const at = deployment(counter.bindings);

/** What `step` costs once caches are warm. */
async function costOf<T>(step: () => Promise<T>): Promise<{ readonly value: T; readonly cost: Json }> {
  counter.take();
  const value = await step();
  const { d1RowsRead: _, waits: __, ...cost } = counter.take();
  return { value, cost };
}

async function pending() {
  const client = await newClient(at);
  const person = await newPerson(at, client);
  const waiter = (await start(at, client, person)).body;
  const shown = (await prompt(at, client, person)) ?? {};
  return { client, person, waiter, shown };
}

beforeAll(async () => {
  const { client, person, waiter, shown } = await pending();
  await respond(at, client, person, shown, true);
  await poll(at, client, waiter);
});

describe("the budget of a sign-in", () => {
  test("a start reads the user once and writes no D1 row", async () => {
    const client = await newClient(at);
    const person = await newPerson(at, client);
    const { cost } = await costOf(() => start(at, client, person));
    expect(cost).toEqual({
      d1Calls: 1,
      d1Batches: 0,
      d1RowsWritten: 0,
      objects: { "inbox.countStart": 1, "challenge.open": 1, "inbox.listCounted": 1 },
      queue: 0,
    });
  });

  test("a poll that waits is one request to one object and touches no table", async () => {
    const { client, waiter } = await pending();
    const { cost } = await costOf(() => poll(at, client, waiter));
    expect(cost).toEqual({
      d1Calls: 0,
      d1Batches: 0,
      d1RowsWritten: 0,
      objects: { "challenge.collect": 1 },
      queue: 0,
    });
  });

  test("a socket is one request to one object", async () => {
    const { waiter } = await pending();
    const { value, cost } = await costOf(() => openSocket(at, waiter));
    expect(value.status).toBe(101);
    expect(cost).toMatchObject({ d1Calls: 0, objects: { "challenge.fetch": 1 }, queue: 0 });
  });

  test("looking for prompts reads the user and asks the inbox once", async () => {
    const { client, person } = await pending();
    const { cost } = await costOf(() => prompt(at, client, person));
    expect(cost).toEqual({
      d1Calls: 1,
      d1Batches: 0,
      d1RowsWritten: 0,
      objects: { "inbox.view": 1 },
      queue: 0,
    });
  });

  test("an approval reads user and device in one statement and writes no D1 row", async () => {
    const { client, person, shown } = await pending();
    const { cost } = await costOf(() => respond(at, client, person, shown, true));
    expect(cost).toEqual({
      d1Calls: 1,
      d1Batches: 0,
      d1RowsWritten: 0,
      objects: { "inbox.settle": 1, "challenge.apply": 1 },
      queue: 0,
    });
  });

  test("the redemption writes the one batch of the sign-in: the grant, the audit row and its index", async () => {
    const { client, person, waiter, shown } = await pending();
    await respond(at, client, person, shown, true);
    const { cost } = await costOf(() => poll(at, client, waiter));
    expect(cost).toEqual({
      d1Calls: 1,
      d1Batches: 1,
      d1RowsWritten: 3,
      objects: { "challenge.collect": 1, "challenge.markListed": 1 },
      queue: 0,
    });
    const again = await costOf(() => poll(at, client, waiter));
    expect(again.cost).toMatchObject({ d1Batches: 0, d1RowsWritten: 0 });
  });

  test("a refresh reads and writes no table", async () => {
    const { client, person, waiter, shown } = await pending();
    await respond(at, client, person, shown, true);
    const tokens = (await poll(at, client, waiter)).body.oauth_token as Json;
    const { value, cost } = await costOf(() => refresh(at, client, tokens.refresh_token));
    expect(value.status).toBe(200);
    expect(cost).toEqual({
      d1Calls: 0,
      d1Batches: 0,
      d1RowsWritten: 0,
      objects: { "challenge.read": 1, "challenge.refresh": 1 },
      queue: 0,
    });
  });

  test("a denial writes its audit row and nothing else", async () => {
    const { client, person, shown } = await pending();
    const { cost } = await costOf(() => respond(at, client, person, shown, false));
    expect(cost).toMatchObject({ d1Calls: 2, d1Batches: 1, d1RowsWritten: 2, queue: 0 });
  });

  test("what the objects write: one row a step, and the alarm of the start, which is moved once", async () => {
    const writes = await countStorage(env.CHALLENGES);
    const client = await newClient(at);
    await start(at, client, await newPerson(at, client));
    const person = await newPerson(at, client);
    writes.take();
    const waiter = (await start(at, client, person)).body;
    // The challenge with its alarm, and the inbox; the client's lease covers many starts.
    expect(writes.take()).toEqual({ put: 2, setAlarm: 1 });
    const shown = (await prompt(at, client, person)) ?? {};
    await poll(at, client, waiter);
    expect(writes.take()).toEqual({});
    await respond(at, client, person, shown, true);
    expect(writes.take()).toEqual({ put: 2 });
    const tokens = (await poll(at, client, waiter)).body.oauth_token as Json;
    // The redemption; that D1 has heard of it, with the alarm that has nothing to do before the end now.
    expect(writes.take()).toEqual({ put: 2, setAlarm: 1 });
    await poll(at, client, waiter);
    expect(writes.take()).toEqual({});
    await refresh(at, client, tokens.refresh_token);
    expect(writes.take()).toEqual({ put: 1 });
    writes.stop();
  });

  test("the counters do count: a sign-up writes rows", async () => {
    const client = await newClient(at);
    const { cost } = await costOf(() => newPerson(at, client));
    expect(Number(cost.d1RowsWritten)).toBeGreaterThan(3);
    expect(Number(cost.d1Batches)).toBeGreaterThan(0);
  });
});
