import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Refusal, RefusalOf } from "../../core/refusal.ts";
import type { Instant } from "../../core/time.ts";
import type { FaultStatus, RenderFault } from "../../http/door.ts";

type Answer = readonly [status: ContentfulStatusCode, code: string, description: string];

type Answers = {
  readonly [Code in Refusal["code"]]: Answer | ((refusal: RefusalOf<Code>) => Answer);
};

const invalid = (description: string): Answer => [400, "invalid_request", description];

const NOT_AUTHORIZED: Answer = [
  401,
  "unauthorized",
  // The vendor's words: the suites of its SDKs compare them.
  "The request is unauthorized. Check that your API key and region base URL are correctly configured.",
];
const BAD_CREDENTIAL: Answer = [
  400,
  "invalid_credential",
  "The credential is not enrolled or its signature does not verify.",
];
/** What is unknown, another client's, another user's or over reads alike (T106). */
const NO_CHALLENGE = invalid("The challenge is unknown, has expired or cannot be answered.");
const ANSWERED = invalid("The challenge has already been answered.");
const TOO_MANY: Answer = [429, "too_many_requests", "Too many requests. Try again later."];
const NO_USER = invalid("The user cannot be used.");

/** The one way from a refusal to this wire (Authsignal §3). Statuses are 400, 401, 404, 429 and 502 alone. */
const ANSWERS: Answers = {
  malformed: (refusal) => invalid(`The request is not valid: ${refusal.detail}.`),
  unknown_client: NOT_AUTHORIZED,
  client_disabled: NOT_AUTHORIZED,
  client_exists: NOT_AUTHORIZED,
  bad_client_secret: NOT_AUTHORIZED,
  bad_token: NOT_AUTHORIZED,
  token_expired: [401, "expired_token", "The token has expired."],
  enrolment_closed: [401, "unauthorized", "The token does not allow adding an authenticator."],
  not_allowed: (refusal) => invalid(`This is not allowed: ${refusal.detail}.`),
  unknown_user: NO_USER,
  user_locked: NO_USER,
  user_exists: invalid("This name is another user's."),
  unknown_device: BAD_CREDENTIAL,
  device_revoked: BAD_CREDENTIAL,
  bad_signature: BAD_CREDENTIAL,
  device_exists: invalid("This key cannot be enrolled."),
  device_too_young: invalid("The credential was enrolled after this challenge began."),
  device_of_another_user: NO_CHALLENGE,
  device_of_another_client: NO_CHALLENGE,
  bad_key: (refusal) => invalid(`The public key is not valid: ${refusal.detail}.`),
  stale: (refusal) => invalid(`The signature is out of date: ${refusal.detail}.`),
  replayed: invalid("This signature or token was used before."),
  unknown_challenge: NO_CHALLENGE,
  bad_handle: NO_CHALLENGE,
  occupied: NO_CHALLENGE,
  superseded: NO_CHALLENGE,
  prompt_mismatch: NO_CHALLENGE,
  cancelled: NO_CHALLENGE,
  expired: NO_CHALLENGE,
  not_approved: NO_CHALLENGE,
  not_claimed: invalid("The challenge has not been claimed."),
  claimed_by_other: invalid("The challenge has been claimed by another device."),
  already_decided: ANSWERED,
  denied: ANSWERED,
  redeemed: ANSWERED,
  bad_refresh_token: NOT_AUTHORIZED,
  refresh_reused: NOT_AUTHORIZED,
  grant_ended: NOT_AUTHORIZED,
  unknown_grant: NOT_AUTHORIZED,
  unknown_action: [404, "not_found", "There is no such action."],
  webhook_failed: [502, "webhook_failed", "The webhook did not take the event."],
  wrong_code: invalid("The verification code is not right."),
  code_locked: TOO_MANY,
  out_of_guesses: TOO_MANY,
  delivery_failed: ({ uncarried }) =>
    uncarried
      ? [400, "invalid_configuration", "This deployment sends no messages of this kind."]
      : invalid("The message could not be sent."),
  too_many: TOO_MANY,
};

/** Status, machine code and text of a refusal. */
export function answerOf(refusal: Refusal): Answer {
  const answer = ANSWERS[refusal.code] as Answer | ((refusal: Refusal) => Answer);
  return typeof answer === "function" ? answer(refusal) : answer;
}

function againAt(refusal: Refusal): Instant | undefined {
  if (refusal.code === "code_locked") return refusal.until;
  return refusal.code === "too_many" ? refusal.retryAt : undefined;
}

const body = (code: string, description: string) => ({
  error: code,
  errorCode: code,
  errorDescription: description,
});

/** Answers a refusal with all three members that the SDKs read, and `Retry-After` where waiting helps. */
export function refuse(c: Context, refusal: Refusal): Response {
  const [status, code, description] = answerOf(refusal);
  const again = againAt(refusal);
  const seconds = again === undefined ? undefined : Math.max(1, Math.ceil((again - Date.now()) / 1000));
  return c.json(
    body(code, description),
    status,
    seconds === undefined ? {} : { "Retry-After": String(seconds) },
  );
}

const FAULTS: Readonly<Record<FaultStatus, readonly [string, string]>> = {
  400: ["invalid_request", "The request is not valid."],
  404: ["not_found", "There is nothing at this address."],
  405: ["method_not_allowed", "This address does not take this method."],
  500: ["internal_error", "Something went wrong."],
  503: ["service_unavailable", "The service cannot be used now."],
};

/** What is nobody's refusal, in this door's shape: outage, bug, unknown path, wrong method. */
export const renderFault: RenderFault = (c, status, retryAfter) =>
  c.json(
    body(...FAULTS[status]),
    status,
    retryAfter === undefined ? {} : { "Retry-After": String(retryAfter) },
  );
