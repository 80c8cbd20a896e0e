import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Refusal, RefusalOf } from "../../core/refusal.ts";
import type { Instant } from "../../core/time.ts";
import type { FaultStatus, RenderFault } from "../../http/door.ts";

type Answer = readonly [status: ContentfulStatusCode, msg: string];

type Answers = {
  readonly [Code in Refusal["code"]]: Answer | ((refusal: RefusalOf<Code>) => Answer);
};

const NO_CLIENT: Answer = [401, "API_KEY_ID is not valid"];
const EXISTS: Answer = [409, "User already exists"];
const NOT_TRUSTED: Answer = [403, "Signature is not from a trusted device of this user"];
const NO_EVENT: Answer = [404, "Event not found"];
const NOT_NOW: Answer = [409, "Event cannot be answered now"];
const ANSWERED: Answer = [409, "Event is already answered"];
const BAD_REFRESH: Answer = [400, "Refresh token is not valid"];
const TOO_MANY: Answer = [429, "Too many requests"];

/**
 * The one way from a refusal to this wire (Cotter §2, "Error object"). Neighbours that would help an attacker tell things apart
 * share an answer. No answer is a 5xx: WEB repeats get_identity on 500, and a burnt code must not be tried again.
 */
const ANSWERS: Answers = {
  malformed: (refusal) => [400, `Request is not valid: ${refusal.detail}`],
  unknown_client: NO_CLIENT,
  client_disabled: NO_CLIENT,
  bad_client_secret: NO_CLIENT,
  not_allowed: (refusal) => [403, refusal.detail],
  unknown_user: [404, "User not found"],
  user_locked: [403, "User is locked"],
  user_exists: EXISTS,
  client_exists: EXISTS,
  unknown_device: [404, "Device is not enrolled"],
  device_exists: [409, "A trusted device is already enrolled"],
  device_revoked: NOT_TRUSTED,
  device_of_another_user: NOT_TRUSTED,
  device_of_another_client: [403, "The device was enrolled through another app"],
  bad_signature: NOT_TRUSTED,
  device_too_young: [403, "The device was enrolled after this request was made"],
  bad_key: (refusal) => [400, `Public key is not valid: ${refusal.detail}`],
  stale: (refusal) => [403, `Timestamp is not valid: ${refusal.detail}`],
  replayed: [403, "Signature was used before"],
  enrolment_closed: [403, "Enrolment of a first device is not open for this user"],
  prompt_mismatch: (refusal) => [403, `Does not match the pending event: ${refusal.detail}`],
  unknown_challenge: NO_EVENT,
  bad_handle: NO_EVENT,
  superseded: NO_EVENT,
  cancelled: NO_EVENT,
  expired: NO_EVENT,
  not_claimed: NOT_NOW,
  claimed_by_other: NOT_NOW,
  not_approved: NOT_NOW,
  occupied: NOT_NOW,
  already_decided: ANSWERED,
  redeemed: ANSWERED,
  denied: [403, "Event is rejected"],
  bad_refresh_token: BAD_REFRESH,
  refresh_reused: BAD_REFRESH,
  grant_ended: BAD_REFRESH,
  unknown_grant: BAD_REFRESH,
  bad_token: BAD_REFRESH,
  token_expired: BAD_REFRESH,
  unknown_action: NO_EVENT,
  webhook_failed: NOT_NOW,
  wrong_code: [400, "Code is not valid"],
  delivery_failed: [400, "The code could not be sent"],
  code_locked: TOO_MANY,
  out_of_guesses: TOO_MANY,
  too_many: TOO_MANY,
};

/** Status and `msg` of a refusal. */
export function answerOf(refusal: Refusal): Answer {
  const answer = ANSWERS[refusal.code] as Answer | ((refusal: Refusal) => Answer);
  return typeof answer === "function" ? answer(refusal) : answer;
}

/** When it helps to come again. */
function againAt(refusal: Refusal): Instant | undefined {
  if (refusal.code === "code_locked") return refusal.until;
  return refusal.code === "too_many" ? refusal.retryAt : undefined;
}

/** Answers a refusal as `{msg}`, with `Retry-After` where waiting helps. */
export function refuse(c: Context, refusal: Refusal): Response {
  const [status, msg] = answerOf(refusal);
  const again = againAt(refusal);
  const seconds = again === undefined ? undefined : Math.max(1, Math.ceil((again - Date.now()) / 1000));
  return c.json({ msg }, status, seconds === undefined ? {} : { "Retry-After": String(seconds) });
}

export const FAULTS: Readonly<Record<FaultStatus, string>> = {
  400: "Request is not valid",
  404: "Not found",
  405: "Method is not allowed",
  500: "Something went wrong",
  503: "Service is unavailable",
};

/** What is nobody's refusal, in this door's shape: outage, bug, unknown path, wrong method. */
export const renderFault: RenderFault = (c, status, retryAfter) =>
  c.json(
    { msg: FAULTS[status] },
    status,
    retryAfter === undefined ? {} : { "Retry-After": String(retryAfter) },
  );
