import { env } from "cloudflare:workers";
import { getTableName } from "drizzle-orm";
import { afterEach, describe, expect, test, vi } from "vitest";
import { auditEvent } from "../../../../src/core/audit/record.ts";
import { newUserId, parseClientId, userSubject } from "../../../../src/core/ids.ts";
import type { Services } from "../../../../src/core/ports/services.ts";
import { PURGED_PER_RUN, TRAIL_PORTIONS, upkeep } from "../../../../src/core/upkeep.ts";
import { ERASED_PER_CALL, EXPORTED_ROWS } from "../../../../src/core/user/personal-data.ts";
import * as schema from "../../../../src/store/schema.ts";
import { admin, IP, newDevice, newUser, powers, signIn, unlike } from "../../support/admin.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const DAY = 86_400_000;
const shop = parseClientId("shop") as NonNullable<ReturnType<typeof parseClientId>>;
type Row = Record<string, unknown> | null;
const all = async (sql: string, ...params: unknown[]) =>
  (
    await env.DB.prepare(sql)
      .bind(...params)
      .all<NonNullable<Row>>()
  ).results;
const trailOf = (userId: string) => all("select * from audit_events where user_id = ?", userId);

/** Upkeep at another time, for a deployment that keeps rows so long. */
const keep = (over: Partial<Services["config"]> = {}, at = Date.now()) =>
  upkeep({ ...powers, config: { ...powers.config, ...over }, clock: { now: () => at } });

const audited = (userId: ReturnType<typeof newUserId>, at: number, ip = "198.51.100.4") =>
  auditEvent(
    { ...powers, clock: { now: () => at } },
    {
      type: "sign_in.redeemed",
      actor: "client:shop",
      userId,
      ip,
      data: { user_agent: "Ada's phone", country: "DE" },
    },
  );

/** A user with something in every table. */
async function somebody() {
  const email = `${unlike("ada")}@example.com`;
  const made = await admin("POST", "/users", { email, external_id: unlike("ext"), verified: true });
  const userId = newUserId(made.body.user_id);
  const device = await newDevice(userId);
  const grant = await signIn(userId, device.id);
  const now = Date.now();
  await powers.authenticators.changeProfile(userId, shop, { displayName: "Ada L." }, now);
  await powers.actions.track({
    userId,
    clientId: shop,
    code: "pay",
    idempotencyKey: "1",
    state: "allow",
    stateAt: now,
    createdAt: now,
    context: { name: "ada", ip: "198.51.100.5" },
  });
  await env.DB.prepare("insert into user_codes values (?, 'short', 'sign_in', 'shop', ?, ?, ?)")
    .bind(`hash-${userId}`, userId, powers.challenges.fresh(), now + DAY)
    .run();
  await env.DB.prepare(
    "insert into authenticators (user_id, id, kind, identifier, created_at) values (?, 'a1', 'email', ?, ?)",
  )
    .bind(userId, email, now)
    .run();
  await env.DB.prepare("insert into recovery_codes values (?, 1, ?, ?, null), (?, 2, ?, ?, ?)")
    .bind(userId, `hash-${userId}-1`, now, userId, `hash-${userId}-2`, now, now + 1)
    .run();
  return { userId, email, device, grant };
}

