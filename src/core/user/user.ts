import type { ClientId, Realm, UserId } from "../ids.ts";
import type { Instant } from "../time.ts";

export type UserStatus = "active" | "locked";

export type User = {
  readonly id: UserId;
  readonly realm: Realm;
  /** A name that an app, or the operator, has for the user; unique among the names of whoever gave it. */
  readonly externalId?: string;
  /** Who gave the external id. */
  readonly externalAssertedBy?: AssertedBy;
  /** The client that gave it, or through which it was given; absent for the operator's. */
  readonly externalClient?: ClientId;
  readonly status: UserStatus;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  /** When they were last locked, or signed out everywhere: what began before is over, also once they are active again. */
  readonly endedAt?: Instant;
};

/** Whether what began then is over for this user. */
export const isOver = ({ endedAt }: User, began: Instant): boolean =>
  endedAt !== undefined && began < endedAt;

export type IdentifierKind = "email" | "phone" | "username";

/** Whose word a name is: the user's own proof, the operator's, a client's backend's, or nobody's in particular. */
export type AssertedBy = "anonymous" | "admin" | "client" | "proof";

/** An e-mail address, phone number or username of a user. */
export type Identifier = {
  readonly userId: UserId;
  readonly kind: IdentifierKind;
  /** As it was given. */
  readonly value: string;
  /** The form by which it is unique and found. */
  readonly normal: string;
  readonly assertedBy: AssertedBy;
  /** The client that gave it, or through which it was given or proven; absent for the operator's. */
  readonly client?: ClientId;
  /** When the user proved it, or the operator said that they had. Nothing else is verified. */
  readonly verifiedAt?: Instant;
  /** When the client's backend said that it had seen a proof: good for that client alone. */
  readonly vouchedAt?: Instant;
  readonly createdAt: Instant;
};
