import type { Context } from "hono";
import { userSubject } from "../../core/ids.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { PROTOCOL } from "../../http/waiter-handle.ts";
import { callerOf, refuseCaller, type Shown } from "./caller.ts";
import { say } from "./errors.ts";

const TOKEN = "countersign.token.";
const PROOF = "countersign.proof.";

/** A browser's socket can send no headers: token and proof come as sub-protocols. */
function offered(c: Context<AppEnv>): Shown | undefined {
  const protocols = (c.req.header("Sec-WebSocket-Protocol") ?? "").split(",").map((text) => text.trim());
  const after = (mark: string) => protocols.find((text) => text.startsWith(mark))?.slice(mark.length);
  const [token, proof] = [after(TOKEN), after(PROOF)];
  return token === undefined || proof === undefined ? undefined : { token, proof };
}

/** `GET /approver/socket`: tells a device how many requests wait, at once and at each change, and nothing of what they say. */
export async function openSocket(c: Context<AppEnv>): Promise<Response> {
  if (c.req.header("Upgrade")?.toLowerCase() !== "websocket") {
    return say(c, 426, "upgrade", "This address takes a WebSocket.");
  }
  const caller = await callerOf(c, offered(c));
  if (!caller.ok) return refuseCaller(c, caller.error);
  const { device } = caller.value;
  return await services(c).inboxes.socket(userSubject(device.userId), device.id, PROTOCOL);
}
