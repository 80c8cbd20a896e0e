import type { AuditEvent } from "../audit/event.ts";
import type { Device } from "../device/device.ts";
import type { ClientId, Realm, UserId } from "../ids.ts";
import type { GrantListing } from "../message/queue.ts";
import type { RefusalOf } from "../refusal.ts";
import type { Result } from "../result.ts";
import type { Instant } from "../time.ts";
import type { Authenticator } from "../user/authenticator.ts";
import type { ReadIdentifier } from "../user/identifier.ts";
import type { NameView } from "../user/name-view.ts";
import type { AssertedBy, Identifier, User, UserStatus } from "../user/user.ts";
import type { NotActive } from "./standing.ts";

export type UserRecord = { readonly user: User; readonly identifiers: readonly Identifier[] };

/** A user with all their devices, revoked ones too, and the rows of their ways of meeting an action. */
export type UserWithWays = {
  readonly record: UserRecord;
  readonly devices: readonly Device[];
  readonly ways: readonly Authenticator[];
};

/** A name as somebody gives it. `client` is missing for the operator's word alone. */
export type GivenIdentifier = ReadIdentifier &
  Pick<Identifier, "assertedBy" | "client" | "verifiedAt" | "vouchedAt">;

export type NewUser = {
  readonly id: UserId;
  readonly realm: Realm;
  readonly externalId?: string;
  /** Who gave the external id; `admin` when it is missing. */
  readonly assertedBy?: AssertedBy;
  /** The client that gave it, or through which it was given. */
  readonly client?: ClientId;
  readonly identifiers: readonly GivenIdentifier[];
  /** Refused, in the same batch, when one of the names leads to somebody in this view: whoever was first keeps it. */
  readonly unnamedIn?: NameView;
};

/** For the operator and the queue, who look at a user whatever the realm. */
export const ANY_REALM = "*" as const;
export type Within = Realm | typeof ANY_REALM;

/** How a client looks for somebody by an identifier. */
export type IdentifierLook = {
  /** `own`: a backend means its own name before anybody's proof. `proven`: a user's proof comes first. */
  readonly first: "own" | "proven";
  /** Whether what an anonymous call said through this client counts, behind everything else. */
  readonly anonymous?: boolean;
};

/** What must hold of a user in the very moment of a write: nobody but this client has anything of them, or they have no name at all. */
export type Only = { readonly whollyOf: ClientId } | "nameless";

export type UserChange = {
  /** Refused with `unknown_user`, and nothing changed, unless this holds. */
  readonly only?: Only;
  readonly status?: UserStatus;
  /** Nothing changes unless this is still when they were last locked or signed out. */
  readonly since?: Instant;
  /** The operator's name takes the place of whatever external id there is; null takes it away. */
  readonly externalId?: string | null;
  /** Takes the place of the names that this client gave; of all names for `operator`. */
  readonly identifiers?: { readonly of: ClientId | "operator"; readonly given: readonly GivenIdentifier[] };
  /** Joins what the user has, whatever that is; not together with `identifiers`. */
  readonly added?: GivenIdentifier;
  /** When what is said began: nothing is written if the user was locked or signed out since. */
  readonly began?: Instant;
  /** A proof that is added takes the name from whom this client's backend had merely named, too. */
  readonly takesFrom?: ClientId;
};

/** A user as they were written. */
export type WrittenUser = UserRecord & {
  /** Who had a name by a weaker word that a proof has taken: what they began before is over, and their sessions are to be ended. */
  readonly displaced?: readonly UserId[];
};

type Inserted = Result<WrittenUser, RefusalOf<"user_exists" | "client_disabled">>;

/**
 * Users and their names. A name belongs to whoever gave it: a proof and the operator's word hold in the realm, a backend's word and
 * an anonymous call's for their client. Every write is one batch. Refused with `user_exists`, and nothing written: a name that the
 * same giver, a proof or the operator has for another user already. A proof takes the name from whoever had it by an anonymous call. What is
 * said or proven through a client is written only while that client is not disabled and its user, if there is one yet, is active.
 */
export type Users = {
  byId(id: UserId, within: Within): Promise<UserRecord | undefined>;
  /** The user whom a client, a friend of it or the operator calls so; the client's own word first. */
  byExternalId(view: NameView, externalId: string): Promise<UserRecord | undefined>;
  /** The same, or by an id here, with what they have enrolled or once had: one batch. */
  withWays(
    view: NameView,
    name: { readonly externalId: string } | { readonly id: UserId },
  ): Promise<UserWithWays | undefined>;
  byIdentifier(
    view: NameView,
    identifier: ReadIdentifier,
    look: IdentifierLook,
  ): Promise<UserRecord | undefined>;
  /**
   * One query: the user whose id, identifier or external id is this text, as the Cotter door has to take it. An id of ours first, then what is
   * proven, what was vouched for, and what an anonymous call said.
   */
  byAnyName(view: NameView, text: string): Promise<UserRecord | undefined>;
  /** The same, and beside it this user's device of a key, the newest, revoked or not: one round trip for what a device has signed. */
  byAnyNameWithKey(
    view: NameView,
    text: string,
    fingerprint: string,
  ): Promise<{ readonly record: UserRecord; readonly device?: Device } | undefined>;
  /** The live device of a key in a realm, and its user: one round trip for a device that names itself by its key. */
  byDeviceKey(
    realm: Realm,
    fingerprint: string,
  ): Promise<{ readonly record: UserRecord; readonly device: Device } | undefined>;
  /** Everybody of the realm who has this identifier by anybody's word, as the rows of it. */
  holdersOf(realm: Realm, identifier: ReadIdentifier): Promise<readonly Identifier[]>;
  /** For the operator: everybody who goes by this name, by anybody's word. */
  named(
    within: Within,
    name: { readonly externalId: string } | { readonly identifier: ReadIdentifier },
  ): Promise<readonly UserRecord[]>;
  insert(user: NewUser, event: AuditEvent, now: Instant): Promise<Inserted>;
  /** The user together with their first device, and the grant when the enrolment signs them in: all or nothing. */
  insertWithDevice(
    user: NewUser,
    device: Device,
    events: readonly AuditEvent[],
    now: Instant,
    grant?: GrantListing,
  ): Promise<Result<UserRecord, RefusalOf<"user_exists" | "device_exists" | "client_disabled">>>;
  update(
    user: Pick<User, "id" | "realm">,
    change: UserChange,
    now: Instant,
    /** Written in the same batch, when the change is. */
    event?: AuditEvent,
  ): Promise<Result<WrittenUser, RefusalOf<"user_exists"> | NotActive>>;
  /** Everything of theirs that began before this instant is over, as when they are locked; false when there is no such user. */
  end(id: UserId, now: Instant): Promise<boolean>;
  /**
   * Deletes the user, the identifiers and the devices in one batch, the audit row with them; false when there was none, or `only` does not
   * hold. The list of grants stays: the queue may still be walking it.
   */
  remove(id: UserId, event?: AuditEvent, only?: Only): Promise<boolean>;
  page(within: Within, after: UserId | undefined, size: number): Promise<readonly UserRecord[]>;
  /** The users of whom this client has a name of its own, a friend's or the operator's, in the order of their ids. */
  pageFor(view: NameView, after: UserId | undefined, size: number): Promise<readonly UserRecord[]>;
};
