import type { AuditEvent } from "../audit/event.ts";
import type { Door, JsonObject } from "../challenge/state.ts";
import type { ChallengeId, ClientId, DeviceId, GrantId, UserId } from "../ids.ts";
import type { SealedMessage } from "../ports/deliveries.ts";
import type { Instant } from "../time.ts";

/** What D1 keeps of a grant: enough to list and to reach it; its state is its object's. */
export type GrantListing = {
  readonly id: GrantId;
  readonly userId: UserId;
  readonly clientId: ClientId;
  readonly deviceId?: DeviceId;
  /** The browser session that approved it. */
  readonly sessionId?: GrantId;
  readonly scope: string;
  readonly amr: readonly string[];
  readonly createdAt: Instant;
};

/** A grant that has ended, as its client is told of it. */
export type EndedGrant = Pick<GrantListing, "id" | "userId" | "clientId">;

/** Bodies of the queue. Every one may arrive twice; none holds a secret that is not sealed. */
export type QueueMessage =
  | { readonly kind: "audit"; readonly events: readonly AuditEvent[] }
  | { readonly kind: "list_grant"; readonly grant: GrantListing; readonly event: AuditEvent }
  | {
      readonly kind: "grant_ended";
      readonly userId: UserId;
      readonly grantId: GrantId;
      readonly event?: AuditEvent;
    }
  | {
      readonly kind: "revoke_grants";
      readonly userId: UserId;
      readonly reason: string;
      /** Who asked, for the audit rows; `system` when it is missing. */
      readonly actor?: string;
      readonly deviceId?: DeviceId;
      readonly sessionId?: GrantId;
      readonly after?: GrantId;
    }
  /** Tells the client's webhook of an event, signed; nothing when the client has none. */
  | { readonly kind: "webhook"; readonly clientId: ClientId; readonly event: AuditEvent }
  /** The same as `door_event`, of the door with actions. */
  | { readonly kind: "action_webhook"; readonly clientId: ClientId; readonly event: DoorEvent }
  /** Tells a client of an event in the form of the door that it belongs to. */
  | {
      readonly kind: "door_event";
      readonly door: Door;
      readonly clientId: ClientId;
      readonly event: DoorEvent;
    }
  /** Tells a client, in the way of the door that opened it, that a grant of its has ended. */
  | { readonly kind: "tell_ended"; readonly door: Door; readonly grant: EndedGrant }
  /** Wakes a device whose push service did not take it at once; by ids alone, where it is woken stays in the inbox. */
  | {
      readonly kind: "push";
      readonly userId: UserId;
      readonly challengeId: ChallengeId;
      readonly device: DeviceId;
      readonly expiresAt: Instant;
    }
  /** Sends a message to a user. */
  | { readonly kind: "deliver"; readonly message: SealedMessage };

/** An event that a door tells webhooks in a form of its own: `data` is what its type demands, `id` names it however often it is sent. */
export type DoorEvent = {
  readonly id: string;
  readonly type: string;
  readonly at: Instant;
  readonly data: JsonObject;
};
