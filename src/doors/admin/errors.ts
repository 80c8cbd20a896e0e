import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Refusal } from "../../core/refusal.ts";
import type { AppEnv } from "../../http/context.ts";
import { problem } from "../../http/problem.ts";

type Answer = { readonly status: ContentfulStatusCode; readonly detail: string };

/** What each refusal is here. Those of sign-ins cannot arise in this door; they have an answer all the same. */
function answerTo(refusal: Refusal): Answer {
  switch (refusal.code) {
    case "malformed":
    case "bad_key":
    case "not_allowed":
      return { status: refusal.code === "malformed" ? 400 : 422, detail: refusal.detail };
    case "unknown_client":
      return { status: 404, detail: "There is no such client." };
    case "unknown_user":
      return { status: 404, detail: "There is no such user." };
    case "unknown_device":
      return { status: 404, detail: "There is no such device of this user." };
    case "unknown_grant":
      return { status: 404, detail: "There is no such grant of this user." };
    case "unknown_challenge":
    case "unknown_action":
      return { status: 404, detail: "There is no such challenge." };
    case "client_exists":
      return { status: 409, detail: "This client_id is taken." };
    case "user_exists":
      return { status: 409, detail: `This ${refusal.field} is another user's.` };
    case "device_exists":
      return { status: 409, detail: "This key is another device's." };
    case "code_locked":
    case "out_of_guesses":
    case "too_many":
      return { status: 429, detail: "Too many requests." };
    case "bad_client_secret":
    case "bad_handle":
    case "bad_refresh_token":
    case "bad_signature":
    case "bad_token":
    case "token_expired":
    case "wrong_code":
      return { status: 401, detail: "The credential is not good." };
    case "client_disabled":
    case "user_locked":
    case "device_revoked":
    case "device_too_young":
    case "device_of_another_user":
    case "device_of_another_client":
    case "enrolment_closed":
      return { status: 403, detail: "This is not allowed." };
    case "stale":
    case "replayed":
    case "occupied":
    case "superseded":
    case "prompt_mismatch":
    case "not_claimed":
    case "claimed_by_other":
    case "not_approved":
    case "already_decided":
    case "denied":
    case "redeemed":
    case "cancelled":
    case "expired":
    case "refresh_reused":
    case "grant_ended":
    case "delivery_failed":
    case "webhook_failed":
      return { status: 409, detail: "The state does not allow this." };
  }
}

/** The refusal as problem details (RFC 9457); `errors` names the members that are wrong when it is about a body or query. */
export function refuse(c: Context<AppEnv>, refusal: Refusal): Response {
  const { status, detail } = answerTo(refusal);
  const errors = status === 400 || status === 422 ? placesIn(detail) : [];
  return problem(c, status, { detail, ...(errors.length > 0 && { extra: { errors } }) });
}

const PLACE = /^([\w.?-]+): (.+)$/;

/** `settings.scopes: at most 50; name: expected string` -> one entry each (http/malformed.ts writes it). */
function placesIn(detail: string): { path: string; reason: string }[] {
  return detail.split("; ").flatMap((part) => {
    const [, path, reason] = PLACE.exec(part) ?? [];
    return path === undefined || reason === undefined ? [] : [{ path, reason }];
  });
}
