import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { ok } from "../../src/core/result.ts";
import { openStore } from "../../src/store/database.ts";
import { makeUserCodes } from "../../src/store/user-codes.ts";
import { freshState } from "../worker/database.ts";
import { countOf, makeCode, NOW, newUserId, race, rowsOf, withUser } from "./fixtures.ts";

const codes = makeUserCodes(openStore(env.DB));

beforeEach(freshState);

test("a code is found until the instant it expires", async () => {
  const row = await withUser({ ...makeCode(), userId: newUserId() });
  expect(await codes.insert(row, NOW)).toEqual(ok(true));
  expect(await codes.find(row.hash, row.expiresAt - 1)).toEqual(row);
  expect(await codes.find(row.hash, row.expiresAt)).toBeUndefined();
  expect(await codes.find("x", NOW)).toBeUndefined();
});

test("T100 race: of twenty codes of one hash one stands, whole", async () => {
  const hash = "one";
  const rows = Array.from({ length: 20 }, () => makeCode({ hash }));
  const answers = await race((racer) => codes.insert(rows[racer]!, NOW));
  const won = answers.map((answer) => answer.ok && answer.value);
  expect(won.filter(Boolean)).toHaveLength(1);
  expect(await countOf("user_codes")).toBe(1);
  expect(await codes.find(hash, NOW)).toEqual(rows[won.indexOf(true)]);
});

test("an expired row gives way to a new code, and nothing of it is left", async () => {
  const old = await withUser({ ...makeCode({ expiresAt: NOW }), userId: newUserId() });
  await codes.insert(old, NOW - 1);
  const early = makeCode({ hash: old.hash });
  expect(await codes.insert(early, NOW - 1)).toEqual(ok(false));
  const fresh = makeCode({ hash: old.hash, kind: "other" });
  expect(await codes.insert(fresh, NOW)).toEqual(ok(true));
  expect(await codes.find(old.hash, NOW)).toEqual(fresh);
});

test("T100 race: twenty takers of one expired row, one wins", async () => {
  const old = makeCode({ expiresAt: NOW });
  await codes.insert(old, NOW - 1);
  const answers = await race(() => codes.insert(makeCode({ hash: old.hash }), NOW));
  expect(answers.filter((answer) => answer.ok && answer.value)).toHaveLength(1);
});

test("T100 race: a code is removed once", async () => {
  const row = makeCode();
  await codes.insert(row, NOW);
  expect((await race(() => codes.remove(row.hash))).filter(Boolean)).toHaveLength(1);
  expect(await codes.find(row.hash, NOW)).toBeUndefined();
});

test("purging takes what has expired, at most as many as asked, and says how many", async () => {
  for (let i = 0; i < 5; i += 1) await codes.insert(makeCode({ expiresAt: NOW }), NOW - 1);
  await codes.insert(makeCode({ expiresAt: NOW + 1 }), NOW - 1);
  expect(await codes.purge(NOW - 1, 10)).toBe(0);
  expect(await codes.purge(NOW, 3)).toBe(3);
  expect(await codes.purge(NOW, 3)).toBe(2);
  expect(await codes.purge(NOW, 3)).toBe(0);
  expect((await rowsOf("user_codes")).map((row) => row.expires_at)).toEqual([NOW + 1]);
});
