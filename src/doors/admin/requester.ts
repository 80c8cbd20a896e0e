import type { Context } from "hono";
import type { Requester } from "../../core/audit/record.ts";
import { type AppEnv, originOf } from "../../http/context.ts";

/** The operator, as the audit trail names whoever holds the admin token. */
export const requesterOf = (c: Context<AppEnv>): Requester => ({ actor: "admin", ip: originOf(c).ip });
