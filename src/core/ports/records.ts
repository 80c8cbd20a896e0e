import type { AuditEvent } from "../audit/event.ts";
import type { Device, PasskeyState } from "../device/device.ts";
import type { ChallengeId, ClientId, DeviceId, GrantId, Realm, UserId } from "../ids.ts";
import type { GrantListing } from "../message/queue.ts";
import type { RefusalOf } from "../refusal.ts";
import type { Result } from "../result.ts";
import type { Instant } from "../time.ts";
import type { User } from "../user/user.ts";
import type { NonceUse } from "./clients.ts";
import type { MustBeActive, NotActive } from "./standing.ts";

type Enrolled<Refused extends RefusalOf<"device_exists" | "enrolment_closed">> = Promise<
  Result<undefined, Refused | NotActive>
>;

/**
 * Devices. A key belongs to one live device of a realm at most (partial unique index); revoking is one conditional statement. Reads go to
 * the primary: a revoked device is refused from the next read on (T102).
 */
export type Devices = {
  /** The live device of this key in a realm, whoever's it is. */
  byFingerprint(realm: Realm, fingerprint: string): Promise<Device | undefined>;
  /** The live passkey of this WebAuthn credential id in a realm, whoever's it is. */
  byCredentialId(realm: Realm, credentialId: string): Promise<Device | undefined>;
  /** The device row of this key and user, the newest, revoked or not. */
  ofUserByFingerprint(userId: UserId, fingerprint: string): Promise<Device | undefined>;
  byId(id: DeviceId): Promise<Device | undefined>;
  /** Newest first; revoked ones only when asked for. */
  ofUser(userId: UserId, options?: { readonly withRevoked?: boolean }): Promise<readonly Device[]>;
  /**
   * Refused as `device_exists` when the key already belongs to a live device, and when somebody has fallen: the user, the client, or the device
   * that signed for this one. The audit row and the grant listing are written in the same batch.
   */
  insert(
    device: Device,
    event: AuditEvent,
    grant?: GrantListing,
    signedBy?: DeviceId,
    /** What began before the user's last end is not written; the device's own time when it is missing. */
    since?: Instant,
  ): Enrolled<RefusalOf<"device_exists">>;
  /**
   * The same while the user has nothing enrolled, neither a live device nor a code that came back: of any number of calls at once
   * one enrols. `enrolment_closed` when something is.
   */
  insertFirst(
    device: Device,
    event: AuditEvent,
  ): Enrolled<RefusalOf<"device_exists"> | RefusalOf<"enrolment_closed">>;
  /**
   * The same for a device of our pages, while the user has fewer than `most` live ones of its door and kind, passkey or key: of any number of
   * calls at once no more are written.
   * With `alone`, only while they have no live device of our pages at all, which is what a code may add. `enrolment_closed` otherwise.
   */
  insertOwn(
    device: Device,
    event: AuditEvent,
    asked: {
      readonly most: number;
      readonly signedBy?: DeviceId;
      /** The session that let it in: where that was signed out meanwhile nothing is written. */
      readonly sessionId?: GrantId;
      readonly since: Instant;
      readonly alone?: true;
    },
  ): Enrolled<RefusalOf<"device_exists"> | RefusalOf<"enrolment_closed">>;
  /**
   * A device in place of these, which are removed in the same batch; each with its audit row. Only while its user has no other live device
   * that this client enrolled through this door, and none at all where nothing is removed: `enrolment_closed` otherwise.
   */
  insertRecovered(
    device: Device,
    event: AuditEvent,
    removals: readonly { readonly deviceId: DeviceId; readonly event: AuditEvent }[],
    grant?: GrantListing,
    since?: Instant,
  ): Enrolled<RefusalOf<"device_exists"> | RefusalOf<"enrolment_closed">>;
  /** Changes what a live device is, on this client's word, together with its audit row. */
  rekind(
    device: Pick<Device, "userId" | "id">,
    kind: string,
    clientId: ClientId,
    event: AuditEvent,
  ): Promise<Result<Device, NotActive>>;
  /** One batch: the live device `old` is revoked, and its key is `device`'s. Nothing changes when the key was somebody else's by then. */
  replace(
    old: { readonly device: Device; readonly event: AuditEvent },
    device: Device,
    event: AuditEvent,
  ): Enrolled<RefusalOf<"device_exists">>;
  /** Renames a live device together with its audit row; undefined when it was not live. */
  rename(userId: UserId, deviceId: DeviceId, name: string, event: AuditEvent): Promise<Device | undefined>;
  /**
   * Keeps what a live passkey has told. False when its counter did not grow, unless it has always been 0 (WebAuthn §6.1.1), or when it
   * may be backed up and could not before, or the other way round.
   */
  notePasskey(deviceId: DeviceId, state: PasskeyState): Promise<boolean>;
  /**
   * Revokes a live device together with its audit row; undefined when it was not live, or the one that has signed for it is not: of two that
   * revoke each other at once one stays.
   */
  revoke(
    userId: UserId,
    deviceId: DeviceId,
    event: AuditEvent,
    now: Instant,
    signedBy?: DeviceId,
  ): Promise<Device | undefined>;
};

