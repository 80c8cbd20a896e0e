import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { Device, PasskeyState } from "../../src/core/device/device.ts";
import { type DeviceId, MAIN } from "../../src/core/ids.ts";
import { no, ok } from "../../src/core/result.ts";
import { makeAuthenticators } from "../../src/store/authenticators.ts";
import { openStore } from "../../src/store/database.ts";
import { makeDevices } from "../../src/store/devices.ts";
import { freshState } from "../worker/database.ts";
import { breakingDatabase, recordingDatabase } from "./databases.ts";
import {
  CLIENT,
  countOf,
  makeAuthenticator,
  makeDevice,
  makeEvent,
  makeGrant,
  NOW,
  newDeviceId,
  newUserId,
  RACERS,
  race,
  rowsOf,
  withUser,
} from "./fixtures.ts";

const devices = makeDevices(openStore(env.DB));
const sizes = async () => [await countOf("devices"), await countOf("audit_events"), await countOf("grants")];

const DONE = ok(undefined);
const TAKEN = no({ code: "device_exists" });
const LATE = no({ code: "enrolment_closed" });

beforeEach(freshState);

test("an enrolled device is found by key, id and user", async () => {
  const device = await withUser(makeDevice());
  expect(await devices.insert(device, makeEvent(), makeGrant())).toEqual(DONE);
  expect(await devices.byFingerprint(MAIN, device.key.fingerprint)).toEqual(device);
  expect(await devices.byId(device.id)).toEqual(device);
  expect(await devices.ofUser(device.userId)).toEqual([device]);
  expect(await devices.ofUserByFingerprint(device.userId, device.key.fingerprint)).toEqual(device);
  expect(await sizes()).toEqual([1, 1, 1]);
  expect(await devices.byFingerprint(MAIN, "x")).toBeUndefined();
  expect(await devices.byId(newDeviceId())).toBeUndefined();
  expect(await devices.ofUser(newUserId())).toEqual([]);
  expect(await devices.ofUserByFingerprint(newUserId(), device.key.fingerprint)).toBeUndefined();
});

