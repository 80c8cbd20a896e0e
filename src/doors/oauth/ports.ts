import type { Client } from "../../core/client/client.ts";
import type { ChallengeId } from "../../core/ids.ts";
import type { DoorEvent } from "../../core/message/queue.ts";

/** What a client needs to hear of a request, and to believe it (CIBA Core, section 10.2). */
export type PingSecrets = { readonly authReqId: string; readonly token: string };

/**
 * Tells clients that a CIBA request has ended: one POST without any token of ours, to a public https address only, following no redirect.
 * One ping goes out once, however often the queue brings it.
 */
export type Pings = {
  /** What the challenge keeps until then, closed for this challenge alone. */
  seal(id: ChallengeId, secrets: PingSecrets): Promise<string>;
  /** Makes one attempt. Answers seconds until the next one, if there is to be one. Throws an Outage when it cannot be opened. */
  send(client: Client, event: DoorEvent, attempts: number): Promise<number | undefined>;
};

declare module "../../core/ports/services.ts" {
  interface DoorPorts {
    readonly pings: Pings;
  }
}