/** The list of grants and the audit trail, written together: INSERT OR IGNORE, so that repeats are free. */
export type Records = {
  /**
   * One batch: the grant when there is one, and the audit row. A grant is listed only while its user, client and device stand and the session
   * that approved it is listed, and if it is younger than the user's last end; one that is listed already counts as listed.
   */
  finish(event: AuditEvent, grant?: GrantListing, began?: Instant): Promise<Result<undefined, NotActive>>;
  /** The audit row of what is about to be done for somebody, who must stand. */
  note(event: AuditEvent, standing: MustBeActive): Promise<Result<undefined, NotActive>>;
  audit(events: readonly AuditEvent[]): Promise<void>;
  grantsOfUser(
    userId: UserId,
    options?: {
      readonly after?: GrantId;
      readonly size?: number;
      readonly deviceId?: DeviceId;
      readonly sessionId?: GrantId;
    },
  ): Promise<readonly GrantListing[]>;
  grant(userId: UserId, grantId: GrantId): Promise<GrantListing | undefined>;
  /** One statement: the grants that were approved in one session of the user belong to another from now on. */
  moveGrants(userId: UserId, from: GrantId, to: GrantId): Promise<void>;
  /** Takes an ended grant from the list; the audit row in the same batch. */
  removeGrant(userId: UserId, grantId: GrantId, event?: AuditEvent): Promise<void>;
  events(query: AuditQuery): Promise<readonly AuditEvent[]>;
};

export type AuditQuery = {
  readonly userId?: UserId;
  readonly clientId?: ClientId;
  readonly type?: string;
  /** Event id to go on after (older than it). */
  readonly after?: string;
  readonly size: number;
};

/**
 * The directory of codes that users carry: keyed hash, context, challenge. One live row per hash (primary key). A nonce that is
 * given is spent in the same batch; when it was spent before, nothing is written or told.
 */
export type UserCodes = {
  /**
   * Adds a code of a user, unless a live one has its hash (`stands` is false then), and tells the live codes of the same user,
   * kind and purpose, the oldest first. The audit row is written in the same batch. Nothing but the nonce is written when the user, the
   * client or the device that signed for the code has fallen.
   */
  issue(
    row: UserCodeRow & { readonly userId: UserId },
    now: Instant,
    with_: { readonly nonce?: NonceUse; readonly event?: AuditEvent; readonly signedBy?: DeviceId },
  ): Promise<
    Result<
      { readonly stands: boolean; readonly live: readonly UserCodeRow[] },
      RefusalOf<"replayed"> | NotActive
    >
  >;
  /** The code of this hash, live or over. */
  lookUp(hash: string, nonce?: NonceUse): Promise<Result<UserCodeRow | undefined, RefusalOf<"replayed">>>;
  /** The same of a user's code, with the user as they stand at this moment: all of it in one batch. */
  lookUpOf(userId: UserId, hash: string, nonce?: NonceUse): Promise<Result<FoundRow, RefusalOf<"replayed">>>;
  /** The live codes of a user, the oldest first; of one kind and purpose, or all. */
  ofUser(
    asked: { readonly userId: UserId; readonly kind?: string; readonly purpose?: string },
    now: Instant,
    nonce?: NonceUse,
  ): Promise<Result<readonly UserCodeRow[], RefusalOf<"replayed">>>;
  /** Adds a code; false when a live one has its hash. One that is a user's is added only while they and the client stand. */
  insert(row: UserCodeRow, now: Instant): Promise<Result<boolean, NotActive>>;
  find(hash: string, now: Instant): Promise<UserCodeRow | undefined>;
  remove(hash: string): Promise<boolean>;
  /** Deletes what has expired, at most `size` rows; answers how many. */
  purge(now: Instant, size: number): Promise<number>;
};

/** `holder` is missing when the user is gone; `devices` are the live ones. */
export type FoundRow = {
  readonly row?: UserCodeRow;
  readonly holder?: { readonly user: User; readonly devices: readonly Device[] };
};

export type UserCodeRow = {
  readonly hash: string;
  readonly kind: string;
  readonly purpose: string;
  readonly clientId: ClientId;
  readonly userId?: UserId;
  readonly challengeId: ChallengeId;
  readonly expiresAt: Instant;
};
