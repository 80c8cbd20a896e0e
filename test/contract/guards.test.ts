import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { Device } from "../../src/core/device/device.ts";
import { type DeviceId, MAIN, type UserId } from "../../src/core/ids.ts";
import type { Result } from "../../src/core/result.ts";
import { makeActions } from "../../src/doors/authsignal/store.ts";
import { makeAuthenticators } from "../../src/store/authenticators.ts";
import { makeClientCache } from "../../src/store/client-cache.ts";
import { makeClients } from "../../src/store/clients.ts";
import { openStore } from "../../src/store/database.ts";
import { makeDevices } from "../../src/store/devices.ts";
import { makeRecords } from "../../src/store/records.ts";
import { makeUserCodes } from "../../src/store/user-codes.ts";
import { makeUsers } from "../../src/store/users.ts";
import { freshState } from "../worker/database.ts";
import {
  CLIENT,
  given,
  makeAction,
  makeAuthenticator,
  makeClient,
  makeCode,
  makeDevice,
  makeEvent,
  makeGrant,
  makeUser,
  NOW,
  newDeviceId,
  newGrantId,
  newUserId,
  withUser,
} from "./fixtures.ts";

const store = openStore(env.DB);
const users = makeUsers(store);
const devices = makeDevices(store);
const records = makeRecords(store);
const userCodes = makeUserCodes(store);
const authenticators = makeAuthenticators(store);
const actions = makeActions(store);
const clients = makeClients(store, makeClientCache());

beforeEach(freshState);

/** A user, their device, and the client of both. */
async function scene() {
  await clients.insert(makeClient({ id: CLIENT }), undefined, NOW);
  const { userId, deviceId } = await withUser({ userId: newUserId(), deviceId: newDeviceId() });
  return { userId, deviceId };
}
type Scene = Awaited<ReturnType<typeof scene>>;

type Written = Result<unknown, { readonly code: string }> | boolean;
/** Everything that is written because of somebody: at first what must be there, then the write. */
type Write = {
  readonly first?: (scene: Scene) => Promise<unknown>;
  readonly write: (scene: Scene) => Promise<Written>;
  /** Whether a device has signed for it. */
  readonly signed?: true;
};

const held = makeDevice();
const old = makeDevice();
const action = makeAction();
const deviceOf = (userId: UserId): Device => makeDevice({ userId });
const at = (userId: UserId) => ({ id: userId, realm: MAIN });
const met = (deviceId?: DeviceId) =>
  ({ challengeId: newGrantId(), method: "push", verifiedBy: "d", deviceId, since: NOW }) as const;

