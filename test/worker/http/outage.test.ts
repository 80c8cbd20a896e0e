import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ChallengeId } from "../../../src/core/ids.ts";
import {
  claimsOf,
  type Deployment,
  deployment,
  type Json,
  newClient,
  newPerson,
  poll,
  prompt,
  refresh,
  respond,
  start,
} from "../support/cotter.ts";
import { until } from "../support/until.ts";

/** A database that fails while `down` says so; everything else is the real one. */
const fault = { reads: false, writes: false, calls: 0 };
const overloaded = () => {
  fault.calls++;
  return Promise.reject(new Error("D1_ERROR: D1 DB is overloaded. Too many requests queued."));
};
/** A statement may have been prepared long before: it fails when it is run. */
const faulty = (statement: D1PreparedStatement): D1PreparedStatement =>
  new Proxy(statement, {
    get(real, name) {
      if (name === "bind") return (...values: unknown[]) => faulty(real.bind(...values));
      const value: unknown = Reflect.get(real, name, real);
      if (typeof value !== "function") return value;
      return fault.reads ? overloaded : value.bind(real);
    },
  });
const faultyD1 = new Proxy(env.DB, {
  get(db, name) {
    if (name === "batch" && fault.writes) return overloaded;
    if (name === "prepare") return (query: string) => faulty(db.prepare(query));
    const value: unknown = Reflect.get(db, name, db);
    return typeof value === "function" ? value.bind(db) : value;
  },
});

/** Ids of the flows without a wait, as they were settled. */
const settledAtOnce: ChallengeId[] = [];
const at: Deployment = deployment({ DB: faultyD1 }, ({ challenges }) => ({
  challenges: {
    ...challenges,
    openSettled: (spec, ...rest) => {
      settledAtOnce.push(spec.id);
      return challenges.openSettled(spec, ...rest);
    },
  },
}));
const healthy: Deployment = deployment();

beforeEach(() => Object.assign(fault, { reads: false, writes: false, calls: 0 }));

async function approved() {
  const client = await newClient(at);
  const person = await newPerson(at, client);
  const waiter = (await start(at, client, person)).body;
  const shown = (await prompt(at, client, person)) ?? {};
  await respond(at, client, person, shown, true);
  return { client, person, waiter, shown };
}

