import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { noteRefusal } from "../../core/audit/note-refusal.ts";
import type { Client } from "../../core/client/client.ts";
import type { Refusal, RefusalOf } from "../../core/refusal.ts";
import type { Instant } from "../../core/time.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import type { FaultStatus, RenderFault } from "../../http/door.ts";

/** Status, `code` and `message` of an error (LoginID §8). */
export type Wrong = readonly [status: ContentfulStatusCode, code: string, message: string];

type Answers = {
  readonly [Code in Refusal["code"]]: Wrong | ((refusal: RefusalOf<Code>) => Wrong);
};

const UNAUTHORIZED: Wrong = [401, "unauthorized", "Failed to verify authorization token"];
const NOT_ALLOWED: Wrong = [
  403,
  "operation_not_allowed",
  "You do not have a permission to complete this action.",
];
const NO_CLIENT: Wrong = [404, "client_not_found", "Client not found"];
const NO_CODE: Wrong = [404, "verification_code_not_found", "Verification code not found"];
const BAD_CODE: Wrong = [400, "invalid_verification_code", "Invalid verification code"];
const NO_CREDENTIAL: Wrong = [404, "credential_not_found", "Credential not found"];
const BAD_CREDENTIAL: Wrong = [400, "request_validation_error", "The credential is not valid"];
const NOT_FOUND: Wrong = [404, "not_found", "Not found"];
const TOO_OFTEN: Wrong = [429, "too_many_requests", "Too many requests"];

/** Endings that are nobody's refusal: views that this wire writes as errors (LoginID §4.6). */
export const TIMED_OUT: Wrong = [400, "remote_session_timeout", "The session has timed out"];
export const IN_PROGRESS: Wrong = [400, "remote_session_in_progress", "Authentication session in progress"];
export const LOCKED_OUT: Wrong = [
  429,
  "remote_session_maximum_retry_attempts",
  "Session maximum retry attempts",
];
export const DEPRECATED: Wrong = [404, "endpoint_deprecated", "Error code: D3TVC3RP3D"];
export const NO_SUCH_CODE = NO_CODE;
export const MISSING_PARAMETER: Wrong = [400, "missing_parameter", "Missing Parameter"];
export const USERNAME_EMPTY: Wrong = [400, "username_empty", "Username is empty"];
export const USERNAME_INVALID: Wrong = [400, "username_invalid", "Username is invalid"];
export const MISSING_BODY: Wrong = [400, "missing_body", "Missing body"];
export const BAD_REQUEST: Wrong = [400, "bad_request", "Bad request"];

/** The one way from a refusal to this wire. Neighbours that would help an attacker tell things apart share an answer. */
const ANSWERS: Answers = {
  malformed: (refusal) => [400, "request_validation_error", `Request Validation Error: ${refusal.detail}`],
  bad_token: UNAUTHORIZED,
  token_expired: UNAUTHORIZED,
  stale: UNAUTHORIZED,
  replayed: UNAUTHORIZED,
  bad_signature: UNAUTHORIZED,
  bad_client_secret: UNAUTHORIZED,
  not_allowed: NOT_ALLOWED,
  device_of_another_user: NOT_ALLOWED,
  device_of_another_client: NOT_ALLOWED,
  device_too_young: NOT_ALLOWED,
  enrolment_closed: NOT_ALLOWED,
  unknown_client: NO_CLIENT,
  client_disabled: NO_CLIENT,
  client_exists: [400, "bad_request", "Client exists"],
  unknown_user: [404, "user_not_found", "User not found"],
  user_locked: [403, "account_deactivated", "Account is deactivated"],
  user_exists: [400, "username_taken", "Username is taken"],
  unknown_challenge: NO_CODE,
  redeemed: NO_CODE,
  expired: [400, "verification_code_expired", "Verification code has expired"],
  denied: BAD_CODE,
  cancelled: BAD_CODE,
  superseded: BAD_CODE,
  not_approved: BAD_CODE,
  not_claimed: BAD_CODE,
  claimed_by_other: BAD_CODE,
  occupied: BAD_CODE,
  prompt_mismatch: BAD_CODE,
  already_decided: BAD_CODE,
  wrong_code: BAD_CODE,
  bad_handle: BAD_CODE,
  unknown_device: NO_CREDENTIAL,
  device_revoked: NO_CREDENTIAL,
  device_exists: BAD_CREDENTIAL,
  bad_key: BAD_CREDENTIAL,
  bad_refresh_token: NOT_FOUND,
  refresh_reused: NOT_FOUND,
  grant_ended: NOT_FOUND,
  unknown_grant: NOT_FOUND,
  unknown_action: NOT_FOUND,
  webhook_failed: [400, "bad_request", "The webhook did not take the event"],
  delivery_failed: [400, "bad_request", "The message could not be sent"],
  code_locked: LOCKED_OUT,
  out_of_guesses: LOCKED_OUT,
  too_many: TOO_OFTEN,
};

/** Status, code and message of a refusal. */
export function answerOf(refusal: Refusal): Wrong {
  const answer = ANSWERS[refusal.code] as Wrong | ((refusal: Refusal) => Wrong);
  return typeof answer === "function" ? answer(refusal) : answer;
}

/** An error of this wire: always JSON, because one SDK takes any other body for a success (LoginID §0.3). */
export const wrong = (c: Context, [status, code, message]: Wrong, headers = {}): Response =>
  c.json({ code, message }, status, headers);

function againAt(refusal: Refusal): Instant | undefined {
  if (refusal.code === "code_locked") return refusal.until;
  return refusal.code === "too_many" ? refusal.retryAt : undefined;
}

/** What comes out of a good token only later goes on record too: that it was used before, or is for another user or purpose. */
function noteToken(c: Context<AppEnv>, refusal: Refusal): void {
  const client: Client | undefined = c.get("tokenClient");
  if (!client || (refusal.code !== "replayed" && refusal.code !== "not_allowed")) return;
  const { ip } = originOf(c);
  noteRefusal(services(c), {
    type: "service_token_refused",
    subject: client.id,
    clientId: client.id,
    ...(ip === undefined ? {} : { ip }),
    reason: refusal.code === "replayed" ? "the nonce was used before" : refusal.detail,
  });
}

/** Answers a refusal, with `Retry-After` where waiting helps. */
export function refuse(c: Context<AppEnv>, refusal: Refusal): Response {
  noteToken(c, refusal);
  const again = againAt(refusal);
  const left = again === undefined ? undefined : Math.ceil((again - services(c).clock.now()) / 1000);
  return wrong(c, answerOf(refusal), left === undefined ? {} : { "Retry-After": String(Math.max(1, left)) });
}

const FAULTS: Readonly<Record<FaultStatus, Wrong>> = {
  400: BAD_REQUEST,
  404: NOT_FOUND,
  405: [405, "bad_request", "Method is not allowed"],
  500: [500, "internal_server_error", "An Internal Error has occurred"],
  503: [503, "internal_server_error", "The service is not available now"],
};

/** What is nobody's refusal, in this door's shape: outage, bug, unknown path, wrong method. */
export const renderFault: RenderFault = (c, status, retryAfter) =>
  wrong(c, FAULTS[status], retryAfter === undefined ? {} : { "Retry-After": String(retryAfter) });
