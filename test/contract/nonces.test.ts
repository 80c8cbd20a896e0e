import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { openStore } from "../../src/store/database.ts";
import { makeDevices } from "../../src/store/devices.ts";
import { makeNonces } from "../../src/store/nonces.ts";
import { makeUserCodes } from "../../src/store/user-codes.ts";
import { freshState } from "../worker/database.ts";
import {
  countOf,
  makeCode,
  makeDevice,
  makeEvent,
  makeNonce,
  NOW,
  newUserId,
  race,
  rowsOf,
  withUser,
} from "./fixtures.ts";

const db = openStore(env.DB);
const nonces = makeNonces(db);
const codes = makeUserCodes(db);
const devices = makeDevices(db);

beforeEach(freshState);

test("T100 race: of twenty spendings of one nonce one is taken", async () => {
  const nonce = makeNonce();
  const answers = await race(() => nonces.spend(nonce));
  expect(answers.filter(Boolean)).toHaveLength(1);
  expect(await countOf("used_nonces")).toBe(1);
});

test("a nonce is one client's: another's of the same text is spent by itself", async () => {
  const nonce = makeNonce();
  expect(await nonces.spend(nonce)).toBe(true);
  expect(await nonces.spend({ ...nonce, clientId: "other" as typeof nonce.clientId })).toBe(true);
});

test("a nonce comes again with the request it was spent for, and with no other", async () => {
  const nonce = makeNonce({ use: "this" });
  expect(await nonces.spend(nonce)).toBe(true);
  expect(await nonces.spend(nonce)).toBe(true);
  expect(await nonces.spend({ ...nonce, use: "that" })).toBe(false);
  const { use: _, ...bare } = nonce;
  expect(await nonces.spend(bare)).toBe(false);
  const once = makeNonce();
  expect(await nonces.spend(once)).toBe(true);
  expect(await nonces.spend({ ...once, use: "this" })).toBe(false);
});

test("purging takes what is over and nothing else", async () => {
  await nonces.spend(makeNonce({ expiresAt: NOW }));
  await nonces.spend(makeNonce({ expiresAt: NOW }));
  await nonces.spend(makeNonce({ expiresAt: NOW + 1 }));
  expect(await nonces.purge(NOW - 1, 5)).toBe(0);
  expect(await nonces.purge(NOW, 1)).toBe(1);
  expect(await nonces.purge(NOW, 5)).toBe(1);
  expect((await rowsOf("used_nonces")).map((row) => row.expires_at)).toEqual([NOW + 1]);
});

test("T100 a spent nonce undoes the batch that it stands in: no code, no audit row", async () => {
  const nonce = makeNonce();
  await nonces.spend(nonce);
  const row = await withUser({ ...makeCode(), userId: newUserId() });
  expect(await codes.issue(row, NOW, { nonce, event: makeEvent() })).toEqual({
    ok: false,
    error: { code: "replayed" },
  });
  expect(await codes.lookUp(row.hash, nonce)).toMatchObject({ ok: false });
  expect(await codes.ofUser({ userId: row.userId }, NOW, nonce)).toMatchObject({ ok: false });
  expect(await countOf("user_codes")).toBe(0);
  expect(await countOf("audit_events")).toBe(0);
});

test("issuing tells the live codes of the same user, kind and purpose, the oldest first", async () => {
  const { userId } = await withUser({ userId: newUserId() });
  const of = (over: object) => ({ ...makeCode(over), userId });
  const old = of({ expiresAt: NOW + 1 });
  const over = of({ expiresAt: NOW });
  const other = of({ kind: "long" });
  const second = of({ expiresAt: NOW + 2 });
  for (const row of [old, over, other, await withUser({ ...makeCode(), userId: newUserId() })])
    await codes.insert(row, NOW - 1);
  const issued = await codes.issue(second, NOW, {});
  expect(issued).toEqual({ ok: true, value: { stands: true, live: [old, second] } });
  const all = await codes.ofUser({ userId }, NOW);
  expect(all.ok && all.value.map(({ hash }) => hash)).toEqual([old.hash, second.hash, other.hash]);
});

test("a live code of the same hash stays, and the one behind it does not stand", async () => {
  const row = await withUser({ ...makeCode(), userId: newUserId() });
  await codes.insert(row, NOW);
  const issued = await codes.issue({ ...row, challengeId: makeCode().challengeId }, NOW, {});
  expect(issued.ok && issued.value.stands).toBe(false);
  expect(await codes.lookUp(row.hash)).toEqual({ ok: true, value: row });
});

test("a code that is over is looked up all the same, until it is purged", async () => {
  const row = makeCode({ expiresAt: NOW });
  await codes.insert(row, NOW - 1);
  expect(await codes.lookUp(row.hash)).toEqual({ ok: true, value: row });
  expect(await codes.lookUp("x")).toEqual({ ok: true, value: undefined });
});

test("a code is looked up with its user and their live devices as they stand, in one batch", async () => {
  const userId = newUserId();
  const row = await withUser({ ...makeCode(), userId });
  await codes.insert(row, NOW);
  const live = makeDevice({ userId });
  const gone = makeDevice({ userId });
  for (const device of [live, gone]) await devices.insert(device, makeEvent());
  await devices.revoke(userId, gone.id, makeEvent(), NOW);
  const found = await codes.lookUpOf(userId, row.hash);
  expect(found).toMatchObject({
    ok: true,
    value: { row, holder: { user: { id: userId, status: "active" } } },
  });
  expect(found.ok && found.value.holder?.devices.map(({ id }) => id)).toEqual([live.id]);
  const nobodys = await codes.lookUpOf(newUserId(), "x");
  expect(nobodys).toEqual({ ok: true, value: {} });
  const nonce = makeNonce();
  await nonces.spend(nonce);
  expect(await codes.lookUpOf(userId, row.hash, nonce)).toEqual({ ok: false, error: { code: "replayed" } });
});