const WRITES: Readonly<Record<string, Write>> = {
  "a grant": {
    signed: true,
    write: ({ userId, deviceId }) => records.finish(makeEvent(), makeGrant({ userId, deviceId })),
  },
  "the note of what is about to be done": {
    signed: true,
    write: (whose) => records.note(makeEvent(), { ...whose, clientId: CLIENT }),
  },
  "a device": {
    signed: true,
    write: ({ userId, deviceId }) => devices.insert(deviceOf(userId), makeEvent(), undefined, deviceId),
  },
  "a device with its grant": {
    write: ({ userId }) => {
      const device = deviceOf(userId);
      return devices.insert(device, makeEvent(), makeGrant({ userId, deviceId: device.id }));
    },
  },
  "a first device": {
    first: ({ deviceId }) => env.DB.prepare("delete from devices where id = ?").bind(deviceId).run(),
    write: ({ userId }) => devices.insertFirst(deviceOf(userId), makeEvent()),
  },
  "a passkey of our page": {
    signed: true,
    write: ({ userId, deviceId }) =>
      devices.insertOwn(deviceOf(userId), makeEvent(), { most: 2, signedBy: deviceId, since: NOW }),
  },
  "a key that leaves another user": {
    first: async () => devices.insert(await withUser(old), makeEvent()),
    write: ({ userId }) =>
      devices.replace(
        { device: old, event: makeEvent() },
        { ...deviceOf(userId), key: old.key },
        makeEvent(),
      ),
  },
  "what a device is good for": {
    first: ({ userId }) => devices.insert({ ...held, userId }, makeEvent()),
    write: ({ userId }) => devices.rekind({ ...held, userId }, "device", CLIENT, makeEvent()),
  },
  "a carried code": {
    signed: true,
    write: ({ userId, deviceId }) =>
      userCodes.issue({ ...makeCode(), userId }, NOW, { event: makeEvent(), signedBy: deviceId }),
  },
  "the place of an enrolment": {
    write: ({ userId }) => userCodes.insert(makeCode({ userId }), NOW),
  },
  "a name by a client": {
    write: ({ userId }) =>
      users.update(
        at(userId),
        { identifiers: { of: CLIENT, given: [given("x@y.example", "client")] } },
        NOW,
        makeEvent(),
      ),
  },
  "a proven name": {
    write: ({ userId }) =>
      users.update(at(userId), { added: given("x@y.example", "proof", NOW) }, NOW, makeEvent()),
  },
  "an address": {
    write: ({ userId }) =>
      authenticators.enrol(makeAuthenticator({ userId, verifiedAt: NOW }), makeEvent(), CLIENT),
  },
  "a first address": {
    first: ({ deviceId }) => env.DB.prepare("delete from devices where id = ?").bind(deviceId).run(),
    write: ({ userId }) =>
      authenticators.enrolFirst(makeAuthenticator({ userId, verifiedAt: NOW }), makeEvent(), CLIENT),
  },
  "an action that a challenge begins for": {
    first: ({ userId }) => actions.track({ ...action, userId }),
    write: ({ userId }) => actions.begin({ ...action, userId }, newGrantId(), NOW),
  },
  "an action that is met": {
    signed: true,
    first: ({ userId }) => actions.track({ ...action, userId }),
    write: ({ userId, deviceId }) => actions.succeed({ ...action, userId }, met(deviceId), NOW),
  },
};

type Fall = {
  readonly code: string;
  readonly fall: (scene: Scene) => Promise<unknown>;
  readonly ofDevice?: true;
};

const FALLS: Readonly<Record<string, Fall>> = {
  "the user is locked": {
    code: "user_locked",
    fall: ({ userId }) => users.update(at(userId), { status: "locked" }, NOW),
  },
  "the user is deleted": { code: "unknown_user", fall: ({ userId }) => users.remove(userId) },
  "the client is disabled": { code: "client_disabled", fall: () => clients.disable(CLIENT, NOW) },
  "the client is of another realm": {
    code: "unknown_user",
    fall: () => env.DB.prepare("update clients set realm = 'other' where id = ?").bind(CLIENT).run(),
  },
  "the device is removed": {
    code: "device_revoked",
    ofDevice: true,
    fall: ({ userId, deviceId }) => devices.revoke(userId, deviceId, makeEvent(), NOW),
  },
};

/** Every row of every table but those that the fall itself has changed, as texts. */
async function everything(): Promise<string[]> {
  const tables = [
    "grants",
    "devices",
    "user_codes",
    "identifiers",
    "authenticators",
    "actions",
    "audit_events",
  ];
  const all = await env.DB.batch(tables.map((table) => env.DB.prepare(`select * from ${table}`)));
  return all.flatMap(({ results }) => results.map((row) => JSON.stringify(row)));
}

const isWritten = (answer: Written): boolean =>
  typeof answer === "boolean" ? answer : answer.ok && answer.value !== false;

describe.each(Object.entries(WRITES))("T191 %s", (_, { first, write, signed }) => {
  test("is written while everybody stands, with its audit row", async () => {
    const there = await scene();
    await first?.(there);
    const earlier = await everything();
    expect(isWritten(await write(there))).toBe(true);
    expect(await everything()).not.toEqual(earlier);
  });

  test.each(Object.entries(FALLS).filter(([, { ofDevice }]) => signed || !ofDevice))(
    "is not written once %s, and nothing else is",
    async (__, { fall, code }) => {
      const there = await scene();
      await first?.(there);
      await fall(there);
      const earlier = await everything();
      const answer = await write(there);
      expect(typeof answer === "boolean" ? answer : answer.ok || answer.error.code).toBe(
        typeof answer === "boolean" ? false : code,
      );
      expect(await everything()).toEqual(earlier);
    },
  );
});

