import type { DecisionKind } from "./challenge/state.ts";
import type { Instant } from "./time.ts";

/**
 * Every expected "no" of the machine, without HTTP: each door has one exhaustive function from here to its wire.
 * Data in a refusal is for the door's words and for the audit trail; it never holds a secret.
 */
export type Refusal =
  | { readonly code: "malformed"; readonly detail: string }
  | { readonly code: "unknown_client" }
  | { readonly code: "bad_client_secret" }
  | { readonly code: "client_disabled" }
  | { readonly code: "not_allowed"; readonly detail: string }
  | { readonly code: "unknown_user" }
  | { readonly code: "user_locked" }
  | { readonly code: "user_exists"; readonly field: "identifier" | "external_id" | "id" }
  | { readonly code: "client_exists" }
  | { readonly code: "unknown_device" }
  | { readonly code: "device_revoked" }
  | { readonly code: "device_too_young" }
  | { readonly code: "device_of_another_user" }
  /** The device was enrolled through a client whose devices may not answer for the one that asks. */
  | { readonly code: "device_of_another_client" }
  | { readonly code: "device_exists" }
  | { readonly code: "bad_key"; readonly detail: string }
  | { readonly code: "bad_signature" }
  | { readonly code: "stale"; readonly detail: string }
  | { readonly code: "replayed" }
  | { readonly code: "enrolment_closed" }
  | { readonly code: "unknown_challenge" }
  | { readonly code: "bad_handle" }
  | { readonly code: "occupied" }
  | { readonly code: "superseded" }
  | { readonly code: "prompt_mismatch"; readonly detail: string }
  | { readonly code: "not_claimed" }
  | { readonly code: "claimed_by_other" }
  | { readonly code: "not_approved" }
  | { readonly code: "already_decided"; readonly winner: DecisionKind }
  | { readonly code: "denied" }
  | { readonly code: "redeemed"; readonly grantDies: boolean }
  | { readonly code: "cancelled" }
  | { readonly code: "expired" }
  | { readonly code: "bad_refresh_token" }
  | { readonly code: "refresh_reused" }
  | { readonly code: "grant_ended" }
  | { readonly code: "unknown_grant" }
  | { readonly code: "bad_token"; readonly detail: string }
  | { readonly code: "token_expired" }
  | { readonly code: "unknown_action" }
  /** The client's own webhook did not take an event that had to be taken first. */
  | { readonly code: "webhook_failed"; readonly detail: string }
  /** A one-time code that is not the one sent; `left` guesses remain for its challenge. */
  | { readonly code: "wrong_code"; readonly left: number }
  /** The guesses of a challenge are used up: it is over, and another may be begun. */
  | { readonly code: "out_of_guesses" }
  /** Too many wrong codes by this caller: none is looked at before this instant. */
  | { readonly code: "code_locked"; readonly until: Instant }
  /** The message did not get on its way; `detail` is for users and names neither address nor code. `uncarried`: nothing carries such. */
  | { readonly code: "delivery_failed"; readonly detail: string; readonly uncarried?: true }
  | { readonly code: "too_many"; readonly scope: "client" | "ip" | "person"; readonly retryAt: Instant };

/** The refusal with this code. */
export type RefusalOf<Code extends Refusal["code"]> = Extract<Refusal, { code: Code }>;
