import { beforeEach, describe, expect, test } from "vitest";
import type { ClientId } from "../../src/core/ids.ts";
import { KNOWN_FOR, makeClientCache, UNKNOWN_FOR, UNKNOWN_LIMIT } from "../../src/store/client-cache.ts";
import { makeClients } from "../../src/store/clients.ts";
import { openStore } from "../../src/store/database.ts";
import { freshState } from "../worker/database.ts";
import { recordingDatabase } from "./databases.ts";
import { countOf, makeClient, NOW, race, rowsOf } from "./fixtures.ts";

const secret = (name: string) => ({ hash: `hash of ${name}`, sealed: `sealed ${name}` });

/** One isolate: its own cache, on the shared database and clock. */
function isolate(clock: { now: number }) {
  const { d1, calls } = recordingDatabase();
  return {
    clients: makeClients(
      openStore(d1),
      makeClientCache(() => clock.now),
    ),
    calls,
  };
}

let clock = { now: NOW };
beforeEach(async () => {
  clock = { now: NOW };
  await freshState();
});

describe("kept", () => {
  test("a client comes back as it was put, and its secrets do not come with it", async () => {
    const { clients } = isolate(clock);
    const full = makeClient({
      webhookUrl: "https://a.example/h",
      notificationEndpoint: "https://a.example/n",
    });
    expect(await clients.insert(full, secret("s"), NOW)).toBe(true);
    const wanted = { ...full, createdAt: NOW, updatedAt: NOW };
    expect(await clients.find(full.id)).toEqual(wanted);
    expect(await clients.fresh(full.id)).toEqual(wanted);
    expect(await clients.findBySecret("hash of s", NOW)).toEqual(wanted);
    expect(await clients.page(undefined, 5)).toEqual([wanted]);
  });

  test("T100 race: one id, one client, with its own secret", async () => {
    const { clients } = isolate(clock);
    const id = "chosen" as ClientId;
    const answers = await race((racer) => clients.insert(makeClient({ id }), secret(`${racer}`), NOW));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await rowsOf("clients")).toMatchObject([{ secret_sealed: `sealed ${answers.indexOf(true)}` }]);
  });

  test("pages follow the id, disabled ones included", async () => {
    const { clients } = isolate(clock);
    const ids = ["a", "b", "c"] as ClientId[];
    for (const id of ids) await clients.insert(makeClient({ id }), undefined, NOW);
    await clients.disable("b" as ClientId, NOW);
    const first = await clients.page(undefined, 2);
    const rest = await clients.page(first.at(-1)?.id, 2);
    expect([...first, ...rest].map(({ id }) => id)).toEqual(ids);
  });
});

describe("changed", () => {
  test("members that are given change, null clears, the rest stays", async () => {
    const { clients } = isolate(clock);
    const client = makeClient({ webhookUrl: "https://a.example/h" });
    await clients.insert(client, secret("s"), NOW);
    const changed = await clients.update(client.id, { name: "New", webhookUrl: null }, NOW + 1);
    const { webhookUrl: _, ...rest } = client;
    expect(changed).toEqual({ ...rest, name: "New", createdAt: NOW, updatedAt: NOW + 1 });
    expect(await clients.find(client.id)).toEqual(changed);
    expect(await clients.findBySecret("hash of s", NOW)).toEqual(changed);
    expect(await clients.update("nobody" as ClientId, { name: "x" }, NOW)).toBeUndefined();
  });

  test("disabling keeps the first instant; a change may enable again", async () => {
    const { clients } = isolate(clock);
    const client = makeClient();
    await clients.insert(client, undefined, NOW);
    await clients.disable(client.id, NOW + 1);
    expect(await clients.disable(client.id, NOW + 9)).toMatchObject({ disabledAt: NOW + 1 });
    expect(await clients.find(client.id)).toMatchObject({ disabledAt: NOW + 1 });
    const enabled = await clients.update(client.id, { disabledAt: null }, NOW + 10);
    expect(enabled).toEqual({ ...client, createdAt: NOW, updatedAt: NOW + 10 });
    expect(await clients.disable("nobody" as ClientId, NOW)).toBeUndefined();
  });

  test("T86 a replaced secret works until its instant, and not from it on", async () => {
    const { clients } = isolate(clock);
    const client = makeClient();
    await clients.insert(client, secret("old"), NOW);
    expect((await clients.findBySecret("hash of old", NOW))?.id).toBe(client.id);
    expect(await clients.replaceSecret(client.id, secret("new"), NOW + 100, NOW)).toBe(true);
    const works = async (name: string) => (await clients.findBySecret(`hash of ${name}`, clock.now))?.id;
    clock.now = NOW + 99;
    expect([await works("old"), await works("new")]).toEqual([client.id, client.id]);
    expect(await clients.secretsOf(client.id, NOW + 99)).toEqual(["sealed new", "sealed old"]);
    clock.now = NOW + 100;
    expect([await works("old"), await works("new")]).toEqual([undefined, client.id]);
    expect(await clients.secretsOf(client.id, NOW + 100)).toEqual(["sealed new"]);
    expect(await clients.replaceSecret("nobody" as ClientId, secret("x"), NOW, NOW)).toBe(false);
  });

  test("a second replacement ends the first secret at once, here", async () => {
    const { clients } = isolate(clock);
    const client = makeClient();
    await clients.insert(client, secret("1"), NOW);
    await clients.findBySecret("hash of 1", NOW);
    await clients.replaceSecret(client.id, secret("2"), NOW + 100, NOW);
    await clients.findBySecret("hash of 1", NOW);
    await clients.replaceSecret(client.id, secret("3"), NOW + 100, NOW);
    expect(await clients.findBySecret("hash of 1", NOW)).toBeUndefined();
    expect(await clients.secretsOf(client.id, NOW)).toEqual(["sealed 3", "sealed 2"]);
    expect(await clients.secretsOf("nobody" as ClientId, NOW)).toEqual([]);
  });
});

