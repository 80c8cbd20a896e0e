import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { openStore } from "../../src/store/database.ts";
import { makeKeyStore } from "../../src/store/key-store.ts";
import { freshState } from "../worker/database.ts";
import { makeKey, race } from "./fixtures.ts";

const shelf = makeKeyStore(openStore(env.DB));

beforeEach(freshState);

test("keys come back as they were put, by lane and generation", async () => {
  const keys = [
    makeKey({ lane: "standard", generation: 10 }),
    makeKey({ lane: "standard", generation: 2 }),
    makeKey({ lane: "cotter" }),
  ];
  for (const key of keys) expect(await shelf.insert(key)).toBe(true);
  expect(await shelf.all()).toEqual([keys[2], keys[1], keys[0]]);
});

test("T100 race: of twenty makers of one generation one wins, and every one reads its key", async () => {
  const keys = Array.from({ length: 20 }, () => makeKey());
  const answers = await race((racer) => shelf.insert(keys[racer]!));
  expect(answers.filter(Boolean)).toHaveLength(1);
  expect(await shelf.all()).toEqual([keys[answers.indexOf(true)]]);
});

test("only the named generation of the named lane is removed", async () => {
  const kept = [makeKey({ lane: "cotter" }), makeKey({ generation: 2 })];
  for (const key of [...kept, makeKey()]) await shelf.insert(key);
  await shelf.remove("standard", 1);
  await shelf.remove("standard", 7);
  expect(await shelf.all()).toEqual(kept);
});
