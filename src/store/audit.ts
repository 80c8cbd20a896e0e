import type { SQL } from "drizzle-orm";
import type { AuditEvent } from "../core/audit/event.ts";
import type { MustBeActive } from "../core/ports/standing.ts";
import type { Store } from "./database.ts";
import { standingAt, standingShape, stands } from "./guards.ts";
import { kept, type Places, type Values } from "./kept.ts";
import { rowPlaces, rowValues, rowWhere } from "./rows.ts";
import { auditEvents } from "./schema.ts";

/** The values of an audit row, for a statement that has `eventAt` in it. */
export const eventValues = (event: AuditEvent): Values => rowValues(auditEvents, event, "event.");

/** The audit row of these values. */
export const eventAt = (at: Places<Values>) => rowPlaces(auditEvents, at, "event.");

const keptRecord = kept((db, at: Places<Values>) =>
  db.insert(auditEvents).values(eventAt(at)).onConflictDoNothing(),
);

/** Writes an audit row; one that is already there stays as it is. */
export const record = (db: Store, event: AuditEvent) => keptRecord(db, eventValues(event));

/** The same, only while `guard` holds: a batch runs on after a statement that hit no row. */
export const recordWhere = (db: Store, event: typeof auditEvents.$inferInsert, guard: SQL) =>
  db
    .insert(auditEvents)
    .select(rowWhere(auditEvents, event, guard))
    .onConflictDoNothing();

const keptWhereStanding = kept((db, at: Places<Values>, shape: string) =>
  recordWhere(db, eventAt(at), stands(db, standingAt(at, shape))),
);

/** The same, only while somebody stands. */
export const recordStanding = (db: Store, event: AuditEvent, standing: MustBeActive) =>
  keptWhereStanding(db, { ...eventValues(event), ...standing }, standingShape(standing));
