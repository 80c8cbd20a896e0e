import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { UserId } from "../../src/core/ids.ts";
import { openStore } from "../../src/store/database.ts";
import { makeDevices } from "../../src/store/devices.ts";
import { makeRecords } from "../../src/store/records.ts";
import { makeUsers } from "../../src/store/users.ts";
import { freshState } from "../worker/database.ts";
import { breakingDatabase, recordingDatabase } from "./databases.ts";
import {
  countOf,
  given,
  makeDevice,
  makeEvent,
  makeGrant,
  makeUser,
  NOW,
  newUserId,
  RACERS,
  race,
  rowsOf,
} from "./fixtures.ts";

const db = openStore(env.DB);
const users = makeUsers(db);
const sizes = async () => [
  await countOf("users"),
  await countOf("identifiers"),
  await countOf("audit_events"),
];

beforeEach(freshState);

describe("finding", () => {
  test("a user is found whole by id, external id and each identifier", async () => {
    const user = makeUser({
      externalId: "crm-7",
      assertedBy: "client",
      identifiers: [given("Ada@Example.com", "client", NOW), given("ada", "anonymous")],
    });
    const made = await users.insert(user, makeEvent(), NOW);
    expect(made).toEqual({
      ok: true,
      value: {
        user: {
          id: user.id,
          externalId: "crm-7",
          externalAssertedBy: "client",
          status: "active",
          createdAt: NOW,
          updatedAt: NOW,
        },
        identifiers: user.identifiers.map((one) => ({ ...one, userId: user.id, createdAt: NOW })),
      },
    });
    if (!made.ok) return;
    expect(await users.byId(user.id)).toEqual(made.value);
    expect(await users.byExternalId("crm-7")).toEqual(made.value);
    expect(await users.byIdentifier(given("ADA@example.com"))).toEqual(made.value);
    expect(await users.byIdentifier(given("ada"))).toEqual(made.value);
    for (const name of [user.id, user.id.toUpperCase(), "crm-7", " ADA@EXAMPLE.COM ", "ada"]) {
      expect(await users.byAnyName(name), name).toEqual(made.value);
    }
  });

  test("nobody is found by what nobody has", async () => {
    await users.insert(makeUser(), makeEvent(), NOW);
    expect(await users.byId(newUserId())).toBeUndefined();
    expect(await users.byExternalId("x")).toBeUndefined();
    expect(await users.byIdentifier(given("x"))).toBeUndefined();
    for (const name of ["x", "", "\u0000", "%", newUserId()]) {
      expect(await users.byAnyName(name), name).toBeUndefined();
    }
  });

  test("byAnyName prefers the id, then the external id, then the identifier, in one query", async () => {
    const first = makeUser({ identifiers: [] });
    const second = makeUser({ externalId: first.id, identifiers: [given("shared")] });
    const third = makeUser({ externalId: "shared", identifiers: [given(first.id)] });
    for (const user of [first, second, third]) await users.insert(user, makeEvent(), NOW);
    const { d1, calls } = recordingDatabase();
    const asked = makeUsers(openStore(d1));
    expect((await asked.byAnyName(first.id))?.user.id).toBe(first.id);
    expect((await asked.byAnyName("shared"))?.user.id).toBe(third.id);
    expect(calls).toHaveLength(2);
  });

  test("pages follow the id and hold whole users", async () => {
    const made = Array.from({ length: 5 }, () =>
      makeUser({ identifiers: [given(crypto.randomUUID()), given(crypto.randomUUID())] }),
    );
    for (const user of made) await users.insert(user, makeEvent(), NOW);
    const ids = made.map(({ id }) => id).sort();
    const first = await users.page(undefined, 3);
    const rest = await users.page(first.at(-1)?.user.id, 3);
    expect([...first, ...rest].map(({ user }) => user.id)).toEqual(ids);
    expect(first).toHaveLength(3);
    expect([...first, ...rest].every(({ identifiers }) => identifiers.length === 2)).toBe(true);
  });
});

