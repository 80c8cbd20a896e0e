import type { UserId } from "../ids.ts";
import type { Instant } from "../time.ts";

export type UserStatus = "active" | "locked";

export type User = {
  readonly id: UserId;
  /** The client's own name for the person; unique in the deployment. */
  readonly externalId?: string;
  /** Who gave the external id: one from an anonymous call resolves in the Cotter door only, like an identifier. */
  readonly externalAssertedBy?: AssertedBy;
  readonly status: UserStatus;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
};

export type IdentifierKind = "email" | "phone" | "username";

/** Who said that this identifier is the person's. Anonymous ones resolve in the Cotter door only (settled question 23). */
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
  readonly verifiedAt?: Instant;
  readonly createdAt: Instant;
};

/** Whether every door may find the user by this identifier, or the Cotter door alone. */
export const isTrusted = (identifier: Identifier): boolean =>
  identifier.verifiedAt !== undefined || identifier.assertedBy !== "anonymous";
