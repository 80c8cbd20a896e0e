import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Refusal, RefusalOf } from "../../core/refusal.ts";
import type { Instant } from "../../core/time.ts";
import type { AppEnv } from "../../http/context.ts";
import type { FaultStatus, RenderFault } from "../../http/door.ts";

/** Codes of this door's errors, as the IANA registry of OAuth extensions errors has them. */
export type ErrorCode =
  | "invalid_request"
  | "invalid_client"
  | "invalid_grant"
  | "unauthorized_client"
  | "unsupported_grant_type"
  | "unsupported_response_type"
  | "invalid_scope"
  | "invalid_target"
  | "access_denied"
  | "server_error"
  | "temporarily_unavailable"
  // RFC 8628 §3.5
  | "authorization_pending"
  | "slow_down"
  | "expired_token"
  // OpenID Connect Core, section 3.1.2.6
  | "interaction_required"
  | "login_required"
  | "account_selection_required"
  | "consent_required"
  | "request_not_supported"
  | "request_uri_not_supported"
  | "registration_not_supported"
  // CIBA Core, section 13
  | "expired_login_hint_token"
  | "unknown_user_id"
  | "invalid_binding_message"
  // RFC 6750 §3.1
  | "invalid_token"
  | "insufficient_scope"
  // RFC 7009 §2.2.1, RFC 7591 §3.2.2, RFC 9126 §2.3, RFC 9396 §5, RFC 9449 §5 and §8
  | "unsupported_token_type"
  | "invalid_redirect_uri"
  | "invalid_client_metadata"
  | "invalid_request_uri"
  | "invalid_authorization_details"
  | "invalid_dpop_proof"
  | "use_dpop_nonce";

/** A refusal in this door's words. `description` is plain ASCII and tells nothing of users or secrets (RFC 6749 §5.2). */
export type OAuthError = {
  readonly error: ErrorCode;
  readonly description: string;
  /** 400 when it is missing. */
  readonly status?: ContentfulStatusCode;
  /** When it helps to come again. */
  readonly retryAt?: Instant;
  readonly headers?: Readonly<Record<string, string>>;
};

/** An error with status 400. */
export const wrong = (error: ErrorCode, description: string): OAuthError => ({ error, description });

export const BAD_CLIENT: OAuthError = {
  error: "invalid_client",
  description: "Client authentication failed",
  status: 401,
};

const BAD_GRANT = wrong("invalid_grant", "The grant is not valid for this client");
const OVER = wrong("expired_token", "The request has expired");
const DENIED = wrong("access_denied", "The request was denied");
const ELSEWHERE = wrong("access_denied", "This request cannot be approved here");

type Errors = {
  readonly [Code in Refusal["code"]]: OAuthError | ((refusal: RefusalOf<Code>) => OAuthError);
};

/** The one way from a refusal to this wire. Neighbours that would help an attacker tell things apart share an answer. */
const ERRORS: Errors = {
  malformed: (refusal) => wrong("invalid_request", `Not valid: ${refusal.detail}`),
  unknown_client: BAD_CLIENT,
  bad_client_secret: BAD_CLIENT,
  client_disabled: BAD_CLIENT,
  client_exists: BAD_CLIENT,
  not_allowed: (refusal) => wrong("unauthorized_client", refusal.detail),
  unknown_user: wrong("unknown_user_id", "There is no such user"),
  user_locked: DENIED,
  user_exists: DENIED,
  unknown_device: ELSEWHERE,
  device_revoked: DENIED,
  device_too_young: ELSEWHERE,
  device_of_another_user: ELSEWHERE,
  device_of_another_client: ELSEWHERE,
  device_exists: ELSEWHERE,
  bad_key: (refusal) => wrong("invalid_request", `The key is not valid: ${refusal.detail}`),
  bad_signature: ELSEWHERE,
  stale: ELSEWHERE,
  replayed: wrong("invalid_request", "This was used before"),
  enrolment_closed: ELSEWHERE,
  unknown_challenge: BAD_GRANT,
  bad_handle: BAD_GRANT,
  occupied: BAD_GRANT,
  superseded: OVER,
  prompt_mismatch: ELSEWHERE,
  not_claimed: wrong("authorization_pending", "The request is not decided yet"),
  claimed_by_other: ELSEWHERE,
  not_approved: wrong("authorization_pending", "The request is not decided yet"),
  already_decided: wrong("access_denied", "The request is already decided"),
  denied: DENIED,
  redeemed: BAD_GRANT,
  cancelled: DENIED,
  expired: OVER,
  bad_refresh_token: BAD_GRANT,
  refresh_reused: BAD_GRANT,
  grant_ended: BAD_GRANT,
  unknown_grant: BAD_GRANT,
  bad_token: BAD_GRANT,
  token_expired: BAD_GRANT,
  unknown_action: BAD_GRANT,
  webhook_failed: { error: "temporarily_unavailable", description: "Try again later", status: 503 },
  wrong_code: wrong("access_denied", "The code is not right"),
  out_of_guesses: DENIED,
  code_locked: (refusal) => tooMany(refusal.until),
  delivery_failed: wrong("access_denied", "The message could not be sent"),
  too_many: (refusal) => tooMany(refusal.retryAt),
};

/** Too many requests, until then. */
export const tooMany = (retryAt: Instant): OAuthError => ({
  error: "temporarily_unavailable",
  description: "Too many requests",
  status: 429,
  retryAt,
});

/** A refusal of the machine in this door's words. */
export function errorOf(refusal: Refusal): OAuthError {
  const found = ERRORS[refusal.code] as OAuthError | ((refusal: Refusal) => OAuthError);
  return typeof found === "function" ? found(refusal) : found;
}

/** Answers an error as `{error, error_description}` (RFC 6749 §5.2), with `Retry-After` where waiting helps. */
export function refuse(c: Context<AppEnv>, error: OAuthError): Response {
  const { retryAt, headers = {} } = error;
  const seconds = retryAt === undefined ? undefined : Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
  return c.json({ error: error.error, error_description: error.description }, error.status ?? 400, {
    "Cache-Control": "no-store",
    ...headers,
    ...(seconds === undefined ? {} : { "Retry-After": String(seconds) }),
  });
}

const FAULTS: Readonly<Record<FaultStatus, OAuthError>> = {
  400: wrong("invalid_request", "The request cannot be read"),
  404: { error: "invalid_request", description: "There is nothing at this address", status: 404 },
  405: { error: "invalid_request", description: "This address does not take this method", status: 405 },
  500: { error: "server_error", description: "Something went wrong", status: 500 },
  503: { error: "temporarily_unavailable", description: "Try again in a moment", status: 503 },
};

/** What is nobody's refusal, in this door's shape. */
export const renderFault: RenderFault = (c, status, retryAfter) =>
  refuse(c, {
    ...FAULTS[status],
    ...(retryAfter === undefined ? {} : { headers: { "Retry-After": String(retryAfter) } }),
  });
