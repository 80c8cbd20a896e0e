import type { Context } from "hono";
import { grantListing } from "../../../core/challenge/record.ts";
import { endSession } from "../../../core/grant/end.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { forgetSession, type Session } from "./session.ts";

/** Who signs out here, as the audit trail names them. */
export const bySession = (c: Context<AppEnv>, { grant }: Session) => ({
  actor: `user:${grant.userId}`,
  reason: "signed_out",
  ip: originOf(c).ip,
});

/** Signs this browser out: its session ends, and with it what was approved there. */
export async function signOut(c: Context<AppEnv>, session: Session): Promise<void> {
  await endSession(services(c), grantListing(session.grant), bySession(c, session));
  forgetSession(c, session.realm);
}
