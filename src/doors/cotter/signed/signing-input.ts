/** The reserved event name by which one device enrols another (Cotter §5). */
export const ENROL_EVENT = "ENROLL_NEW_TRUSTED_DEVICE";
export const METHOD = "TRUSTED_DEVICE";

export type SignedParts = {
  /** The very text that the body gave as `client_user_id` or `user_id`. */
  readonly user: string;
  readonly issuer: string;
  readonly event: string;
  /** Unix seconds as sent. */
  readonly timestamp: string;
  readonly approved: boolean;
  /** The new device's key text, verbatim with its line breaks; only when one device enrols another. */
  readonly newKey?: string;
};

/**
 * What a trusted device signs: plain concatenation without separators (Cotter §5). Safe only together with the rules of
 * schema.ts, which keep every part from reaching into its neighbour.
 */
export const signingInput = (parts: SignedParts): string =>
  `${parts.user}${parts.issuer}${parts.event}${parts.timestamp}${METHOD}${parts.approved}${parts.newKey ?? ""}`;

export type StatedEvent = {
  readonly client_user_id: string;
  readonly issuer: string;
  readonly event: string;
  readonly timestamp: string;
  readonly method: string;
  readonly new: boolean;
  readonly approved: boolean;
};

export type StatedIdentity = {
  readonly identifier: string;
  readonly identifier_type: string;
  readonly receiver: string;
  readonly expire_at: string;
};

/** What the server signs over an identity it answers (Cotter §6). */
export const identityStatement = (identity: StatedIdentity): string =>
  `${identity.identifier}${identity.identifier_type}${identity.receiver}${identity.expire_at}`;

/** What the server signs over an event it answers (Cotter §6). */
export const eventStatement = (event: StatedEvent): string =>
  `${event.client_user_id}${event.issuer}${event.event}${event.timestamp}${event.method}${event.new}${event.approved}`;
