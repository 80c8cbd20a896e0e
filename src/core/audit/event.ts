import type { JsonObject } from "../challenge/state.ts";
import type { ClientId, DeviceId, UserId } from "../ids.ts";
import type { Instant } from "../time.ts";

/** One row of the audit trail. `id` sorts by time; the same event written twice keeps one row. */
export type AuditEvent = {
  readonly id: string;
  readonly at: Instant;
  /** What happened, such as `sign_in.redeemed`, `device.enrolled`, `refresh_reused`, `prompt_suppressed`. */
  readonly type: string;
  /** Who did it: `device:<id>`, `client:<id>`, `admin`, `system`, `anonymous`. */
  readonly actor: string;
  readonly userId?: UserId;
  readonly clientId?: ClientId;
  readonly deviceId?: DeviceId;
  readonly ip?: string;
  readonly reason?: string;
  readonly data?: JsonObject;
};
