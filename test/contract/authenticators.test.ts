import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { ClientId } from "../../src/core/ids.ts";
import { no, ok } from "../../src/core/result.ts";
import { makeAuthenticators } from "../../src/store/authenticators.ts";
import { openStore } from "../../src/store/database.ts";
import { makeDevices } from "../../src/store/devices.ts";
import { freshState } from "../worker/database.ts";
import {
  CLIENT,
  countOf,
  makeAuthenticator,
  makeDevice,
  makeEvent,
  NOW,
  newDeviceId,
  newUserId,
  race,
  withUser,
} from "./fixtures.ts";

const store = openStore(env.DB);
const authenticators = makeAuthenticators(store);
const devices = makeDevices(store);
const sizes = async () => [await countOf("authenticators"), await countOf("audit_events")];
const proven = (userId = newUserId()) => withUser(makeAuthenticator({ userId, verifiedAt: NOW }));
const LATE = no({ code: "enrolment_closed" });

beforeEach(freshState);

test("T100 race: of twenty enrolments of one address one is new, with one audit row", async () => {
  const row = await proven();
  const answers = await race(() => authenticators.enrol(row, makeEvent(), CLIENT));
  expect(answers.filter((answer) => answer.ok && answer.value === "enrolled")).toHaveLength(1);
  expect(answers.every(({ ok }) => ok)).toBe(true);
  expect(await sizes()).toEqual([1, 1]);
});

test("T100 race: of twenty first enrolments of one user one stands, with one audit row", async () => {
  const userId = newUserId();
  const answers = await race(async () =>
    authenticators.enrolFirst(await proven(userId), makeEvent(), CLIENT),
  );
  expect(answers.filter(({ ok }) => ok)).toEqual([ok("enrolled")]);
  expect(answers.filter((answer) => !answer.ok)).toEqual(Array(19).fill(LATE));
  expect(await sizes()).toEqual([1, 1]);
});

test("the first enrolment: a device comes before it, also a removed one; a device's note and a code under way do not", async () => {
  const owner = await withUser(makeDevice());
  await devices.insert(owner, makeEvent());
  expect(await authenticators.enrolFirst(await proven(owner.userId), makeEvent(), CLIENT)).toEqual(LATE);
  await devices.revoke(owner.userId, owner.id, makeEvent(), NOW);
  expect(await authenticators.enrolFirst(await proven(owner.userId), makeEvent(), CLIENT)).toEqual(LATE);
  const userId = newUserId();
  await authenticators.put(makeAuthenticator({ userId, kind: "device", verifiedAt: NOW }));
  await authenticators.put(makeAuthenticator({ userId }));
  const row = await proven(userId);
  expect(await authenticators.enrolFirst(row, makeEvent(), CLIENT)).toEqual(ok("enrolled"));
  expect(await authenticators.enrolFirst(row, makeEvent(), CLIENT)).toEqual(ok("standing"));
  expect(await authenticators.enrolFirst(await proven(userId), makeEvent(), CLIENT)).toEqual(LATE);
  expect(await authenticators.enrolFirst(await proven(), makeEvent(), CLIENT)).toEqual(ok("enrolled"));
});

