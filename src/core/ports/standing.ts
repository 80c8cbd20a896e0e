import type { ClientId, DeviceId, GrantId, UserId } from "../ids.ts";
import type { RefusalOf } from "../refusal.ts";
import type { Instant } from "../time.ts";

/**
 * Who must stand at the very moment in which a row is written: the statement that writes it asks (docs/decisions/0045). The user is active and
 * of the client's realm, the client is not disabled, the device is a live one of the user's.
 */
export type MustBeActive = {
  readonly userId: UserId;
  readonly clientId: ClientId;
  /** The device that signed for it. */
  readonly deviceId?: DeviceId | undefined;
  /** The browser session that approved it: still one of the user's listed grants. */
  readonly sessionId?: GrantId | undefined;
  /** When it began. What began before the user was last locked, or signed out everywhere, is not written any more. */
  readonly since?: Instant;
};

/** Who does not stand: nothing was written, not even the audit row. */
export type NotActive = RefusalOf<
  "unknown_user" | "user_locked" | "client_disabled" | "device_revoked" | "grant_ended"
>;
