import { describe, expect, test } from "vitest";
import type { StoredKey } from "../../../src/core/keys/key.ts";
import { MINUTE, SECOND } from "../../../src/core/time.ts";
import { makeKeyCache } from "../../../src/keys/key-cache.ts";
import { SHELF_CACHE } from "../../../src/keys/schedule.ts";
import { manualClock } from "../../fakes/signing-keys.ts";

/** A shelf whose reads end when the test says so. */
function scene() {
  const clock = manualClock(1_764_240_010_000);
  const key = (kid: string) => [{ kid } as StoredKey];
  const shelf = { keys: key("old"), reading: Promise.resolve(), reads: 0 };
  const cache = makeKeyCache(
    {
      async all() {
        shelf.reads += 1;
        await shelf.reading;
        return shelf.keys;
      },
    },
    clock,
  );
  const read = async () => (await cache.keys()).map(({ kid }) => kid);
  /** Another isolate changes the key, and this one is slow to read it. */
  const slow = () => {
    shelf.keys = key("new");
    let end = () => {};
    shelf.reading = new Promise((resolve) => {
      end = resolve;
    });
    return () => end();
  };
  return { clock, shelf, read, slow };
}

describe("while one request reads the keys", () => {
  test("the others go on with what is held, a little past its age", async () => {
    const { clock, shelf, read, slow } = scene();
    await read();
    clock.at += SHELF_CACHE + SECOND;
    const end = slow();
    const first = read();
    expect(await read()).toEqual(["old"]);
    expect(shelf.reads).toBe(2);
    end();
    expect(await first).toEqual(["new"]);
    expect(await read()).toEqual(["new"]);
  });

  test("T88 none of them goes on with what is older than that: a key may be gone since", async () => {
    const { clock, shelf, read, slow } = scene();
    await read();
    clock.at += 25 * MINUTE;
    const end = slow();
    const both = [read(), read()];
    expect(shelf.reads).toBe(3);
    end();
    expect(await Promise.all(both)).toEqual([["new"], ["new"]]);
  });
});
