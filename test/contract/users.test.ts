import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { type ClientId, MAIN, type Realm, type UserId } from "../../src/core/ids.ts";
import { ANY_REALM, type GivenIdentifier } from "../../src/core/ports/users.ts";
import { makeClientCache } from "../../src/store/client-cache.ts";
import { makeClients } from "../../src/store/clients.ts";
import { openStore } from "../../src/store/database.ts";
import { makeDevices } from "../../src/store/devices.ts";
import { makeRecords } from "../../src/store/records.ts";
import { makeUsers } from "../../src/store/users.ts";
import { freshState } from "../worker/database.ts";
import { breakingDatabase, recordingDatabase } from "./databases.ts";
import {
  CLIENT,
  countOf,
  given,
  makeClient,
  makeDevice,
  makeEvent,
  makeGrant,
  makeUser,
  NOW,
  newUserId,
  RACERS,
  race,
  rowsOf,
  viewOf,
} from "./fixtures.ts";

const db = openStore(env.DB);
/** As the Cotter door looks: whatever anybody said. */
const LOOK = { first: "proven", anonymous: true } as const;
/** The operator's word on all of a user's names. */
const all = (given: readonly GivenIdentifier[]) => ({ of: "operator", given }) as const;
const who = (id: UserId) => ({ id, realm: MAIN });
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
      client: CLIENT,
      identifiers: [given("Ada@Example.com", "proof", NOW), given("ada", "anonymous")],
    });
    const made = await users.insert(user, makeEvent(), NOW);
    expect(made).toEqual({
      ok: true,
      value: {
        user: {
          id: user.id,
          externalId: "crm-7",
          realm: MAIN,
          externalAssertedBy: "client",
          externalClient: CLIENT,
          status: "active",
          createdAt: NOW,
          updatedAt: NOW,
        },
        identifiers: user.identifiers.map((one) => ({ ...one, userId: user.id, createdAt: NOW })),
      },
    });
    if (!made.ok) return;
    expect(await users.byId(user.id, MAIN)).toEqual(made.value);
    expect(await users.byExternalId(viewOf(), "crm-7")).toEqual(made.value);
    expect(await users.byIdentifier(viewOf(), given("ADA@example.com"), LOOK)).toEqual(made.value);
    expect(await users.byIdentifier(viewOf(), given("ada"), LOOK)).toEqual(made.value);
    for (const name of [user.id, user.id.toUpperCase(), "crm-7", " ADA@EXAMPLE.COM ", "ada"]) {
      expect(await users.byAnyName(viewOf(), name), name).toEqual(made.value);
    }
  });

  test("nobody is found by what nobody has", async () => {
    await users.insert(makeUser(), makeEvent(), NOW);
    expect(await users.byId(newUserId(), ANY_REALM)).toBeUndefined();
    expect(await users.byExternalId(viewOf(), "x")).toBeUndefined();
    expect(await users.byIdentifier(viewOf(), given("x"), LOOK)).toBeUndefined();
    for (const name of ["x", "", "\u0000", "%", newUserId()]) {
      expect(await users.byAnyName(viewOf(), name), name).toBeUndefined();
    }
  });

  test("byAnyName believes the id, a proof, what was vouched for, and then an anonymous call, in one query", async () => {
    const external = (assertedBy: "client" | "anonymous" | "admin") => ({
      externalId: "v@example.com",
      assertedBy,
      ...(assertedBy === "admin" ? {} : { client: CLIENT }),
    });
    const name = "v@example.com";
    const inOrder = [
      makeUser({ identifiers: [given(name, "proof", NOW)] }),
      makeUser({ identifiers: [], ...external("client") }),
      makeUser({ identifiers: [], ...external("admin") }),
      makeUser({ identifiers: [given(name, "anonymous")] }),
      makeUser({ identifiers: [], ...external("anonymous") }),
    ];
    for (const user of inOrder.toReversed()) {
      await users.insert(user, makeEvent(), NOW);
      const { d1, calls } = recordingDatabase();
      const found = await makeUsers(openStore(d1)).byAnyName(viewOf(), name);
      expect(found?.user.id).toBe(user.id);
      expect(calls).toHaveLength(1);
    }
    const byId = makeUser({ identifiers: [] });
    await users.insert(byId, makeEvent(), NOW);
    await users.insert(makeUser({ ...external("client"), externalId: byId.id }), makeEvent(), NOW);
    expect((await users.byAnyName(viewOf(), byId.id.toUpperCase()))?.user.id).toBe(byId.id);
  });

  test("byAnyNameWithKey finds the same user and their newest device of the key, revoked or not, in one call", async () => {
    const names = [given("keys@example.com", "proof", NOW), given("keys")];
    const user = makeUser({ identifiers: names });
    const made = await users.insert(user, makeEvent(), NOW);
    if (!made.ok) throw new Error(made.error.code);
    const devices = makeDevices(db);
    const own = makeDevice({ userId: user.id });
    const another = makeDevice({ userId: user.id });
    const stranger = makeUser();
    await users.insert(stranger, makeEvent(), NOW);
    const theirs = makeDevice({ userId: stranger.id });
    for (const device of [own, another, theirs]) await devices.insert(device, makeEvent());
    const { d1, calls } = recordingDatabase();
    const look = (fingerprint: string) =>
      makeUsers(openStore(d1)).byAnyNameWithKey(viewOf(), "keys@example.com", fingerprint);
    expect(await look(own.key.fingerprint)).toEqual({ record: made.value, device: own });
    expect(calls).toHaveLength(1);
    expect(await look(theirs.key.fingerprint)).toEqual({ record: made.value });
    await devices.revoke(user.id, own.id, makeEvent(), NOW);
    expect((await look(own.key.fingerprint))?.device?.revokedAt).toBe(NOW);
    const again = makeDevice({ userId: user.id, key: own.key, enrolledAt: own.enrolledAt + 1 });
    await devices.insert(again, makeEvent());
    expect(await look(own.key.fingerprint)).toEqual({ record: made.value, device: again });
    expect(await users.byAnyNameWithKey(viewOf(), "nobody@example.com", own.key.fingerprint)).toBeUndefined();
  });

  test("byDeviceKey finds the live device of a key and its user in one call, within its realm", async () => {
    const user = makeUser({ identifiers: [given("held@example.com", "proof", NOW), given("held")] });
    const made = await users.insert(user, makeEvent(), NOW);
    if (!made.ok) throw new Error(made.error.code);
    const devices = makeDevices(db);
    const [own, other] = [makeDevice({ userId: user.id }), makeDevice({ userId: user.id })];
    for (const device of [own, other]) await devices.insert(device, makeEvent());
    const { d1, calls } = recordingDatabase();
    const { fingerprint } = own.key;
    const look = (realm = MAIN) => makeUsers(openStore(d1)).byDeviceKey(realm, fingerprint);
    expect(await look()).toEqual({ record: made.value, device: own });
    expect(calls).toHaveLength(1);
    expect(await look("elsewhere" as Realm)).toBeUndefined();
    await devices.revoke(user.id, own.id, makeEvent(), NOW);
    expect(await look()).toBeUndefined();
    const heir = makeUser({ identifiers: [] });
    await users.insert(heir, makeEvent(), NOW);
    const again = makeDevice({ userId: heir.id, key: own.key });
    await devices.insert(again, makeEvent());
    expect(await look()).toMatchObject({ record: { user: { id: heir.id } }, device: again });
  });

  test("another client's word finds nobody, unless the client lists it; a proof and the operator's word do", async () => {
    const bank = "bank" as ClientId;
    const user = makeUser({
      externalId: "v-1",
      assertedBy: "client",
      client: bank,
      identifiers: [
        given("told@example.com", "client", undefined, bank),
        given("said@example.com", "anonymous", undefined, bank),
        given("proven@example.com", "proof", NOW, bank),
        given("operator"),
      ],
    });
    await users.insert(user, makeEvent(), NOW);
    const found = async (view: ReturnType<typeof viewOf>) => {
      const names = ["told@example.com", "said@example.com", "proven@example.com", "operator"];
      const byName = names.map(async (name) => (await users.byIdentifier(view, given(name), LOOK)) && name);
      const external = (await users.byExternalId(view, "v-1")) && "v-1";
      return (await Promise.all([...byName, external])).filter(Boolean);
    };
    expect(await found(viewOf())).toEqual(["proven@example.com", "operator"]);
    expect(await found(viewOf(CLIENT, [bank]))).toHaveLength(5);
    expect(await found(viewOf(bank))).toHaveLength(5);
    expect(await found(viewOf(bank, [], "other" as Realm))).toEqual([]);
    expect(await users.byId(user.id, "other" as Realm)).toBeUndefined();
  });

  test("a backend means its own name before anybody's proof, and a proof comes first elsewhere", async () => {
    const own = makeUser({ identifiers: [given("v@example.com", "client")] });
    await users.insert(own, makeEvent(), NOW);
    const prover = makeUser({ identifiers: [given("v@example.com", "proof", NOW)] });
    expect(await users.insert(prover, makeEvent(), NOW)).toMatchObject({ ok: true });
    const id = async (first: "own" | "proven") =>
      (await users.byIdentifier(viewOf(), given("v@example.com"), { first }))?.user.id;
    expect(await id("own")).toBe(own.id);
    expect(await id("proven")).toBe(prover.id);
  });

  test("names of one realm are free in the next", async () => {
    await makeClients(db, makeClientCache()).insert(makeClient({ realm: "other" as Realm }), undefined, NOW);
    const parts = { externalId: "one", identifiers: [given("v@example.com", "proof", NOW)] };
    const main = makeUser(parts);
    const other = makeUser({ ...parts, realm: "other" as Realm });
    for (const user of [main, other])
      expect(await users.insert(user, makeEvent(), NOW)).toMatchObject({ ok: true });
    const there = viewOf(CLIENT, [], "other" as Realm);
    expect((await users.byAnyName(there, "v@example.com"))?.user.id).toBe(other.id);
    expect((await users.byAnyName(viewOf(), "one"))?.user.id).toBe(main.id);
    expect(
      (await users.named(ANY_REALM, { identifier: given("v@example.com") }))
        .map(({ user }) => user.id)
        .sort(),
    ).toEqual([main.id, other.id].sort());
    expect(await users.holdersOf(MAIN, given("v@example.com"))).toMatchObject([{ userId: main.id }]);
    expect(await users.page("other" as Realm, undefined, 9)).toMatchObject([{ user: { id: other.id } }]);
  });

  test("pages follow the id and hold whole users", async () => {
    const made = Array.from({ length: 5 }, () =>
      makeUser({ identifiers: [given(crypto.randomUUID()), given(crypto.randomUUID())] }),
    );
    for (const user of made) await users.insert(user, makeEvent(), NOW);
    const ids = made.map(({ id }) => id).sort();
    const first = await users.page(ANY_REALM, undefined, 3);
    const rest = await users.page(MAIN, first.at(-1)?.user.id, 3);
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
  const ownerOf = async (text: string) => (await users.byIdentifier(viewOf(), given(text), LOOK))?.user.id;

  test("status and external id change alone, and null takes the external id away", async () => {
    const id = await insert({ identifiers: [given("ada")] });
    const named = await users.update(who(id), { status: "locked", externalId: "crm-1" }, NOW + 5);
    expect(named).toMatchObject({
      ok: true,
      value: {
        user: { status: "locked", externalId: "crm-1", externalAssertedBy: "admin", updatedAt: NOW + 5 },
        identifiers: [{ value: "ada" }],
      },
    });
    const cleared = await users.update(who(id), { externalId: null }, NOW + 6);
    expect(cleared).toEqual({
      ok: true,
      value: {
        user: { id, realm: MAIN, status: "locked", createdAt: NOW, updatedAt: NOW + 6, endedAt: NOW + 5 },
        identifiers: [expect.objectContaining({ value: "ada" })],
      },
    });
  });

  test("an external id of another user is refused and nothing changes", async () => {
    await insert({ externalId: "crm-1" });
    const id = await insert({ identifiers: [given("bob")] });
    const answer = await users.update(
      who(id),
      { externalId: "crm-1", status: "locked", identifiers: all([]) },
      NOW + 1,
    );
    expect(answer).toEqual({ ok: false, error: { code: "user_exists", field: "external_id" } });
    expect(await users.byId(id, MAIN)).toMatchObject({
      user: { status: "active" },
      identifiers: [{ value: "bob" }],
    });
  });

  test("identifiers become exactly those given; one that stays keeps its proof and its birth", async () => {
    const id = await insert({ identifiers: [given("old"), given("Stay@example.com", "proof", NOW - 9)] });
    const answer = await users.update(
      who(id),
      { identifiers: all([given("stay@example.com", "admin", NOW - 9), given("new", "client")]) },
      NOW + 1,
    );
    expect(answer.ok && answer.value.identifiers).toEqual([
      { ...given("stay@example.com", "admin", NOW - 9), userId: id, createdAt: NOW },
      { ...given("new", "client"), userId: id, createdAt: NOW + 1 },
    ]);
    expect(await ownerOf("old")).toBeUndefined();
    expect(await users.update(who(id), { identifiers: all([]) }, NOW + 2)).toMatchObject({
      value: { identifiers: [] },
    });
  });

  test.each(["anonymous", "client"] as const)(
    "a proof takes over what was only asserted at its client: %s",
    async (word) => {
      const squatter = await insert({ identifiers: [given("v@example.com", word)] });
      const other = "other" as ClientId;
      const elsewhere = await insert({ identifiers: [given("v@example.com", "client", undefined, other)] });
      const owner = await insert({ identifiers: [given("owner")] });
      const added = given("v@example.com", "proof", NOW + 1);
      expect(await users.update(who(owner), { added, takesFrom: CLIENT }, NOW + 1)).toMatchObject({
        ok: true,
        value: { identifiers: [{ verifiedAt: NOW + 1, assertedBy: "proof", createdAt: NOW + 1 }, {}] },
      });
      expect(await ownerOf("v@example.com")).toBe(owner);
      expect(await users.byId(squatter, MAIN)).toMatchObject({ identifiers: [] });
      expect(await users.byId(elsewhere, MAIN)).toMatchObject({ identifiers: [{ client: other }] });
    },
  );

  test.each([
    [
      "a backend's word over the same backend's",
      given("x@example.com", "client"),
      { ...given("x@example.com", "client"), vouchedAt: NOW },
    ],
    ["a backend's word over a proof", given("x@example.com", "proof", NOW), given("x@example.com", "client")],
    ["a backend's word over the operator's", given("x@example.com"), given("x@example.com", "client")],
    ["the operator's word over a proof", given("x@example.com", "proof", NOW), given("x@example.com")],
    ["the operator's word over the operator's", given("x@example.com"), given("x@example.com")],
    [
      "an anonymous call over a backend's word",
      given("x@example.com", "client"),
      given("x@example.com", "anonymous"),
    ],
    [
      "an anonymous call over an anonymous call",
      given("x@example.com", "anonymous"),
      given("x@example.com", "anonymous"),
    ],
    [
      "a proof over what the operator calls proven",
      given("x@example.com", "admin", NOW),
      given("x@example.com", "proof", NOW),
    ],
    ["a proof over a proof", given("x@example.com", "proof", NOW), given("x@example.com", "proof", NOW)],
  ])("%s of another user is refused and nothing changes", async (_, held, wanted) => {
    const holder = await insert({ identifiers: [held] });
    const id = await insert({ identifiers: [given("mine")] });
    const answer = await users.update(who(id), { status: "locked", identifiers: all([wanted]) }, NOW + 1);
    expect(answer).toEqual({ ok: false, error: { code: "user_exists", field: "identifier" } });
    expect(await ownerOf("x@example.com")).toBe(holder);
    expect(await users.byId(id, MAIN)).toMatchObject({
      user: { status: "active" },
      identifiers: [{ value: "mine" }],
    });
  });

  test.each([
    ["the operator's word", given("x@example.com"), given("x@example.com", "proof", NOW)],
    ["a backend's word", given("x@example.com", "client"), given("x@example.com", "proof", NOW)],
    [
      "what another client's backend says",
      given("x@example.com", "client"),
      given("x@example.com", "client", undefined, "other" as ClientId),
    ],
    ["an anonymous call", given("x@example.com", "anonymous"), given("x@example.com", "client")],
    [
      "an anonymous call at another client",
      given("x@example.com", "anonymous"),
      given("x@example.com", "anonymous", undefined, "other" as ClientId),
    ],
  ])(
    "%s stands in nobody's way: the other word is kept beside it or in its place",
    async (_, held, wanted) => {
      await insert({ identifiers: [held] });
      const id = await insert({ identifiers: [] });
      expect(await users.update(who(id), { added: wanted }, NOW + 1)).toMatchObject({
        ok: true,
        value: { identifiers: [{ normal: "x@example.com" }] },
      });
    },
  );

  test("a client speaks of the names that it gave, and of no other", async () => {
    const other = "other" as ClientId;
    const id = await insert({
      identifiers: [
        given("a@example.com", "client"),
        given("b@example.com", "client", undefined, other),
        given("c@example.com"),
        given("d@example.com", "proof", NOW, other),
      ],
    });
    const mine = { of: CLIENT, given: [given("e@example.com", "client")] };
    const answer = await users.update(who(id), { identifiers: mine }, NOW + 1);
    expect(answer.ok && answer.value.identifiers.map(({ normal }) => normal)).toEqual([
      "b@example.com",
      "c@example.com",
      "d@example.com",
      "e@example.com",
    ]);
  });

  test("T100 race: twenty users prove one squatted identifier, one gets it", async () => {
    await insert({ identifiers: [given("p@example.com", "anonymous")] });
    const ids = await race((racer) => insert({ identifiers: [given(`u${racer}`)] }));
    const answers = await Promise.all(
      ids.map((id) =>
        users.update(who(id), { identifiers: all([given("p@example.com", "proof", NOW)]) }, NOW),
      ),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await ownerOf("p@example.com")).toBe(ids[answers.findIndex(({ ok }) => ok)]);
    expect(await countOf("identifiers")).toBe(RACERS);
  });

  test("a user who is gone gets no identifier back", async () => {
    const id = newUserId();
    const answer = await users.update(who(id), { identifiers: all([given("ghost")]) }, NOW);
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
    expect(await users.byId(id, MAIN)).toBeUndefined();
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
    expect(await users.byId(id, MAIN)).toMatchObject({ identifiers: [{}] });
    expect(await countOf("devices")).toBe(1);
  });
});
