import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Refusal } from "../../core/refusal.ts";
import type { FaultStatus, RenderFault } from "../../http/door.ts";

type Answer = readonly [status: ContentfulStatusCode, msg: string];

/**
 * The one way from a refusal to this wire (Cotter §2, "Error object"). Neighbours that would help an attacker tell things apart
 * share an answer. No answer is a 5xx: WEB repeats get_identity on 500, and a burnt code must not be tried again.
 */
export function answerOf(refusal: Refusal): Answer {
  switch (refusal.code) {
    case "malformed":
      return [400, `Request is not valid: ${refusal.detail}`];
    case "unknown_client":
    case "client_disabled":
    case "bad_client_secret":
      return [401, "API_KEY_ID is not valid"];
    case "not_allowed":
      return [403, refusal.detail];
    case "unknown_user":
      return [404, "User not found"];
    case "user_locked":
      return [403, "User is locked"];
    case "user_exists":
    case "client_exists":
      return [409, "User already exists"];
    case "unknown_device":
      return [404, "Device is not enrolled"];
    case "device_exists":
      return [409, "A trusted device is already enrolled"];
    case "device_revoked":
    case "device_of_another_user":
    case "bad_signature":
      return [403, "Signature is not from a trusted device of this user"];
    case "device_too_young":
      return [403, "The device was enrolled after this request was made"];
    case "bad_key":
      return [400, `Public key is not valid: ${refusal.detail}`];
    case "stale":
      return [403, `Timestamp is not valid: ${refusal.detail}`];
    case "replayed":
      return [403, "Signature was used before"];
    case "enrolment_closed":
      return [403, "Enrolment of a first device is not open for this user"];
    case "prompt_mismatch":
      return [403, `Does not match the pending event: ${refusal.detail}`];
    case "unknown_challenge":
    case "bad_handle":
    case "superseded":
    case "cancelled":
    case "expired":
      return [404, "Event not found"];
    case "not_claimed":
    case "claimed_by_other":
    case "not_approved":
    case "occupied":
      return [409, "Event cannot be answered now"];
    case "already_decided":
    case "redeemed":
      return [409, "Event is already answered"];
    case "denied":
      return [403, "Event is rejected"];
    case "bad_refresh_token":
    case "refresh_reused":
    case "grant_ended":
    case "unknown_grant":
    case "bad_token":
      return [400, "Refresh token is not valid"];
    case "too_many":
      return [429, "Too many requests"];
  }
}

/** Answers a refusal as `{msg}`, with `Retry-After` where waiting helps. */
export function refuse(c: Context, refusal: Refusal): Response {
  const [status, msg] = answerOf(refusal);
  const seconds =
    refusal.code === "too_many" ? Math.max(1, Math.ceil((refusal.retryAt - Date.now()) / 1000)) : undefined;
  return c.json({ msg }, status, seconds === undefined ? {} : { "Retry-After": String(seconds) });
}

const FAULTS: Readonly<Record<FaultStatus, string>> = {
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