describe("T183 an address that was removed", () => {
  const [BANK, SHOP] = ["bank", "shop"] as unknown as readonly [ClientId, ClientId];
  const enrolled = async () => {
    const row = { ...(await proven()), clientId: BANK };
    await authenticators.enrol(row, makeEvent(), BANK);
    return row;
  };

  test("T183 leaves its mark and no address, once, and for its own client alone", async () => {
    const row = await enrolled();
    expect(await authenticators.remove(row.userId, row.id, NOW + 1, SHOP)).toBe(false);
    expect(await authenticators.find(row.userId, row.id)).toEqual(row);
    expect(await authenticators.remove(row.userId, row.id, NOW + 1, BANK)).toBe(true);
    expect(await authenticators.remove(row.userId, row.id, NOW + 2, BANK)).toBe(false);
    expect(await authenticators.find(row.userId, row.id)).toBeUndefined();
    const { userId, id, kind, createdAt } = row;
    const mark = { userId, id, kind, createdAt, clientId: BANK, removedAt: NOW + 1 };
    expect(await authenticators.ofUser(userId)).toEqual([mark]);
  });

  test("T183 is no first one again, nor is another; with a scope it is enrolled anew", async () => {
    const row = await enrolled();
    await authenticators.remove(row.userId, row.id, NOW + 1);
    expect(await authenticators.enrolFirst(row, makeEvent(), BANK)).toEqual(LATE);
    expect(await authenticators.enrolFirst(await proven(row.userId), makeEvent(), BANK)).toEqual(LATE);
    const again = { ...row, createdAt: NOW + 5, verifiedAt: NOW + 5, clientId: SHOP };
    expect(await authenticators.enrol(again, makeEvent(), SHOP)).toEqual(ok("enrolled"));
    expect(await authenticators.ofUser(row.userId)).toEqual([again]);
  });

  test("T183 race: of twenty removals one takes it away", async () => {
    const row = await enrolled();
    const answers = await race(() => authenticators.remove(row.userId, row.id, NOW + 1));
    expect(answers.filter(Boolean)).toHaveLength(1);
  });

  test("T183 stands when a version that knows no mark has brought it back", async () => {
    const row = await enrolled();
    await env.DB.prepare("update authenticators set removed_at = ? where id = ?").bind(NOW, row.id).run();
    expect(await authenticators.find(row.userId, row.id)).toMatchObject({ verifiedAt: NOW });
    expect(await authenticators.remove(row.userId, row.id, NOW + 1)).toBe(true);
  });

  test("T183 what is taken back at once leaves nothing, and a device's own row none either", async () => {
    const row = await enrolled();
    await authenticators.forget(row.userId, row.id);
    const id = newDeviceId();
    const { userId } = await withUser({ userId: newUserId(), deviceId: id });
    const note = makeAuthenticator({ kind: "device", id, userId });
    await authenticators.put(note);
    expect(await authenticators.remove(note.userId, note.id, NOW)).toBe(true);
    expect(await countOf("authenticators")).toBe(0);
  });
});

test("T183 the migration names the client of every address, and marks those that were removed before it", async () => {
  const [kept, lost, unknown] = [await proven(), newUserId(), newUserId()];
  await authenticators.enrol(kept, makeEvent(), CLIENT);
  const events = [
    { user: kept.userId, type: "authenticator.enrolled", client: "bank", id: kept.id },
    { user: lost, type: "authenticator.removed", client: null, id: "gone" },
    { user: unknown, type: "authenticator.removed", client: null, id: "gone" },
  ];
  for (const [index, { user, type, client, id }] of events.entries()) {
    const data = JSON.stringify({ authenticator_id: id, kind: "email" });
    await env.DB.prepare(
      "insert into audit_events (id, at, type, actor, user_id, client_id, data) values (?, ?, ?, 'x', ?, ?, ?)",
    )
      .bind(`z${index}`, NOW, type, user, client, data)
      .run();
  }
  await env.DB.prepare("insert into users (id, status, created_at, updated_at) values (?, 'active', 1, 1)")
    .bind(lost)
    .run();
  const migration = env.TEST_MIGRATIONS.find(({ name }) => name.startsWith("0006"));
  const byHand = migration?.queries.filter((query) => !/ALTER TABLE/.test(query)) ?? [];
  expect(byHand).toHaveLength(2);
  for (const query of byHand) await env.DB.prepare(query).run();
  expect(await authenticators.ofUser(kept.userId)).toEqual([{ ...kept, clientId: "bank" }]);
  const mark = { userId: lost, id: "gone", kind: "email", createdAt: NOW, removedAt: NOW };
  expect(await authenticators.ofUser(lost)).toEqual([mark]);
  expect(await authenticators.ofUser(unknown)).toEqual([]);
});

test("a use is noted on a row that stands, and brings back none", async () => {
  const row = await proven();
  await authenticators.enrol(row, makeEvent(), CLIENT);
  await authenticators.touch(row.userId, row.id, NOW + 5);
  expect(await authenticators.find(row.userId, row.id)).toEqual({ ...row, lastVerifiedAt: NOW + 5 });
  expect(await authenticators.remove(row.userId, row.id, NOW)).toBe(true);
  await authenticators.touch(row.userId, row.id, NOW + 6);
  expect(await authenticators.find(row.userId, row.id)).toBeUndefined();
});
