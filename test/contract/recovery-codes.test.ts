import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import type { UserId } from "../../src/core/ids.ts";
import { no, ok } from "../../src/core/result.ts";
import { openStore } from "../../src/store/database.ts";
import { makeDevices } from "../../src/store/devices.ts";
import { makeRecoveryCodes } from "../../src/store/recovery-codes.ts";
import { makeUsers } from "../../src/store/users.ts";
import { freshState } from "../worker/database.ts";
import { CLIENT, makeDevice, makeEvent, NOW, newUserId, race, rowsOf, withUser } from "./fixtures.ts";

const codes = makeRecoveryCodes(openStore(env.DB));
const users = makeUsers(openStore(env.DB));

beforeEach(freshState);

const standing = (userId: UserId) => ({ userId, clientId: CLIENT, since: NOW });
const somebody = async (): Promise<UserId> => (await withUser({ userId: newUserId() })).userId;
const trail = async (type: string) => (await rowsOf("audit_events")).filter((row) => row.type === type);

test("T100 race: of twenty uses of one code one is told true, and one row says so", async () => {
  const userId = await somebody();
  await codes.replace(["a", "b"], standing(userId), makeEvent());
  const answers = await race(() => codes.use("a", standing(userId), makeEvent({ type: "used" })));
  expect(answers.filter((answer) => answer.ok && answer.value)).toHaveLength(1);
  expect(await trail("used")).toHaveLength(1);
  expect(await codes.left(userId)).toBe(1);
});

test("T100 race: of twenty sets at once one stands, whole", async () => {
  const userId = await somebody();
  const setOf = (racer: number) => Array.from({ length: 10 }, (_, at) => `${racer}-${at}`);
  await race((racer) => codes.replace(setOf(racer), standing(userId), makeEvent()));
  const rows = await rowsOf("recovery_codes");
  const racers = new Set(rows.map((row) => String(row.code_hash).split("-")[0]));
  expect([rows.length, racers.size]).toEqual([10, 1]);
});

test("a shorter set leaves nothing of the longer one, used or not", async () => {
  const userId = await somebody();
  await codes.replace(["a", "b", "c"], standing(userId), makeEvent());
  await codes.use("a", standing(userId), makeEvent());
  await codes.replace(["d"], standing(userId), makeEvent());
  expect(await codes.use("b", standing(userId), makeEvent())).toEqual(ok(false));
  expect(await codes.left(userId)).toBe(1);
});

test("a code is its user's alone, also where two have the same hash", async () => {
  const [one, other] = [await somebody(), await somebody()];
  await codes.replace(["a"], standing(one), makeEvent());
  expect(await codes.use("a", standing(other), makeEvent())).toEqual(ok(false));
  await codes.replace(["a"], standing(other), makeEvent());
  expect(await codes.use("a", standing(other), makeEvent())).toEqual(ok(true));
  expect(await codes.left(one)).toBe(1);
});

test("who is locked makes none and uses none; who signed everywhere out since does not either", async () => {
  const userId = await somebody();
  await codes.replace(["a"], standing(userId), makeEvent());
  await users.update({ id: userId, realm: "main" as never }, { status: "locked" }, NOW);
  const locked = no({ code: "user_locked" });
  expect(await codes.replace(["b"], standing(userId), makeEvent({ type: "made" }))).toEqual(locked);
  expect(await codes.use("a", standing(userId), makeEvent({ type: "used" }))).toEqual(locked);
  expect([...(await trail("made")), ...(await trail("used"))]).toEqual([]);
  await users.update({ id: userId, realm: "main" as never }, { status: "active" }, NOW + 1);
  await users.end(userId, NOW + 2);
  expect(await codes.use("a", standing(userId), makeEvent())).toEqual(locked);
  expect(await codes.use("a", { ...standing(userId), since: NOW + 2 }, makeEvent())).toEqual(ok(true));
});

test("a device that was removed meanwhile makes none, and the old set stands", async () => {
  const userId = await somebody();
  const devices = makeDevices(openStore(env.DB));
  const device = makeDevice({ userId });
  await devices.insert(device, makeEvent());
  const signed = { ...standing(userId), deviceId: device.id };
  expect(await codes.replace(["a"], signed, makeEvent())).toEqual(ok(undefined));
  await devices.revoke(userId, device.id, makeEvent(), NOW);
  expect(await codes.replace(["b"], signed, makeEvent())).toEqual(no({ code: "device_revoked" }));
  expect(await codes.use("a", standing(userId), makeEvent())).toEqual(ok(true));
});

test("they go with their user, and nobody makes or uses any afterwards", async () => {
  const userId = await somebody();
  await codes.replace(["a"], standing(userId), makeEvent());
  await users.remove(userId);
  expect(await rowsOf("recovery_codes")).toEqual([]);
  const nobody = no({ code: "unknown_user" });
  expect(await codes.replace(["a"], standing(userId), makeEvent())).toEqual(nobody);
  expect(await codes.use("a", standing(userId), makeEvent())).toEqual(nobody);
  expect(await rowsOf("recovery_codes")).toEqual([]);
});
