import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { AuditEvent } from "../../src/core/audit/event.ts";
import type { ClientId, DeviceId, GrantId } from "../../src/core/ids.ts";
import { openStore } from "../../src/store/database.ts";
import { makeRecords } from "../../src/store/records.ts";
import { freshState } from "../worker/database.ts";
import { breakingDatabase, recordingDatabase } from "./databases.ts";
import { countOf, makeEvent, makeGrant, newGrantId, newUserId, race, withUser } from "./fixtures.ts";

const records = makeRecords(openStore(env.DB));
const sizes = async () => [await countOf("grants"), await countOf("audit_events")];

beforeEach(freshState);

describe("finishing a challenge", () => {
  test("one batch writes three rows: the grant, the audit row and its index", async () => {
    const { d1, calls, batches } = recordingDatabase();
    await makeRecords(openStore(d1)).finish(makeEvent({ userId: newUserId() }), await withUser(makeGrant()));
    expect(calls).toHaveLength(2);
    expect(batches.map((metas) => metas.map(({ rows_written }) => rows_written))).toEqual([[1, 2]]);
  });

  test("without a grant and without a user it writes one row", async () => {
    const { d1, batches } = recordingDatabase();
    await makeRecords(openStore(d1)).finish(makeEvent());
    expect(batches.map((metas) => metas.map(({ rows_written }) => rows_written))).toEqual([[1]]);
  });

  test("T100 race: the same finish twenty times leaves one row each, as first written", async () => {
    const event = makeEvent({ reason: "first", userId: newUserId() });
    const grant = await withUser(makeGrant({ deviceId: "d" as DeviceId, amr: ["pop", "hwk"] }));
    await records.finish(event, grant);
    const { d1, batches } = recordingDatabase();
    const again = makeRecords(openStore(d1));
    await race(() => again.finish({ ...event, reason: "again" }, { ...grant, scope: "again" }));
    expect(await sizes()).toEqual([1, 1]);
    expect(await records.grant(grant.userId, grant.id)).toEqual(grant);
    expect(await records.events({ size: 9 })).toEqual([event]);
    expect(batches.flat().every(({ rows_written }) => rows_written === 0)).toBe(true);
  });

  test("who stands again when the verdict is asked is listed, and refused otherwise", async () => {
    const locked = await withUser(makeGrant());
    const set = (status: string) =>
      env.DB.prepare("update users set status = ? where id = ?").bind(status, locked.userId).run();
    await set("locked");
    expect(await records.finish(makeEvent(), locked)).toMatchObject({ error: { code: "user_locked" } });
    expect(await sizes()).toEqual([0, 0]);
    const { d1 } = recordingDatabase();
    const unlockedBetween = new Proxy(d1, {
      get: (target, name) =>
        name === "batch"
          ? async (statements: D1PreparedStatement[]) => {
              const results = await target.batch(statements);
              await set("active");
              return results;
            }
          : Reflect.get(target, name),
    });
    expect(await makeRecords(openStore(unlockedBetween)).finish(makeEvent(), locked)).toEqual({
      ok: true,
      value: undefined,
    });
    expect(await sizes()).toEqual([1, 1]);
  });

  test("T100 a later statement that fails takes both back", async () => {
    const broken = makeRecords(openStore(breakingDatabase()));
    await expect(broken.finish(makeEvent(), makeGrant())).rejects.toMatchObject({ name: "Outage" });
    expect(await sizes()).toEqual([0, 0]);
  });
});