describe("T191 a user who is made", () => {
  const made = () =>
    makeUser({
      client: CLIENT,
      externalId: "x",
      assertedBy: "client",
      identifiers: [given("a@b.example", "proof", NOW)],
    });

  test.each(["alone", "with a device"])("%s: not by a client that is disabled", async (how) => {
    await clients.insert(makeClient({ id: CLIENT }), undefined, NOW);
    const user = made();
    const device = makeDevice({ userId: user.id });
    const grant = makeGrant({ userId: user.id, deviceId: device.id });
    const insert = () =>
      how === "alone"
        ? users.insert(user, makeEvent(), NOW)
        : users.insertWithDevice(user, device, [makeEvent()], NOW, grant);
    await clients.disable(CLIENT, NOW);
    const earlier = await everything();
    expect(await insert()).toEqual({ ok: false, error: { code: "client_disabled" } });
    expect([await everything(), await users.byId(user.id, MAIN)]).toEqual([earlier, undefined]);
    await clients.update(CLIENT, { disabledAt: null }, NOW);
    expect((await insert()).ok).toBe(true);
  });
});

describe("T192 a grant", () => {
  const of = (whose: Scene, createdAt: number) => makeGrant({ ...whose, createdAt });

  test("that is listed already counts as listed, whoever has fallen since", async () => {
    const there = await scene();
    const grant = of(there, NOW);
    await records.finish(makeEvent(), grant);
    await users.update(at(there.userId), { status: "locked" }, NOW);
    expect((await records.finish(makeEvent(), grant)).ok).toBe(true);
  });

  test("that is older than the user's last lock is not listed when they are active again; a younger one is", async () => {
    const there = await scene();
    await users.update(at(there.userId), { status: "locked" }, NOW + 5);
    await users.update(at(there.userId), { status: "active" }, NOW + 6);
    const late = await records.finish(makeEvent(), of(there, NOW + 4));
    expect(late).toEqual({ ok: false, error: { code: "user_locked" } });
    expect((await records.finish(makeEvent(), of(there, NOW + 5))).ok).toBe(true);
    expect(await users.end(there.userId, NOW + 9)).toBe(true);
    expect((await records.finish(makeEvent(), of(there, NOW + 8))).ok).toBe(false);
  });

  test("of a device that is nobody's, or another user's, is not listed", async () => {
    const [there, other] = [await scene(), await withUser({ userId: newUserId(), deviceId: newDeviceId() })];
    for (const deviceId of [newDeviceId(), other.deviceId]) {
      const answer = await records.finish(makeEvent(), of({ ...there, deviceId }, NOW));
      expect(answer).toEqual({ ok: false, error: { code: "device_revoked" } });
    }
  });
});

test("T191 the operator's own change of names is made on a locked user too", async () => {
  const { userId } = await scene();
  await users.update(at(userId), { status: "locked" }, NOW);
  const changed = await users.update(
    at(userId),
    { identifiers: { of: "operator", given: [given("x@y.example")] } },
    NOW,
  );
  expect(changed.ok).toBe(true);
});

test("T191 what is known of a deleted user's device or profile is not written any more", async () => {
  const { userId, deviceId } = await scene();
  await users.remove(userId);
  await authenticators.put(makeAuthenticator({ userId, id: deviceId, kind: "device" }));
  await authenticators.changeProfile(userId, CLIENT, { locale: "de" }, NOW);
  expect(await actions.track({ ...action, userId })).toBeUndefined();
  expect([
    await authenticators.ofUser(userId),
    await authenticators.profile(userId, { client: CLIENT, from: [] }),
  ]).toEqual([[], {}]);
});