describe("enrolling", () => {
  test("T100 race: of twenty enrolments of one key one stands, with one audit row and one grant", async () => {
    const { key } = makeDevice();
    const answers = await race(async () =>
      devices.insert(await withUser(makeDevice({ key })), makeEvent(), makeGrant()),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(answers.filter(({ ok }) => !ok)).toEqual(Array(RACERS - 1).fill(TAKEN));
    expect(await sizes()).toEqual([1, 1, 1]);
  });

  test("T100 race: of twenty first devices of one user with keys of their own one stands, with one audit row", async () => {
    const { userId } = await withUser(makeDevice());
    const answers = await race(() => devices.insertFirst(makeDevice({ userId }), makeEvent()));
    expect(answers.filter(({ ok }) => ok)).toEqual([DONE]);
    expect(answers.filter(({ ok }) => !ok)).toEqual(Array(RACERS - 1).fill(LATE));
    expect(await sizes()).toEqual([1, 1, 0]);
  });

  test("a device is no first one beside a code that came back, or of a key that somebody has", async () => {
    const device = await withUser(makeDevice());
    const code = {
      userId: device.userId,
      id: "a",
      kind: "email",
      identifier: "a@b.example",
      createdAt: NOW,
    } as const;
    const authenticators = makeAuthenticators(openStore(env.DB));
    await authenticators.put(code);
    const other = await withUser(makeDevice());
    await devices.insert(other, makeEvent());
    expect(
      await devices.insertFirst(makeDevice({ userId: device.userId, key: other.key }), makeEvent()),
    ).toEqual(TAKEN);
    await authenticators.put({ ...code, verifiedAt: NOW });
    expect(await devices.insertFirst(device, makeEvent())).toEqual(LATE);
    expect(await sizes()).toEqual([1, 1, 0]);
    await authenticators.forget(device.userId, code.id);
    expect(await devices.insertFirst(device, makeEvent())).toEqual(DONE);
    expect(await devices.byId(device.id)).toEqual(device);
  });

  test("T183 a device is no first one where another, or a code, was taken away before", async () => {
    const lost = await withUser(makeDevice());
    await devices.insert(lost, makeEvent());
    await devices.revoke(lost.userId, lost.id, makeEvent(), NOW);
    expect(await devices.insertFirst(makeDevice({ userId: lost.userId }), makeEvent())).toEqual(LATE);
    const authenticators = makeAuthenticators(openStore(env.DB));
    const row = await withUser(makeAuthenticator({ verifiedAt: NOW }));
    await authenticators.enrol(row, makeEvent(), CLIENT);
    await authenticators.remove(row.userId, row.id, NOW);
    expect(await devices.insertFirst(makeDevice({ userId: row.userId }), makeEvent())).toEqual(LATE);
    expect(await devices.insertFirst(await withUser(makeDevice()), makeEvent())).toEqual(DONE);
  });

  test("T100 race: of twenty passkeys at once no more are written than a user may have, each with its audit row", async () => {
    const { userId } = await withUser(makeDevice());
    const passkey = () => makeDevice({ userId, door: "oauth", credentialId: crypto.randomUUID() });
    const others = [makeDevice({ userId }), { ...passkey(), door: "loginid" } as const];
    for (const other of others) await devices.insert(other, makeEvent());
    const asked = { most: 3, since: NOW };
    const answers = await race(() => devices.insertOwn(passkey(), makeEvent(), asked));
    expect(answers.filter(({ ok }) => ok)).toEqual([DONE, DONE, DONE]);
    expect(answers.filter(({ ok }) => !ok)).toEqual(Array(RACERS - 3).fill(LATE));
    expect(await sizes()).toEqual([5, 5, 0]);
    const removed = (await devices.ofUser(userId)).find(({ door }) => door === "oauth")!;
    await devices.revoke(userId, removed.id, makeEvent(), NOW);
    expect(await devices.insertOwn(passkey(), makeEvent(), asked)).toEqual(DONE);
  });

  test("T25 a passkey is not written by the word of a device that was removed, or in a session from before the user's end", async () => {
    const device = await withUser(makeDevice());
    await devices.insert(device, makeEvent());
    const { userId } = device;
    const passkey = makeDevice({ userId, door: "oauth", credentialId: "a" });
    const asked = { most: 3, signedBy: device.id, since: NOW };
    await devices.revoke(userId, device.id, makeEvent(), NOW);
    expect(await devices.insertOwn(passkey, makeEvent(), asked)).toEqual(no({ code: "device_revoked" }));
    await env.DB.prepare("update users set ended_at = ? where id = ?").bind(NOW, userId).run();
    const before = { most: 3, since: NOW - 1 };
    expect(await devices.insertOwn(passkey, makeEvent(), before)).toEqual(no({ code: "user_locked" }));
    expect(await devices.insertOwn(passkey, makeEvent(), { most: 3, since: NOW })).toEqual(DONE);
    expect(await devices.insertOwn(passkey, makeEvent(), { most: 3, since: NOW })).toEqual(TAKEN);
  });

  test("T100 race: of twenty who take over one key one has it, and the device before is revoked once", async () => {
    const old = await withUser(makeDevice());
    await devices.insert(old, makeEvent());
    const event = makeEvent({ reason: "moved" });
    const answers = await race(async () =>
      devices.replace(
        { device: old, event: makeEvent({ reason: "moved" }) },
        await withUser(makeDevice({ key: old.key })),
        makeEvent(),
      ),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await devices.byId(old.id)).toMatchObject({ revokedAt: event.at });
    expect((await devices.byFingerprint(MAIN, old.key.fingerprint))?.userId).not.toBe(old.userId);
    expect(await sizes()).toEqual([2, 3, 0]);
  });

  test("a revoked key may be enrolled again, and the newest row of it is the user's", async () => {
    const old = await withUser(makeDevice());
    await devices.insert(old, makeEvent());
    await devices.revoke(old.userId, old.id, makeEvent(), NOW + 1);
    const again = makeDevice({ userId: old.userId, key: old.key, enrolledAt: NOW + 2 });
    expect(await devices.insert(again, makeEvent())).toEqual(DONE);
    expect(await devices.ofUserByFingerprint(old.userId, old.key.fingerprint)).toEqual(again);
    expect(await devices.byFingerprint(MAIN, old.key.fingerprint)).toEqual(again);
    expect(await devices.ofUser(old.userId)).toEqual([again]);
    expect(await devices.ofUser(old.userId, { withRevoked: true })).toEqual([
      again,
      { ...old, revokedAt: NOW + 1 },
    ]);
  });

  test("T100 a later statement that fails takes the device back", async () => {
    const broken = makeDevices(openStore(breakingDatabase()));
    await expect(broken.insert(makeDevice(), makeEvent(), makeGrant())).rejects.toMatchObject({
      name: "Outage",
    });
    expect(await sizes()).toEqual([0, 0, 0]);
  });
});

describe("passkeys", () => {
  const makePasskey = () => makeDevice({ kind: "passkey", credentialId: crypto.randomUUID(), signCount: 4 });

  test("T100 race: of twenty of one credential id one is live; revoked, its id is free again", async () => {
    const passkey = await withUser(makePasskey());
    const { credentialId = "" } = passkey;
    expect(await devices.byCredentialId(MAIN, credentialId)).toBeUndefined();
    const answers = await race(() =>
      devices.insert(makeDevice({ credentialId, userId: passkey.userId }), makeEvent()),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    const [live] = await devices.ofUser(passkey.userId);
    expect(await devices.byCredentialId(MAIN, credentialId)).toEqual(live);
    await devices.revoke(passkey.userId, live!.id, makeEvent(), NOW);
    expect(await devices.byCredentialId(MAIN, credentialId)).toBeUndefined();
    expect(await devices.insert(passkey, makeEvent())).toEqual(DONE);
    expect(await devices.byCredentialId(MAIN, credentialId)).toEqual(passkey);
  });

  test("T100 race: a counter is taken once, when it grows; one that was always 0 stays", async () => {
    const passkey = await withUser(makePasskey());
    await devices.insert(passkey, makeEvent());
    const counted = (id: DeviceId, signCount: number) =>
      devices.notePasskey(id, { signCount, backupEligible: false, backedUp: false });
    const answers = await race(() => counted(passkey.id, 5));
    expect(answers.filter(Boolean)).toHaveLength(1);
    for (const count of [5, 4, 0]) expect(await counted(passkey.id, count)).toBe(false);
    expect((await devices.byId(passkey.id))?.signCount).toBe(5);
    const uncounted = await withUser(makeDevice({ credentialId: crypto.randomUUID(), signCount: 0 }));
    await devices.insert(uncounted, makeEvent());
    expect(await counted(uncounted.id, 0)).toBe(true);
    await devices.revoke(uncounted.userId, uncounted.id, makeEvent(), NOW);
    expect(await counted(uncounted.id, 1)).toBe(false);
  });
});

describe("what a passkey tells of its backup", () => {
  const enrolled = async (told: Partial<PasskeyState>) => {
    const device = await withUser(
      makeDevice({ kind: "passkey", credentialId: crypto.randomUUID(), ...told }),
    );
    expect(await devices.insert(device, makeEvent())).toEqual(DONE);
    return device;
  };
  const kept = async ({ id }: Device) => {
    const { backupEligible, backedUp } = (await devices.byId(id)) ?? {};
    return [backupEligible, backedUp];
  };

  test("is kept from its enrolment on; that it is backed up may change", async () => {
    const passkey = await enrolled({ signCount: 0, backupEligible: true, backedUp: false });
    expect(await devices.byId(passkey.id)).toEqual(passkey);
    for (const backedUp of [true, false]) {
      const state = { signCount: 0, backupEligible: true, backedUp };
      expect(await devices.notePasskey(passkey.id, state)).toBe(true);
      expect(await kept(passkey)).toEqual([true, backedUp]);
    }
  });

  test.each([true, false])("whether it may be backed up does not change from %s", async (backupEligible) => {
    const passkey = await enrolled({ signCount: 0, backupEligible, backedUp: false });
    const other = { signCount: 0, backupEligible: !backupEligible, backedUp: false };
    expect(await devices.notePasskey(passkey.id, other)).toBe(false);
    expect(await kept(passkey)).toEqual([backupEligible, false]);
  });

  test("a row of before learns it once", async () => {
    const passkey = await enrolled({ signCount: 0 });
    expect(await kept(passkey)).toEqual([undefined, undefined]);
    const state = { signCount: 0, backupEligible: true, backedUp: true };
    expect(await devices.notePasskey(passkey.id, state)).toBe(true);
    expect(await kept(passkey)).toEqual([true, true]);
    expect(await devices.notePasskey(passkey.id, { ...state, backupEligible: false })).toBe(false);
  });
});

describe("revoking", () => {
  test("T102 a revoked device is refused from the next read on, from the primary", async () => {
    const { d1, calls } = recordingDatabase();
    const recorded = makeDevices(openStore(d1));
    const device = await withUser(makeDevice());
    await recorded.insert(device, makeEvent());
    const revoked = await recorded.revoke(device.userId, device.id, makeEvent({ reason: "lost" }), NOW + 7);
    expect(revoked).toEqual({ ...device, revokedAt: NOW + 7, revokedReason: "lost" });
    const before = calls.length;
    expect(await recorded.byFingerprint(MAIN, device.key.fingerprint)).toBeUndefined();
    expect(await recorded.ofUser(device.userId)).toEqual([]);
    expect(await recorded.byId(device.id)).toEqual(revoked);
    expect(await recorded.ofUserByFingerprint(device.userId, device.key.fingerprint)).toEqual(revoked);
    expect(calls.length - before).toBe(4);
    expect(await rowsOf("devices")).toMatchObject([{ revoked_at: NOW + 7, revoked_reason: "lost" }]);
  });

  test("T100 race: of twenty revocations one wins, and it alone is on record", async () => {
    const device = await withUser(makeDevice());
    await devices.insert(device, makeEvent({ type: "device.enrolled" }));
    const answers = await race((racer) =>
      devices.revoke(device.userId, device.id, makeEvent({ type: "device.revoked" }), NOW + racer),
    );
    expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1);
    expect(answers).toHaveLength(RACERS);
    expect((await rowsOf("audit_events")).map(({ type }) => type).sort()).toEqual([
      "device.enrolled",
      "device.revoked",
    ]);
  });

  test("T100 of two that revoke each other one stays, and only its word is on record", async () => {
    const one = await withUser(makeDevice());
    const other = { ...makeDevice(), userId: one.userId };
    await devices.insert(one, makeEvent());
    await devices.insert(other, makeEvent());
    const answers = await Promise.all([
      devices.revoke(one.userId, other.id, makeEvent({ type: "device.revoked" }), NOW, one.id),
      devices.revoke(one.userId, one.id, makeEvent({ type: "device.revoked" }), NOW, other.id),
    ]);
    expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1);
    expect(await devices.ofUser(one.userId)).toHaveLength(1);
    const revocations = (await rowsOf("audit_events")).filter(({ type }) => type === "device.revoked");
    expect(revocations).toHaveLength(1);
    const [last] = await devices.ofUser(one.userId);
    if (!last) throw new Error("nobody stayed");
    expect(await devices.revoke(one.userId, last.id, makeEvent(), NOW, last.id)).toMatchObject({
      id: last.id,
    });
  });

  test("T20 T100 a miss writes nothing: another user's device, an unknown one", async () => {
    const device = await withUser(makeDevice());
    await devices.insert(device, makeEvent());
    expect(await devices.revoke(newUserId(), device.id, makeEvent(), NOW)).toBeUndefined();
    expect(await devices.revoke(device.userId, newDeviceId(), makeEvent(), NOW)).toBeUndefined();
    expect(await devices.byFingerprint(MAIN, device.key.fingerprint)).toEqual(device);
    expect(await sizes()).toEqual([1, 1, 0]);
  });

  test("T100 a later statement that fails takes the revocation back", async () => {
    const device = await withUser(makeDevice());
    await devices.insert(device, makeEvent());
    const broken = makeDevices(openStore(breakingDatabase()));
    await expect(broken.revoke(device.userId, device.id, makeEvent(), NOW)).rejects.toMatchObject({
      name: "Outage",
    });
    expect(await devices.byId(device.id)).toEqual(device);
    expect(await sizes()).toEqual([1, 1, 0]);
  });
});