describe("O13 what is held about a user", () => {
  test("is told whole, every table of it, and nothing that opens anything", async () => {
    const { userId, email, device, grant } = await somebody();
    const target = { endpoint: "https://fcm.googleapis.com/fcm/send/a-secret", p256dh: "p", auth: "a" };
    const through = { clientId: shop };
    await powers.inboxes.noteDevice(userSubject(userId));
    await powers.inboxes.subscribe(userSubject(userId), { device: device.id, through, target, at: 0 });
    const { status, body, text } = await admin("GET", `/users/${userId}/export`);
    expect(status).toBe(200);
    expect(body.next).toBeNull();
    expect(body.user).toMatchObject({ user_id: userId, identifiers: [{ value: email, verified: true }] });
    expect(body.profiles).toMatchObject([{ client_id: shop, profile: { displayName: "Ada L." } }]);
    expect(body.prompts).toEqual([]);
    expect(body.push_subscriptions).toEqual([
      { device_id: device.id, service: "fcm.googleapis.com", subscribed_at: "1970-01-01T00:00:00.000Z" },
    ]);
    expect(text).not.toContain("a-secret");
    expect(body.devices).toMatchObject([
      { id: device.id, name: "Phone", enrolled_at: expect.stringMatching(/Z$/) },
    ]);
    expect(body.authenticators).toMatchObject([{ id: "a1", identifier: email }]);
    expect(body.grants).toMatchObject([{ id: grant.id, client_id: "shop", amr: ["pop"] }]);
    expect(body.codes).toMatchObject([{ kind: "short", client_id: "shop" }]);
    expect(body.recovery_codes).toEqual([
      { user_id: userId, number: 1, made_at: expect.stringMatching(/Z$/), used_at: null },
      { user_id: userId, number: 2, made_at: expect.any(String), used_at: expect.stringMatching(/Z$/) },
    ]);
    expect(body.actions).toMatchObject([{ code: "pay", context: { ip: "198.51.100.5" } }]);
    expect(body.events.map(({ type }: { type: string }) => type)).toEqual(
      expect.arrayContaining(["user.created", "device.enrolled", "sign_in.redeemed"]),
    );
    expect(text).not.toContain(`hash-${userId}`);

    // A table that names users is either told or named here, with the reason.
    const tables = Object.values(schema)
      .filter((table) => "userId" in table)
      .map((table) => getTableName(table));
    const told = [
      "identifiers",
      "client_profiles",
      "profiles",
      "devices",
      "authenticators",
      "grants",
      "user_codes",
      "recovery_codes",
      "actions",
      "audit_events",
    ];
    expect(tables.filter((name) => !told.includes(name))).toEqual(["erasures"]);
  });

  test("comes in pages that meet without a gap, however much there is", async () => {
    const userId = newUserId(await newUser());
    const count = EXPORTED_ROWS + 30;
    const events = Array.from({ length: count }, (_, at) => audited(userId, Date.now() + at));
    for (let at = 0; at < count; at += 50) await powers.records.audit(events.slice(at, at + 50));
    await powers.actions.track({
      userId,
      clientId: shop,
      code: "a",
      idempotencyKey: "ü~1",
      state: "allow",
      stateAt: 1,
      createdAt: 1,
      context: { name: "x" },
    });
    const seen: string[] = [];
    const sizes: number[] = [];
    let after = "";
    do {
      const { status, body } = await admin("GET", `/users/${userId}/export${after && `?after=${after}`}`);
      expect(status).toBe(200);
      sizes.push(body.actions.length + body.events.length);
      seen.push(...body.events.map(({ id }: { id: string }) => id));
      expect("user" in body).toBe(after === "");
      after = body.next ?? "";
    } while (after !== "");
    expect(sizes).toEqual([EXPORTED_ROWS, 32]);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toHaveLength(count + 1);
  });

  test("a page that ends with a list goes on with the next", async () => {
    const { userId } = await somebody();
    const cursor = (list: string, key: string[]) => btoa(JSON.stringify({ list, key })).replaceAll("=", "");
    const { body } = await admin("GET", `/users/${userId}/export?after=${cursor("actions", [])}`);
    expect(body.actions).toHaveLength(1);
    expect(body.devices).toEqual([]);
    const later = await admin(
      "GET",
      `/users/${userId}/export?after=${cursor("actions", ["shop", "pay", "1"])}`,
    );
    expect(later.body.actions).toEqual([]);
    expect(later.body.events.length).toBeGreaterThan(0);
  });

  test.each(["x", "e30", btoa('{"list":"users","key":[]}'), btoa('{"list":"events","key":[1]}'), "%F0"])(
    "a cursor that is none is 400: %s",
    async (after) => {
      const userId = await newUser();
      expect((await admin("GET", `/users/${userId}/export?after=${encodeURIComponent(after)}`)).status).toBe(
        400,
      );
    },
  );

  test("a key of another length than its list's is 400", async () => {
    const userId = await newUser();
    for (const key of [
      ["a", "b"],
      ["a", "b", "c", "d"],
    ]) {
      for (const list of ["actions", "events"]) {
        const after = btoa(JSON.stringify({ list, key })).replaceAll("=", "");
        expect((await admin("GET", `/users/${userId}/export?after=${after}`)).status).toBe(400);
      }
    }
  });

  test("of nobody is 404; of an id that is none too", async () => {
    expect((await admin("GET", `/users/${crypto.randomUUID()}/export`)).status).toBe(404);
    expect((await admin("GET", "/users/ada/export")).status).toBe(404);
    expect(
      (
        await admin("GET", `/users/${crypto.randomUUID()}/export`, undefined, {
          headers: { Authorization: "" },
        })
      ).status,
    ).toBe(401);
  });
});

