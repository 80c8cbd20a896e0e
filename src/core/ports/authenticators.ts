import type { AuditEvent } from "../audit/event.ts";
import type { ClientId, UserId } from "../ids.ts";
import type { RefusalOf } from "../refusal.ts";
import type { Result } from "../result.ts";
import type { Instant } from "../time.ts";
import type { Authenticator, Profile, ProfileChange } from "../user/authenticator.ts";
import type { NameView } from "../user/name-view.ts";
import type { NotActive } from "./standing.ts";

/** What is enrolled beside keys, and what is known of a key's use; what a backend says of a user. */
export type Authenticators = {
  /** What stands, and what is left of removed addresses. */
  ofUser(userId: UserId): Promise<readonly Authenticator[]>;
  /** One that stands. */
  find(userId: UserId, id: string): Promise<Authenticator | undefined>;
  /** Writes the row; one that stands keeps its beginning and takes over what is given. A device's row is written while the device lives. */
  put(authenticator: Authenticator): Promise<void>;
  /**
   * Writes a proven one and its audit row in one batch, through this client and while everybody stands; `standing`, and nothing is written, when
   * it stands proven already.
   */
  enrol(
    authenticator: Authenticator,
    event: AuditEvent,
    clientId: ClientId,
  ): Promise<Result<"enrolled" | "standing", NotActive>>;
  /**
   * The same while the user has nothing else enrolled, neither a live device nor another code that came back: of any number of calls
   * at once one enrols. `enrolment_closed` when something else is.
   */
  enrolFirst(
    authenticator: Authenticator,
    event: AuditEvent,
    clientId: ClientId,
  ): Promise<Result<"enrolled" | "standing", RefusalOf<"enrolment_closed"> | NotActive>>;
  /** Notes that it was used; one that was removed meanwhile stays removed. */
  touch(userId: UserId, id: string, now: Instant): Promise<void>;
  /** Takes one away; of an address its mark stays. With a client only what that client enrolled. False when there was none. */
  remove(userId: UserId, id: string, now: Instant, by?: ClientId): Promise<boolean>;
  /** Takes back what was enrolled a moment ago, as if it had never been. */
  forget(userId: UserId, id: string): Promise<void>;
  /** What the backends say of a user by whose word a client goes: its own, else that of the first in `from` that says anything. */
  profile(userId: UserId, view: Pick<NameView, "client" | "from">): Promise<Profile>;
  /** Of this client's profile alone; in one statement, so that of several changes at once each stays. */
  changeProfile(userId: UserId, clientId: ClientId, change: ProfileChange, now: Instant): Promise<void>;
  removeProfile(userId: UserId, clientId: ClientId): Promise<void>;
};
