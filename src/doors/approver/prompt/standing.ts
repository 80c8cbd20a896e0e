import type { Context } from "hono";
import type { Prompt } from "../../../core/inbox/state.ts";
import type { Instant } from "../../../core/time.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import type { PhoneCaller } from "../caller.ts";
import { refuse } from "../errors.ts";
import { findAsked } from "./find.ts";

/** How a request stands that this device was shown. */
type State = "live" | "approved" | "denied" | "superseded" | "cancelled" | "expired";

function stateOf({ status, expiresAt }: Prompt, now: Instant): State {
  switch (status.name) {
    case "superseded":
      return "superseded";
    case "withdrawn":
      return "cancelled";
    case "decided":
      return status.decision === "approve" ? "approved" : "denied";
    case "live":
      return now < expiresAt ? "live" : "expired";
  }
}

/** `GET /approver/prompts/{id}`: how a request stands, for a page on which it was open when it went. */
export async function showStanding(c: Context<AppEnv>, caller: PhoneCaller): Promise<Response> {
  const { challenges, clock } = services(c);
  const id = challenges.parse(c.req.param("id") ?? "");
  const found = id && (await findAsked(c, caller, id, undefined));
  if (!found?.ok || !found.value.prompt) return refuse(c, { code: "unknown_challenge" });
  return c.json({ state: stateOf(found.value.prompt, clock.now()) });
}
