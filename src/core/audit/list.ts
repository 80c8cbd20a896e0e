import { PAGE_SIZE, type Page, pageOf } from "../page.ts";
import type { AuditQuery } from "../ports/records.ts";
import type { Services } from "../ports/services.ts";
import type { AuditEvent } from "./event.ts";

/** The audit trail, newest first; `next` is the id to go on after. */
export async function listAudit(
  powers: Pick<Services, "records">,
  query: Omit<AuditQuery, "size">,
): Promise<Page<AuditEvent>> {
  return pageOf(await powers.records.events({ ...query, size: PAGE_SIZE + 1 }), (event) => event.id);
}
