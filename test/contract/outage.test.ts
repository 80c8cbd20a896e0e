import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { Outage } from "../../src/core/fault.ts";
import { openStore, sheltered } from "../../src/store/database.ts";
import { makeHealth } from "../../src/store/health.ts";
import { failingDatabase } from "./databases.ts";
import { callsOn } from "./ports.ts";

const overloaded = new Error("D1_ERROR: D1 DB is overloaded. Requests queued for too long.");

describe("T101 an overloaded D1 is an outage, asked once", () => {
  test.each(callsOn(env.DB).map(({ name }) => name))("%s", async (name) => {
    const { d1, asked } = failingDatabase(overloaded);
    const call = callsOn(d1).find((one) => one.name === name)!;
    const fault: unknown = await call.run().catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(Outage);
    expect(fault).toMatchObject({ retryAfter: 2, cause: overloaded });
    // Neither D1's words nor the query nor its parameters.
    expect((fault as Outage).message).toBe("the database cannot be used now");
    expect(asked.count).toBe(1);
  });

  test("a mistake of ours is not an outage", async () => {
    const mistake = new TypeError("x is not a function");
    const port = sheltered({ call: () => Promise.reject(mistake), sync: () => fail(mistake) });
    await expect(port.call()).rejects.toBe(mistake);
    await expect(port.sync()).rejects.toBe(mistake);
  });

  test("health passes on a migrated database and fails on one without tables", async () => {
    await expect(makeHealth(openStore(env.DB)).check()).resolves.toBeUndefined();
    await env.DB.prepare("drop table signing_keys").run();
    await expect(makeHealth(openStore(env.DB)).check()).rejects.toBeInstanceOf(Outage);
  });
});

function fail(error: Error): Promise<never> {
  throw error;
}
