import type { Client } from "../../core/client/client.ts";
import type { ChallengeId, ClientId, DeviceId, UserId } from "../../core/ids.ts";
import type { DoorEvent } from "../../core/message/queue.ts";
import type { Told } from "../../core/message/tell-webhook.ts";
import type { Instant } from "../../core/time.ts";
import type { Action, ActionKey, ActionMethod, ActionState } from "./action/action.ts";

export type ActionQuery = {
  readonly clientId: ClientId;
  readonly userId: UserId;
  readonly from?: Instant;
  readonly codes?: readonly string[];
  readonly state?: ActionState;
  readonly size: number;
};

/**
 * Actions. Each method is one statement or one batch, guarded by its own condition, so that of racing calls the row shows exactly
 * one: an action that succeeded or is blocked is not opened again, and one key is one row (primary key).
 */
export type Actions = {
  /** Writes the action unless one of its key stands; answers the one that stands. Undefined: there is no such user any more. */
  track(action: Action): Promise<Action | undefined>;
  find(key: ActionKey): Promise<Action | undefined>;
  /** Makes this the current challenge; a failed action is open again. False when the action is closed or unknown, or its user or client fell. */
  begin(key: ActionKey, challengeId: ChallengeId, now: Instant): Promise<boolean>;
  /**
   * The action is met, by whichever of its challenges; writes the row when there is none. False when it was closed already, or this very one
   * has failed it, or has met it before the backend took that back; and when the user, the client or the device that answered has fallen.
   */
  succeed(
    action: Action,
    met: {
      readonly challengeId: ChallengeId;
      readonly method: ActionMethod;
      readonly verifiedBy: string;
      /** The device that answered, when it was one. */
      readonly deviceId?: DeviceId | undefined;
      /** When the challenge began. */
      readonly since: Instant;
    },
    now: Instant,
  ): Promise<boolean>;
  /** The action's current challenge failed. False when another is current, or the action is closed. */
  fail(key: ActionKey, challengeId: ChallengeId, now: Instant): Promise<boolean>;
  /** The backend's own word on the state. */
  setState(key: ActionKey, state: ActionState, now: Instant): Promise<Action | undefined>;
  /** Newest first. */
  ofUser(query: ActionQuery): Promise<readonly Action[]>;
  /** A user's actions of late, at every client, that a challenge was begun for and that are not over: the newest first. */
  openOf(userId: UserId, since: Instant, size: number): Promise<readonly Action[]>;
};

/**
 * Tells a client's webhook in the Authsignal door's own envelope and signature (§7.3), under every secret that works now. One POST,
 * bounded in time, to a public https address, following no redirect (settled question 33). Never throws for what the receiver did.
 */
export type ActionWebhooks = {
  send(client: Client, event: DoorEvent): Promise<Told>;
};

declare module "../../core/ports/services.ts" {
  interface DoorPorts {
    readonly actions: Actions;
    readonly actionWebhooks: ActionWebhooks;
  }
}
