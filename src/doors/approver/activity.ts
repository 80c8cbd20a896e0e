import type { Context } from "hono";
import type { AuditEvent } from "../../core/audit/event.ts";
import { listAudit } from "../../core/audit/list.ts";
import { own } from "../../core/own.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { deviceName } from "../../pages/verify/device.ts";
import type { PhoneCaller } from "./caller.ts";
import { nameOf } from "./prompt/asked.ts";
import { iso } from "./wire.ts";

/** What a user is told of the trail, by the names that the page has words for; the rest is the operator's. */
const TOLD: Readonly<Record<string, string>> = {
  "sign_in.redeemed": "approved",
  "sign_in.denied": "denied",
  "sign_in.expired": "expired",
  "sign_in.reported": "reported",
  "device.enrolled": "device_added",
  "device.revoked": "device_removed",
  "device.renamed": "device_renamed",
  "recovery_codes.made": "recovery_codes_made",
  "recovery_code.used": "recovery_code_used",
  "user.locked": "locked",
  "user.active": "unlocked",
  "recovery.begun": "recovery_begun",
  prompt_suppressed: "blocked",
};

/**
 * `GET /approver/activity`: what happened to this user's account, newest first, a page at a time. A device that a client's device had let in hears
 * of that client alone.
 */
export async function listActivity(c: Context<AppEnv>, { device }: PhoneCaller): Promise<Response> {
  const after = c.req.query("after");
  const { userId } = device;
  const page = await listAudit(services(c), {
    userId,
    ...(after === undefined || !/^[\w-]{1,128}$/.test(after) ? {} : { after }),
  });
  const { letInBy } = device;
  const rows = page.rows.filter(({ clientId }) => letInBy === undefined || clientId === letInBy);
  const events = await Promise.all(rows.flatMap((event) => told(c, event)));
  return c.json({ events, ...(page.next === undefined ? {} : { next: page.next }) });
}

function told(c: Context<AppEnv>, event: AuditEvent): Promise<object>[] {
  const type = own(TOLD, event.type);
  return type === undefined ? [] : [wire(c, type, event)];
}

async function wire(
  c: Context<AppEnv>,
  type: string,
  { id, at, clientId, data }: AuditEvent,
): Promise<object> {
  const client = clientId && (await services(c).clients.find(clientId));
  const country = data?.country;
  const userAgent = data?.user_agent;
  const device = typeof userAgent === "string" ? deviceName(userAgent) : undefined;
  return {
    id,
    at: iso(at),
    type,
    ...(client ? { client: nameOf(client) } : {}),
    ...(typeof country === "string" ? { place: country } : {}),
    ...(device === undefined ? {} : { device }),
  };
}
