import type { JsonObject } from "../challenge/state.ts";
import type { ClientId, UserId } from "../ids.ts";
import type { Instant } from "../time.ts";

export type AuthenticatorKind = "device" | "email" | "sms";

/**
 * One enrolled way of a user to meet an action. For `device` the row only adds to the device's own: its key and whether it is live
 * stand there, under the same id.
 */
export type Authenticator = {
  readonly userId: UserId;
  readonly id: string;
  readonly kind: AuthenticatorKind;
  /** Normal form of the address or number. */
  readonly identifier?: string;
  readonly pushToken?: string;
  readonly createdAt: Instant;
  /** Absent while a code has not come back. */
  readonly verifiedAt?: Instant;
  readonly lastVerifiedAt?: Instant;
  /** Of an address: the client that enrolled it, and whose backend may remove it. */
  readonly clientId?: ClientId;
  /** Of an address that is no longer enrolled; the address itself is gone then. */
  readonly removedAt?: Instant;
};

/** What a client's backend says of a user beside the names: shown back to it, never looked up by. */
export type Profile = {
  readonly displayName?: string;
  readonly locale?: string;
  readonly custom?: JsonObject;
};

/** What is absent stays; null takes it away. */
export type ProfileChange = { readonly [Name in keyof Profile]?: Profile[Name] | null };

/** Codes that came back at least once. */
export const verifiedCodes = (rows: readonly Authenticator[]): readonly Authenticator[] =>
  rows.filter(({ kind, verifiedAt }) => kind !== "device" && verifiedAt !== undefined);
