import type { Action, ActionKey, ActionMethod, ActionState } from "../action/action.ts";
import type { Authenticator, Profile, ProfileChange } from "../action/authenticator.ts";
import type { AuditEvent } from "../audit.ts";
import type { ChallengeId, ClientId, DeviceId, UserId } from "../ids.ts";
import type { RefusalOf } from "../refusal.ts";
import type { Result } from "../result.ts";
import type { Instant } from "../time.ts";
import type { NameView } from "../user/name-view.ts";
import type { Fallen } from "./standing.ts";

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
  ): Promise<Result<"enrolled" | "standing", Fallen>>;
  /**
   * The same while the user has nothing else enrolled, neither a live device nor another code that came back: of any number of calls
   * at once one enrols. `enrolment_closed` when something else is.
   */
  enrolFirst(
    authenticator: Authenticator,
    event: AuditEvent,
    clientId: ClientId,
  ): Promise<Result<"enrolled" | "standing", RefusalOf<"enrolment_closed"> | Fallen>>;
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