describe("O13 erasing a user", () => {
  const erase = (userId: string) => admin("POST", `/users/${userId}/erasure`);

  test("ends them, and leaves neither address nor name in the trail: what happened stays", async () => {
    const { userId, email } = await somebody();
    await powers.records.audit([audited(userId, Date.now())]);
    const before = await trailOf(userId);
    const { status, body } = await erase(userId);
    expect(status).toBe(200);
    expect(body).toMatchObject({ user_id: userId, more: false });
    expect(body.events).toBeGreaterThan(0);
    expect((await admin("GET", `/users/${userId}`)).status).toBe(404);
    const rows = await trailOf(userId);
    expect(rows.length).toBeGreaterThan(before.length);
    for (const { id, type, at } of before)
      expect(rows.find((row) => row.id === id)).toMatchObject({ type, at, ip: null });
    const text = JSON.stringify(rows);
    for (const said of ["198.51.100", IP, "Ada", email, "DE", "user_agent"]) expect(text).not.toContain(said);
    expect(await all("select * from recovery_codes where user_id = ?", userId)).toEqual([]);
    expect(rows.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["user.deleted", "user.erased", "sign_in.redeemed"]),
    );
  });

  test("nobody else's rows are touched", async () => {
    const [one, other] = [newUserId(await newUser()), newUserId(await newUser())];
    await powers.records.audit([audited(one, Date.now()), audited(other, Date.now())]);
    const before = await trailOf(other);
    await erase(one);
    await keep();
    expect(await trailOf(other)).toEqual(before);
  });

  test("a user who was deleted before can be erased; nobody at all is 404", async () => {
    const { userId } = await somebody();
    expect((await admin("DELETE", `/users/${userId}`)).status).toBe(204);
    expect(JSON.stringify(await trailOf(userId))).toContain(IP);
    expect((await erase(userId)).status).toBe(200);
    expect(JSON.stringify(await trailOf(userId))).not.toContain(IP);
    expect((await erase(crypto.randomUUID())).status).toBe(404);
    expect((await erase("ada")).status).toBe(404);
    expect((await admin("POST", `/users/${userId}/erasure`, { all: true })).status).toBe(400);
  });

  test("one call empties so many rows at most, and says that there are more; the hourly run does the rest", async () => {
    const userId = newUserId(await newUser());
    const count = ERASED_PER_CALL + 20;
    const events = Array.from({ length: count }, (_, at) => audited(userId, Date.now() - at));
    for (let at = 0; at < count; at += 60) await powers.records.audit(events.slice(at, at + 60));
    expect((await erase(userId)).body).toMatchObject({ events: ERASED_PER_CALL, more: true });
    await keep();
    expect((await trailOf(userId)).filter(({ ip }) => ip !== null)).toEqual([]);
    expect((await erase(userId)).body).toMatchObject({ events: 0, more: false });
  });

  test("a row that comes late, by the queue, is emptied within the hour, for a week", async () => {
    const { userId } = await somebody();
    await erase(userId);
    await powers.records.audit([audited(userId, Date.now() - 1_000)]);
    expect(JSON.stringify(await trailOf(userId))).toContain("Ada's phone");
    await keep();
    expect(JSON.stringify(await trailOf(userId))).not.toContain("Ada's phone");
    expect(await all("select * from erasures where user_id = ?", userId)).toHaveLength(1);
    await keep({}, Date.now() + 8 * DAY);
    expect(await all("select * from erasures where user_id = ?", userId)).toEqual([]);
  });

  test("an outage in the middle is 503, and the call can be made again", async () => {
    const { userId } = await somebody();
    const { Outage } = await import("../../../../src/core/fault.ts");
    const down = {
      held: { ...powers.held, erase: () => Promise.reject(new Outage("down", { retryAfter: 2 })) },
    };
    expect((await admin("POST", `/users/${userId}/erasure`, undefined, { services: down })).status).toBe(503);
    expect((await erase(userId)).status).toBe(200);
    expect(JSON.stringify(await trailOf(userId))).not.toContain(IP);
  });
});

describe("O13 how long the trail is kept", () => {
  test("for ever, if nothing is said", async () => {
    const userId = newUserId(crypto.randomUUID());
    await powers.records.audit([audited(userId, Date.now() - 4_000 * DAY)]);
    await keep();
    expect(await trailOf(userId)).toHaveLength(1);
  });

  test("so many days where that is set: the older rows go, the younger stay", async () => {
    const userId = newUserId(crypto.randomUUID());
    const now = Date.now();
    await powers.records.audit([audited(userId, now - 31 * DAY), audited(userId, now - 29 * DAY)]);
    await keep({ auditKept: 30 * DAY }, now);
    const left = await trailOf(userId);
    expect(left.map(({ at }) => at)).toEqual([now - 29 * DAY]);
  });

  test("T116 the rows that say whose a lock is stay for as long as it holds", async () => {
    const { userId } = await somebody();
    const now = Date.now();
    const locks = async () => (await trailOf(userId)).filter(({ type }) => type === "user.locked");
    await admin("PATCH", `/users/${userId}`, { status: "locked" });
    await keep({ auditKept: 30 * DAY }, now + 60 * DAY);
    expect((await trailOf(userId)).map(({ type }) => type)).toEqual(["user.locked"]);
    await admin("PATCH", `/users/${userId}`, { status: "active" });
    await keep({ auditKept: 30 * DAY }, now + 60 * DAY);
    expect(await locks()).toEqual([]);
  });

  test("one run spends so many statements at most", async () => {
    const trim = vi.fn(() => Promise.resolve(PURGED_PER_RUN));
    const eraseLate = vi.fn(() => Promise.resolve(PURGED_PER_RUN));
    const config = { ...powers.config, auditKept: DAY };
    await upkeep({ ...powers, config, held: { ...powers.held, trim, eraseLate } });
    expect([trim.mock.calls.length, eraseLate.mock.calls.length]).toEqual([TRAIL_PORTIONS, TRAIL_PORTIONS]);
  });
});