describe("inserting", () => {
  test("T100 race: of twenty users with one identifier one stands, and nothing is half written", async () => {
    const answers = await race((racer) =>
      users.insert(
        makeUser({ identifiers: [given(`other-${racer}`), given("Taken@example.com")] }),
        makeEvent(),
        NOW,
      ),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    const refused = answers.filter((answer) => !answer.ok);
    expect(refused).toHaveLength(RACERS - 1);
    for (const answer of refused)
      expect(answer).toEqual({ ok: false, error: { code: "user_exists", field: "identifier" } });
    expect(await sizes()).toEqual([1, 2, 1]);
  });

  test("T100 race: one external id, one id", async () => {
    const external = await race(() => users.insert(makeUser({ externalId: "one" }), makeEvent(), NOW));
    expect(external.filter(({ ok }) => ok)).toHaveLength(1);
    expect(external.find(({ ok }) => !ok)).toEqual({
      ok: false,
      error: { code: "user_exists", field: "external_id" },
    });
    const id = newUserId();
    const same = await race(() => users.insert(makeUser({ id }), makeEvent(), NOW));
    expect(same.filter(({ ok }) => ok)).toHaveLength(1);
    expect(same.find(({ ok }) => !ok)).toEqual({ ok: false, error: { code: "user_exists", field: "id" } });
    expect(await sizes()).toEqual([2, 2, 2]);
  });

  test("T100 a later statement that fails takes the user back", async () => {
    await expect(
      makeUsers(openStore(breakingDatabase())).insert(makeUser(), makeEvent(), NOW),
    ).rejects.toMatchObject({ name: "Outage" });
    expect(await sizes()).toEqual([0, 0, 0]);
  });
});

describe("changing", () => {
  const insert = async (parts: Parameters<typeof makeUser>[0]) => {
    const user = makeUser(parts);
    expect(await users.insert(user, makeEvent(), NOW)).toMatchObject({ ok: true });
    return user.id;
  };
  const ownerOf = async (text: string) => (await users.byIdentifier(given(text)))?.user.id;

  test("status and external id change alone, and null takes the external id away", async () => {
    const id = await insert({ identifiers: [given("ada")] });
    const named = await users.update(id, { status: "locked", externalId: "crm-1" }, NOW + 5);
    expect(named).toMatchObject({
      ok: true,
      value: {
        user: { status: "locked", externalId: "crm-1", externalAssertedBy: "admin", updatedAt: NOW + 5 },
        identifiers: [{ value: "ada" }],
      },
    });
    const cleared = await users.update(id, { externalId: null }, NOW + 6);
    expect(cleared).toEqual({
      ok: true,
      value: {
        user: { id, status: "locked", createdAt: NOW, updatedAt: NOW + 6 },
        identifiers: [expect.objectContaining({ value: "ada" })],
      },
    });
  });

  test("an external id of another user is refused and nothing changes", async () => {
    await insert({ externalId: "crm-1" });
    const id = await insert({ identifiers: [given("bob")] });
    const answer = await users.update(
      id,
      { externalId: "crm-1", status: "locked", identifiers: [] },
      NOW + 1,
    );
    expect(answer).toEqual({ ok: false, error: { code: "user_exists", field: "external_id" } });
    expect(await users.byId(id)).toMatchObject({
      user: { status: "active" },
      identifiers: [{ value: "bob" }],
    });
  });

  test("identifiers become exactly those given; one that stays keeps its proof and its birth", async () => {
    const id = await insert({ identifiers: [given("old"), given("Stay@example.com", "proof", NOW - 9)] });
    const answer = await users.update(
      id,
      { identifiers: [given("stay@example.com"), given("new", "client")] },
      NOW + 1,
    );
    expect(answer.ok && answer.value.identifiers).toEqual([
      { ...given("stay@example.com", "admin", NOW - 9), userId: id, createdAt: NOW },
      { ...given("new", "client"), userId: id, createdAt: NOW + 1 },
    ]);
    expect(await ownerOf("old")).toBeUndefined();
    expect(await users.update(id, { identifiers: [] }, NOW + 2)).toMatchObject({
      value: { identifiers: [] },
    });
  });

  test.each(["anonymous", "client"] as const)(
    "a proof takes over what was only asserted: %s",
    async (word) => {
      const squatter = await insert({ identifiers: [given("v@example.com", word)] });
      const owner = await insert({ identifiers: [given("owner")] });
      const proven = [given("owner"), given("v@example.com", "proof", NOW + 1)];
      expect(await users.update(owner, { identifiers: proven }, NOW + 1)).toMatchObject({
        ok: true,
        value: { identifiers: [{ verifiedAt: NOW + 1, assertedBy: "proof", createdAt: NOW + 1 }, {}] },
      });
      expect(await ownerOf("v@example.com")).toBe(owner);
      expect(await users.byId(squatter)).toMatchObject({ identifiers: [] });
    },
  );

  test.each([
    ["an assertion over an anonymous one", given("x@example.com", "anonymous"), given("x@example.com")],
    [
      "a backend's word for a proof over another backend's word",
      given("x@example.com", "client"),
      given("x@example.com", "client", NOW),
    ],
    [
      "a proof over what a backend has seen proven",
      given("x@example.com", "client", NOW),
      given("x@example.com", "proof", NOW),
    ],
    ["a proof over an admin's", given("x@example.com", "admin"), given("x@example.com", "proof", NOW)],
    [
      "a proof over a proven one, however it began,",
      given("x@example.com", "anonymous", NOW),
      given("x@example.com", "proof", NOW),
    ],
    ["a proof over a proof", given("x@example.com", "proof", NOW), given("x@example.com", "proof", NOW)],
  ])("%s of another user is refused and nothing changes", async (_, held, wanted) => {
    const holder = await insert({ identifiers: [held] });
    const id = await insert({ identifiers: [given("mine")] });
    const answer = await users.update(id, { status: "locked", identifiers: [wanted] }, NOW + 1);
    expect(answer).toEqual({ ok: false, error: { code: "user_exists", field: "identifier" } });
    expect(await ownerOf("x@example.com")).toBe(holder);
    expect(await users.byId(id)).toMatchObject({
      user: { status: "active" },
      identifiers: [{ value: "mine" }],
    });
  });

  test("T100 race: twenty users prove one squatted identifier, one gets it", async () => {
    await insert({ identifiers: [given("p@example.com", "anonymous")] });
    const ids = await race((racer) => insert({ identifiers: [given(`u${racer}`)] }));
    const answers = await Promise.all(
      ids.map((id) => users.update(id, { identifiers: [given("p@example.com", "proof", NOW)] }, NOW)),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await ownerOf("p@example.com")).toBe(ids[answers.findIndex(({ ok }) => ok)]);
    expect(await countOf("identifiers")).toBe(RACERS);
  });

  test("a user who is gone gets no identifier back", async () => {
    const id = newUserId();
    const answer = await users.update(id, { identifiers: [given("ghost")] }, NOW);
    expect(answer).toEqual({ ok: false, error: { code: "unknown_user" } });
    expect(await sizes()).toEqual([0, 0, 0]);
  });
});

describe("removing", () => {
  const seed = async (id: UserId) => {
    await users.insert(makeUser({ id }), makeEvent(), NOW);
    await makeDevices(db).insert(makeDevice({ userId: id }), makeEvent(), makeGrant({ userId: id }));
  };

  test("user, identifiers and devices go together; grants and the trail stay; nobody else is touched", async () => {
    const [id, other] = [newUserId(), newUserId()];
    await seed(id);
    await seed(other);
    const event = makeEvent({ userId: id, type: "user.deleted" });
    expect(await users.remove(id, event)).toBe(true);
    expect(await users.byId(id)).toBeUndefined();
    expect((await rowsOf("identifiers")).map((row) => row.user_id)).toEqual([other]);
    expect((await rowsOf("devices")).map((row) => row.user_id)).toEqual([other]);
    expect(await countOf("grants")).toBe(2);
    expect(await countOf("audit_events")).toBe(5);
    expect(await makeRecords(db).events({ userId: id, size: 9 })).toEqual([event]);
  });

  test("T100 race: one removal counts, and one audit row is written", async () => {
    const id = newUserId();
    await seed(id);
    const before = await countOf("audit_events");
    const answers = await race(() => users.remove(id, makeEvent()));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await countOf("audit_events")).toBe(before + 1);
    expect(await users.remove(newUserId())).toBe(false);
  });

  test("T100 a later statement that fails takes the removal back", async () => {
    const id = newUserId();
    await seed(id);
    await expect(makeUsers(openStore(breakingDatabase())).remove(id)).rejects.toMatchObject({
      name: "Outage",
    });
    expect(await users.byId(id)).toMatchObject({ identifiers: [{}] });
    expect(await countOf("devices")).toBe(1);
  });
});