describe("the list of grants", () => {
  test("is the user's own, paged by id, by device when asked", async () => {
    const userId = newUserId();
    const phone = "phone" as DeviceId;
    const grants = Array.from({ length: 5 }, (_, i) =>
      makeGrant({ userId, ...(i % 2 === 0 ? { deviceId: phone } : {}) }),
    );
    for (const grant of [...grants, makeGrant()]) await records.finish(makeEvent(), await withUser(grant));
    const ids = grants.map(({ id }) => id).sort();
    const first = await records.grantsOfUser(userId, { size: 2 });
    const rest = await records.grantsOfUser(userId, { after: first[1]!.id });
    expect([...first, ...rest].map(({ id }) => id)).toEqual(ids);
    expect(first).toHaveLength(2);
    const byPhone = await records.grantsOfUser(userId, { deviceId: phone });
    expect(byPhone.map(({ id }) => id)).toEqual(
      grants
        .filter(({ deviceId }) => deviceId === phone)
        .map(({ id }) => id)
        .sort(),
    );
  });

  test("what was approved in a browser session is listed while that is, found by it, and moved with it", async () => {
    const userId = newUserId();
    const session = await withUser(makeGrant({ userId }));
    const other = makeGrant({ userId });
    for (const one of [session, other]) await records.finish(makeEvent(), one);
    const born = makeGrant({ userId, sessionId: session.id });
    expect((await records.finish(makeEvent(), born)).ok).toBe(true);
    const idsIn = async (sessionId: GrantId) =>
      (await records.grantsOfUser(userId, { sessionId })).map(({ id }) => id);
    expect([await idsIn(session.id), await idsIn(other.id)]).toEqual([[born.id], []]);
    await records.moveGrants(newUserId(), session.id, other.id);
    expect(await idsIn(session.id)).toEqual([born.id]);
    await records.moveGrants(userId, session.id, other.id);
    expect([await idsIn(session.id), await idsIn(other.id)]).toEqual([[], [born.id]]);

    await records.removeGrant(userId, session.id);
    const late = makeGrant({ userId, sessionId: session.id });
    expect(await records.finish(makeEvent(), late)).toEqual({ ok: false, error: { code: "grant_ended" } });
    expect(await records.grant(userId, late.id)).toBeUndefined();
    // Listed before: it stays so.
    await records.removeGrant(userId, other.id);
    expect((await records.finish(makeEvent(), { ...born, sessionId: other.id })).ok).toBe(true);
  });

  test("T106 a session of another user lists nothing", async () => {
    const session = await withUser(makeGrant());
    await records.finish(makeEvent(), session);
    const born = await withUser(makeGrant({ sessionId: session.id }));
    expect(await records.finish(makeEvent(), born)).toEqual({ ok: false, error: { code: "grant_ended" } });
  });

  test("T106 a grant of another user is neither read nor removed", async () => {
    const grant = await withUser(makeGrant());
    await records.finish(makeEvent(), grant);
    expect(await records.grant(newUserId(), grant.id)).toBeUndefined();
    expect(await records.grant(grant.userId, newGrantId())).toBeUndefined();
    await records.removeGrant(newUserId(), grant.id);
    expect(await records.grant(grant.userId, grant.id)).toEqual(grant);
  });

  test("removing is on record with it, and may be repeated", async () => {
    const grant = await withUser(makeGrant());
    await records.finish(makeEvent(), grant);
    const event = makeEvent({ type: "grant.revoked" });
    await race(() => records.removeGrant(grant.userId, grant.id, event));
    expect(await sizes()).toEqual([0, 2]);
    await expect(
      makeRecords(openStore(breakingDatabase())).removeGrant(grant.userId, grant.id),
    ).rejects.toMatchObject({ name: "Outage" });
  });

  test("T100 a later statement that fails leaves the grant listed", async () => {
    const grant = await withUser(makeGrant());
    await records.finish(makeEvent(), grant);
    const broken = makeRecords(openStore(breakingDatabase()));
    await expect(broken.removeGrant(grant.userId, grant.id, makeEvent())).rejects.toMatchObject({
      name: "Outage",
    });
    expect(await sizes()).toEqual([1, 1]);
  });
});

describe("the audit trail", () => {
  const [ada, bob] = [newUserId(), newUserId()];
  const trail = Array.from({ length: 12 }, (_, i) =>
    makeEvent({
      id: `${i}`.padStart(4, "0"),
      at: i,
      type: i % 3 === 0 ? "denied" : "approved",
      clientId: (i % 2 === 0 ? "web" : "tv") as ClientId,
      ...(i < 8 ? { userId: i % 4 === 0 ? ada : bob } : {}),
      data: { n: i, nested: [null, "é"] },
    }),
  );
  const newest = (keep: (event: AuditEvent) => boolean) => trail.filter(keep).reverse();

  test("is read newest first, by user, client and type", async () => {
    await records.audit(trail);
    expect(await records.events({ size: 50 })).toEqual(newest(() => true));
    expect(await records.events({ userId: bob, size: 50 })).toEqual(newest((one) => one.userId === bob));
    const filter = { userId: bob, clientId: "web" as ClientId, type: "approved", size: 50 };
    const wanted = newest((one) => one.userId === bob && one.clientId === "web" && one.type === "approved");
    expect(wanted.length).toBeGreaterThan(0);
    expect(await records.events(filter)).toEqual(wanted);
    expect(await records.events({ type: "none", size: 50 })).toEqual([]);
  });

  test("is paged by the last id seen, whatever is written meanwhile", async () => {
    await records.audit(trail.slice(0, 9));
    const first = await records.events({ userId: bob, size: 2 });
    await records.audit(trail);
    const second = await records.events({ userId: bob, size: 9, after: first.at(-1)!.id });
    expect([...first, ...second]).toEqual(newest((one) => one.userId === bob));
  });

  test("nothing to write asks nothing; many are one batch, repeats are free", async () => {
    const { d1, batches } = recordingDatabase();
    const recorded = makeRecords(openStore(d1));
    await recorded.audit([]);
    expect(batches).toHaveLength(0);
    const many = Array.from({ length: 40 }, () => makeEvent());
    await recorded.audit(many);
    await recorded.audit(many);
    expect(batches).toHaveLength(2);
    expect(await countOf("audit_events")).toBe(40);
  });
});
