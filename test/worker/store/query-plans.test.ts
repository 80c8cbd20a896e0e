import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { KEY_PARTS, PERSONAL_LISTS } from "../../../src/core/ports/personal-data.ts";
import { openStore } from "../../../src/store/database.ts";
import { makePersonalData } from "../../../src/store/personal-data.ts";
import { type Call, recordingDatabase } from "../../contract/databases.ts";
import { newUserId } from "../../contract/fixtures.ts";
import { callsOn } from "../../contract/ports.ts";

const TABLES = [
  "users",
  "identifiers",
  "devices",
  "grants",
  "clients",
  "user_codes",
  "used_nonces",
  "audit_events",
  "actions",
  "authenticators",
  "profiles",
  "erasures",
  "client_profiles",
];

/** Reads whole by design: the clients for their realms, for the operator; who was erased in a week, once an hour; a handful of keys, once a minute and isolate; one row for the probe. */
const SMALL = ["users.named", "held.eraseLate", "held.endErasures", "keyShelf.all", "health.check"];

async function planOf({ sql, params }: Call): Promise<string[]> {
  const { results } = await env.DB.prepare(`explain query plan ${sql}`)
    .bind(...params)
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
}

/** Steps of a plan that walk a whole table or a whole index of it. */
const scansIn = (plan: readonly string[]) =>
  plan.filter((step) => [...TABLES, "signing_keys"].some((table) => step.startsWith(`SCAN ${table}`)));

async function statementsOf(name: string): Promise<Call[]> {
  const { d1, calls } = recordingDatabase();
  const call = callsOn(d1).find((one) => one.name === name);
  await call?.run();
  return calls;
}

describe("no statement of the store walks a table", () => {
  const names = callsOn(env.DB).map(({ name }) => name);

  test.each(names.filter((name) => !SMALL.includes(name)))("%s", async (name) => {
    const calls = await statementsOf(name);
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) expect(scansIn(await planOf(call)), call.sql).toEqual([]);
  });

  test("what is read whole is exactly what is said to be", async () => {
    const walked: string[] = [];
    for (const name of names) {
      const plans = await Promise.all((await statementsOf(name)).map(planOf));
      if (plans.some((plan) => scansIn(plan).length > 0)) walked.push(name);
    }
    expect(walked).toEqual(SMALL);
    expect(names.length).toBeGreaterThan(35);
  });

  test.each([
    "select * from devices where name = ?",
    "select * from users where status = ?",
    "select * from audit_events where ip = ?",
    "delete from user_codes where kind = ?",
  ])("the check sees a walk: %s", async (sql) => {
    expect(scansIn(await planOf({ sql, params: ["x"] }))).toHaveLength(1);
  });
});

test.each(PERSONAL_LISTS)("the export reads a user's %s alone", async (list) => {
  const { d1, calls } = recordingDatabase();
  const key = Array.from({ length: KEY_PARTS[list] }, () => "x");
  await makePersonalData(openStore(d1)).rows(newUserId(), list, key, 5);
  expect(calls).toHaveLength(1);
  for (const call of calls) {
    expect(
      (await planOf(call)).filter(
        (step) => !/USING (?:PRIMARY KEY|INDEX \w+) \(user_id=\?/.test(step) && !step.startsWith("USE TEMP"),
      ),
    ).toEqual([]);
  }
});

describe("the indexes that are meant are the ones used", () => {
  test.each([
    ["devices.byFingerprint", "devices_realm_key"],
    ["devices.ofUser", "devices_user"],
    ["users.byExternalId", "users_external_name"],
    ["users.named", "users_external_name"],
    ["users.byDeviceKey", "devices_realm_key"],
    ["users.byDeviceKey", "identifiers_user"],
    ["users.byId", "identifiers_user"],
    ["users.page", "identifiers_user"],
    ["userCodes.purge", "user_codes_expiry"],
    ["userCodes.ofUser", "user_codes_user"],
    ["nonces.purge", "used_nonces_expiry"],
    ["records.events", "audit_events_user"],
    ["held.erase", "audit_events_user"],
    ["held.eraseLate", "audit_events_user"],
    ["clients.findBySecret", "clients_secret_hash_unique"],
    ["clients.findBySecret", "clients_old_secret_hash_unique"],
  ])("%s uses %s", async (name, index) => {
    const plans = await Promise.all((await statementsOf(name)).map(planOf));
    expect(
      plans.flat().some((step) => step.includes(`INDEX ${index} (`)),
      plans.flat().join("\n"),
    ).toBe(true);
  });
});