describe("when D1 cannot be used", () => {
  test("T101 a sign-in still finishes when only the record is behind, and the record follows", async () => {
    const { client, person, waiter } = await approved();
    fault.writes = true;
    const answer = await poll(at, client, waiter);
    expect(answer.status).toBe(200);
    const tokens = answer.body.oauth_token as Json;
    expect(claimsOf(tokens.access_token)).toMatchObject({ sub: person.id });
    fault.writes = false;
    const listed = await at.services.records.grantsOfUser(person.id as never);
    expect(listed.map((grant) => grant.id)).not.toContain(String(tokens.refresh_token).split(".")[0]);
    const id = at.services.challenges.parse(String(tokens.refresh_token).split(".")[0] ?? "");
    if (id === undefined) throw new Error("not a grant");
    const { runDurableObjectAlarm } = await import("cloudflare:test");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    await runDurableObjectAlarm(env.CHALLENGES.get(env.CHALLENGES.idFromString(id)));
    vi.useRealTimers();
    await until(async () => {
      const grants = await healthy.services.records.grantsOfUser(person.id as never);
      expect(grants.map((grant) => grant.id)).toContain(id);
      const events = await healthy.services.records.events({ userId: person.id as never, size: 10 });
      expect(events.filter((event) => event.type === "sign_in.redeemed")).toHaveLength(1);
    });
    expect((await refresh(at, client, tokens.refresh_token)).status).toBe(200);
  });

  test("T101 identity reads that fail are 503 with Retry-After in the door's shape, tried once, and nothing is lost", async () => {
    const { client, person } = await approved();
    fault.reads = true;
    fault.calls = 0;
    const answer = await start(at, client, person);
    expect([answer.status, answer.body]).toEqual([503, { msg: "Service is unavailable" }]);
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(fault.calls).toBe(1);
    fault.reads = false;
    expect((await start(at, client, person)).status).toBe(200);
  });

  test("T101 nothing goes out while nobody can say whether everybody still stands, and nothing is lost", async () => {
    const { client, waiter } = await approved();
    fault.reads = true;
    fault.writes = true;
    const answer = await poll(at, client, waiter);
    expect([answer.status, answer.body]).toEqual([503, { msg: "Service is unavailable" }]);
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    fault.reads = false;
    fault.writes = false;
    expect((await poll(at, client, waiter)).body.oauth_token).toBeDefined();
  });

  test.each(["locked", "removed"] as const)(
    "T11 T25 where the list cannot be written, who was %s in between is found by reading",
    async (what) => {
      const { client, person, waiter } = await approved();
      const now = Date.now();
      if (what === "locked") {
        await env.DB.prepare("update users set status = 'locked' where id = ?").bind(person.id).run();
      } else {
        await env.DB.prepare("update devices set revoked_at = ? where user_id = ?")
          .bind(now, person.id)
          .run();
      }
      fault.writes = true;
      const answer = await poll(at, client, waiter);
      expect([answer.status, answer.body.oauth_token]).toEqual([403, undefined]);
      fault.writes = false;
      expect((await poll(at, client, waiter)).body.oauth_token).toBeUndefined();
    },
  );

  test("T101 an enrolment that cannot be stored mints nothing and can be tried again", async () => {
    const client = await newClient(at);
    const user = await at.call(
      "POST",
      "/api/v0/user/create",
      { identifier: `dora-${crypto.randomUUID()}@example.com` },
      { API_KEY_ID: client },
    );
    const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
    const raw = new Uint8Array((await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer);
    const enrol = () =>
      at.call(
        "PUT",
        `/api/v0/user/methods?cotter_user_id=${user.body.ID}&oauth_token=true`,
        {
          method: "TRUSTED_DEVICE",
          enrolled: true,
          code: btoa(String.fromCharCode(...raw)),
          algorithm: "ED25519",
        },
        { API_KEY_ID: client },
      );
    fault.writes = true;
    const refused = await enrol();
    expect([refused.status, refused.body.oauth_token]).toEqual([503, undefined]);
    fault.writes = false;
    const lost = settledAtOnce.at(-1);
    const grant = lost === undefined ? undefined : (await healthy.services.challenges.read(lost))?.grant;
    expect(grant?.ended?.reason).toBe("enrolment_failed");
    const enrolled = await enrol();
    expect(enrolled.status).toBe(200);
    expect(enrolled.body.oauth_token).toBeDefined();
  });

  test("T101 /healthz says 503 with a reason, and 200 once it is over", async () => {
    fault.reads = true;
    expect((await at.call("GET", "/healthz")).status).toBe(503);
    fault.reads = false;
    expect(await at.call("GET", "/healthz")).toMatchObject({ status: 200, body: { status: "ok" } });
  });
});

describe("when an object cannot be reached", () => {
  test("T103 an overloaded challenge is 503 without a retry, and another challenge is not affected", async () => {
    const mine = await approved();
    const other = await approved();
    let calls = 0;
    const hot = (await import("../../../src/doors/cotter/event/numbers.ts")).findEvent;
    const found = await hot(
      healthy.services,
      (await healthy.services.clients.find(mine.client))!,
      String(mine.waiter.ID),
    );
    const broken = deployment({
      CHALLENGES: new Proxy(env.CHALLENGES, {
        get(namespace, name) {
          if (name !== "get") {
            const value: unknown = Reflect.get(namespace, name, namespace);
            return typeof value === "function" ? value.bind(namespace) : value;
          }
          return (id: DurableObjectId) => {
            if (id.toString() !== found?.view.id) return namespace.get(id);
            return new Proxy(
              {},
              {
                get: () => () => {
                  calls++;
                  return Promise.reject(
                    Object.assign(new Error("overloaded"), { overloaded: true, retryable: true }),
                  );
                },
              },
            );
          };
        },
      }),
    });
    const answer = await poll(broken, mine.client, mine.waiter);
    expect([answer.status, calls]).toEqual([503, 1]);
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect((await poll(broken, other.client, other.waiter)).body.oauth_token).toBeDefined();
  });

  test("T103 a crowd of polls on one challenge all end in an answer, and another challenge goes on meanwhile", async () => {
    const mine = await approved();
    const other = await approved();
    const crowd = Array.from({ length: 2_000 }, () => poll(at, mine.client, mine.waiter, ""));
    const beside = await poll(at, other.client, other.waiter);
    expect(beside.body.oauth_token).toBeDefined();
    const statuses = new Set((await Promise.all(crowd)).map((answer) => answer.status));
    expect([...statuses].every((status) => [200, 429, 503].includes(status))).toBe(true);
    expect(statuses).toContain(200);
  });
});
