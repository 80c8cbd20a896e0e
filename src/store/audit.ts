import type { SQL } from "drizzle-orm";
import type { AuditEvent } from "../core/audit/event.ts";
import type { Store } from "./database.ts";
import { rowWhere } from "./rows.ts";
import { auditEvents } from "./schema.ts";

/** Writes an audit row; one that is already there stays as it is. */
export const record = (db: Store, event: AuditEvent) =>
  db.insert(auditEvents).values(event).onConflictDoNothing();

/** The same, only while `guard` holds: a batch runs on after a statement that hit no row. */
export const recordWhere = (db: Store, event: AuditEvent, guard: SQL) =>
  db
    .insert(auditEvents)
    .select(rowWhere(auditEvents, event, guard))
    .onConflictDoNothing();
