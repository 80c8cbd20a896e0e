import type { ClientId, UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import { MINUTE } from "../time.ts";
import type { AuditEvent } from "./event.ts";

export type NotedRefusal = {
  readonly type: string;
  readonly subject: string;
  readonly clientId?: ClientId;
  readonly userId?: UserId;
  readonly ip?: string;
  readonly reason?: string;
};

type Powers = Pick<Services, "clock" | "handles" | "events" | "background" | "log">;

/**
 * Puts a refusal on record through the queue, folded to one row per type, client, subject and minute, and before the queue to one
 * message for an isolate, so that a stranger cannot write the operator a bill (settled question 27). Never delays or fails the answer.
 */
export function noteRefusal(powers: Powers, refusal: NotedRefusal): void {
  powers.background(() =>
    send(powers, refusal).catch((cause: unknown) => {
      powers.log("warn", "a refusal could not be put on record", {
        type: refusal.type,
        cause: String(cause),
      });
    }),
  );
}

async function send(powers: Powers, refusal: NotedRefusal): Promise<void> {
  const at = powers.clock.now();
  const minute = Math.floor(at / MINUTE) * MINUTE;
  const fold = await powers.handles.digest([refusal.type, refusal.clientId ?? "", refusal.subject]);
  const { subject: _, ...parts } = refusal;
  const event: AuditEvent = {
    id: `${minute.toString(16).padStart(12, "0")}${fold.slice(0, 20)}`,
    at,
    actor: refusal.clientId === undefined ? "anonymous" : `client:${refusal.clientId}`,
    ...parts,
  };
  await powers.events.send({ kind: "audit", events: [event] }, { folds: true });
}
