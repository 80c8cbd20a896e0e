import { and, asc, desc, eq, gt, isNotNull, lt, sql } from "drizzle-orm";
import type { AuditEvent } from "../core/audit/event.ts";
import type { UserId } from "../core/ids.ts";
import type { GrantListing } from "../core/message/queue.ts";
import type { Records } from "../core/ports/records.ts";
import { ok } from "../core/result.ts";
import { eventAt, eventValues, record, recordStanding, recordWhere } from "./audit.ts";
import { type Store, sheltered } from "./database.ts";
import {
  hasGrant,
  heard,
  obstacle,
  standingAt,
  standingShape,
  stands,
  verdict,
  verdictOn,
} from "./guards.ts";
import { kept, type Places, type Values } from "./kept.ts";
import { present, rowPlaces, rowValues, rowWhere } from "./rows.ts";
import { auditEvents, grants } from "./schema.ts";

const GRANT_PAGE = 100;

/** The list of grants and the audit trail over D1. Every insert is OR IGNORE by id, so that a repeat changes nothing. */
export function makeRecords(db: Store): Records {
  return sheltered<Records>({
    async finish(event, grant, began) {
      if (grant !== undefined) return await finishListed(db, event, grant, began);
      await db.batch([record(db, event)]);
      return ok(undefined);
    },

    async note(event, standing) {
      const [noted] = await db.batch([recordStanding(db, event, standing)]);
      if (isWritten(noted)) return ok(undefined);
      const [said] = await db.batch([verdictOn(db, standing), recordStanding(db, event, standing)]);
      return heard(said);
    },

    async audit(events) {
      const [first, ...others] = events.map((event) => record(db, event));
      if (first !== undefined) await db.batch([first, ...others]);
    },

    grantsOfUser: (userId, options) => listedGrants(db, userId, options),

    async grant(userId, grantId) {
      const rows = await db
        .select()
        .from(grants)
        .where(and(eq(grants.userId, userId), eq(grants.id, grantId)));
      return rows.map(present)[0];
    },

    async moveGrants(userId, from, to) {
      await db
        .update(grants)
        .set({ sessionId: to })
        .where(and(eq(grants.userId, userId), eq(grants.sessionId, from)));
    },

    async removeGrant(userId, grantId, event) {
      const unlist = db.delete(grants).where(and(eq(grants.userId, userId), eq(grants.id, grantId)));
      await db.batch(event === undefined ? [unlist] : [unlist, record(db, event)]);
    },

    // Without a user this walks the trail from its newest end until the page is full: for an operator, not for a door.
    async events({ userId, clientId, type, after, size }) {
      const rows = await db
        .select()
        .from(auditEvents)
        .where(
          and(
            // The second half names the partial index by (user, id).
            userId === undefined
              ? undefined
              : and(eq(auditEvents.userId, userId), isNotNull(auditEvents.userId)),
            clientId === undefined ? undefined : eq(auditEvents.clientId, clientId),
            type === undefined ? undefined : eq(auditEvents.type, type),
            after === undefined ? undefined : lt(auditEvents.id, after),
          ),
        )
        .orderBy(desc(auditEvents.id))
        .limit(size);
      return rows.map(present);
    },
  });
}

async function listedGrants(
  db: Store,
  userId: UserId,
  { after, size = GRANT_PAGE, deviceId, sessionId }: Parameters<Records["grantsOfUser"]>[1] = {},
): Promise<readonly GrantListing[]> {
  const rows = await db
    .select()
    .from(grants)
    .where(
      and(
        eq(grants.userId, userId),
        after === undefined ? undefined : gt(grants.id, after),
        deviceId === undefined ? undefined : eq(grants.deviceId, deviceId),
        sessionId === undefined ? undefined : eq(grants.sessionId, sessionId),
      ),
    )
    .orderBy(asc(grants.id))
    .limit(size);
  return rows.map(present);
}

/**
 * Whether a guarded insert has written its row: then its guard held, and there is no need to ask. Where it has not, the same is written
 * once more behind the verdict, in one batch: what was in the way may be gone by then.
 */
const isWritten = ({ meta }: D1Result): boolean => meta.changes > 0;

/** A grant that is listed already stays so, whoever has fallen since: whoever ended them finds it in the list. */
async function finishListed(db: Store, event: AuditEvent, grant: GrantListing, began = grant.createdAt) {
  const { userId, clientId, deviceId, sessionId } = grant;
  const standing = { userId, clientId, deviceId, sessionId, since: began };
  const values = { ...standing, ...rowValues(grants, grant, "grant."), ...eventValues(event) };
  const shape = standingShape(standing);
  const [listed] = await db.batch([list(db, values, shape), recordListed(db, values)]);
  if (isWritten(listed)) return ok(undefined);
  const [said] = await db.batch([
    verdictUnlessListed(db, values, shape),
    list(db, values, shape),
    recordListed(db, values),
  ]);
  return heard(said);
}

const isListed = (db: Store, at: Places<Values>) => hasGrant(db, at("grant.userId"), at("grant.id"));

const verdictUnlessListed = kept((db, at: Places<Values>, shape: string) =>
  verdict(db, sql`case when not ${isListed(db, at)} then ${obstacle(db, standingAt(at, shape))} end`),
);

const list = kept((db, at: Places<Values>, shape: string) =>
  db
    .insert(grants)
    .select(rowWhere(grants, rowPlaces(grants, at, "grant."), stands(db, standingAt(at, shape))))
    .onConflictDoNothing(),
);

const recordListed = kept((db, at: Places<Values>) => recordWhere(db, eventAt(at), isListed(db, at)));
