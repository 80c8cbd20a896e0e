import type { AuditEvent } from "../audit.ts";
import type { UserId } from "../ids.ts";
import type { RefusalOf } from "../refusal.ts";
import type { Result } from "../result.ts";
import type { Instant } from "../time.ts";
import type { ReadIdentifier } from "../user/identifier.ts";
import type { AssertedBy, Identifier, User, UserStatus } from "../user/user.ts";

export type UserRecord = { readonly user: User; readonly identifiers: readonly Identifier[] };

export type NewUser = {
  readonly id: UserId;
  readonly externalId?: string;
  /** Who gave the external id; `admin` when it is missing. */
  readonly assertedBy?: AssertedBy;
  readonly identifiers: readonly (ReadIdentifier & {
    readonly assertedBy: AssertedBy;
    readonly verifiedAt?: Instant;
  })[];
};

/**
 * Users and their identifiers. `insert` is one batch guarded by the unique constraints: of two racing inserts of one identifier
 * exactly one stands, and the other leaves nothing behind.
 */
export type Users = {
  byId(id: UserId): Promise<UserRecord | undefined>;
  byExternalId(externalId: string): Promise<UserRecord | undefined>;
  byIdentifier(identifier: ReadIdentifier): Promise<UserRecord | undefined>;
  /** One query: the user whose id, external id or identifier is this text, in that order of preference. */
  byAnyName(text: string): Promise<UserRecord | undefined>;
  insert(
    user: NewUser,
    event: AuditEvent,
    now: Instant,
  ): Promise<Result<UserRecord, RefusalOf<"user_exists">>>;
  update(
    id: UserId,
    change: {
      readonly status?: UserStatus;
      /** Null takes it away. */
      readonly externalId?: string | null;
      readonly identifiers?: NewUser["identifiers"];
      /** Joins what the user has, whatever that is; not together with `identifiers`. */
      readonly added?: NewUser["identifiers"][number];
    },
    now: Instant,
    /** Written in the same batch, when there is such a user. */
    event?: AuditEvent,
  ): Promise<Result<UserRecord, RefusalOf<"unknown_user" | "user_exists">>>;
  /**
   * Deletes the user, the identifiers and the devices in one batch, the audit row with them; false when there was none. The list
   * of grants stays: the queue may still be walking it.
   */
  remove(id: UserId, event?: AuditEvent): Promise<boolean>;
  page(after: UserId | undefined, size: number): Promise<readonly UserRecord[]>;
};