describe("remembered", () => {
  test("a known client is read once in thirty seconds; a change elsewhere acts within them", async () => {
    const [here, there] = [isolate(clock), isolate(clock)];
    const client = makeClient();
    await here.clients.insert(client, secret("s"), NOW);
    await there.clients.findBySecret("hash of s", NOW);
    const read = there.calls.length;
    await here.clients.disable(client.id, NOW + 1);
    clock.now = NOW + KNOWN_FOR - 1;
    expect((await there.clients.find(client.id))?.disabledAt).toBeUndefined();
    expect((await there.clients.findBySecret("hash of s", clock.now))?.disabledAt).toBeUndefined();
    expect(there.calls.length).toBe(read);
    expect((await there.clients.fresh(client.id))?.disabledAt).toBe(NOW + 1);
    expect((await there.clients.find(client.id))?.disabledAt).toBe(NOW + 1);
    clock.now = NOW + KNOWN_FOR;
    expect((await there.clients.findBySecret("hash of s", clock.now))?.disabledAt).toBe(NOW + 1);
    expect(KNOWN_FOR).toBeLessThanOrEqual(30_000);
  });

  test("a disabled client is remembered too", async () => {
    const { clients, calls } = isolate(clock);
    const client = makeClient();
    await clients.insert(client, undefined, NOW);
    await clients.disable(client.id, NOW);
    await clients.find(client.id);
    const read = calls.length;
    expect(await clients.find(client.id)).toMatchObject({ disabledAt: NOW });
    expect(calls.length).toBe(read);
  });

  test("an unknown id is asked for once in five seconds, and no secret that missed is kept", async () => {
    const { clients, calls } = isolate(clock);
    const id = "late" as ClientId;
    for (let i = 0; i < 3; i += 1) expect(await clients.find(id)).toBeUndefined();
    expect(calls).toHaveLength(1);
    clock.now = NOW + UNKNOWN_FOR;
    await clients.find(id);
    expect(calls).toHaveLength(2);
    for (let i = 0; i < 2; i += 1) expect(await clients.findBySecret("x", NOW)).toBeUndefined();
    expect(calls).toHaveLength(4);
  });

  test("a client made here is found here at once", async () => {
    const { clients } = isolate(clock);
    const client = makeClient();
    expect(await clients.find(client.id)).toBeUndefined();
    await clients.insert(client, undefined, NOW);
    expect(await clients.find(client.id)).toMatchObject({ id: client.id });
    expect(await countOf("clients")).toBe(1);
  });

  test("unknown ids take a bounded place, and none from the known ones", () => {
    const cache = makeClientCache(() => NOW);
    const client = { ...makeClient(), createdAt: NOW, updatedAt: NOW };
    cache.keep(cache.mark(), client.id, client);
    for (let i = 0; i <= UNKNOWN_LIMIT; i += 1) cache.keep(cache.mark(), `x${i}` as ClientId, undefined);
    expect(cache.get("x0" as ClientId)).toBeUndefined();
    expect(cache.get("x1" as ClientId)).toBeNull();
    expect(cache.get(`x${UNKNOWN_LIMIT}` as ClientId)).toBeNull();
    expect(cache.get(client.id)).toEqual(client);
  });

  test("a read that began before a change is not remembered", () => {
    const cache = makeClientCache(() => NOW);
    const client = { ...makeClient(), createdAt: NOW, updatedAt: NOW };
    const mark = cache.mark();
    cache.drop(client.id);
    cache.keep(mark, client.id, client);
    cache.keepSecret(mark, "h", client.id, Infinity);
    expect([cache.get(client.id), cache.ofSecret("h")]).toEqual([undefined, undefined]);
    cache.keep(cache.mark(), client.id, client);
    expect(cache.get(client.id)).toEqual(client);
  });
});
