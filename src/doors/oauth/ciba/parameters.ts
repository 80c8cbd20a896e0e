import { no, ok, type Result } from "../../../core/result.ts";
import { type Millis, SECOND } from "../../../core/time.ts";
import { type OAuthError, wrong } from "../errors.ts";
import type { Parameters } from "../form.ts";
import { CIBA_LONGEST } from "../lifetimes.ts";

/** Letters, digits, blanks and a few signs, not blanks alone: nothing that a phone could show as a link or turn around (T13). */
const BINDING_MESSAGE = /^(?=.*[^ ])[A-Za-z0-9 _.,:#-]{1,20}$/;

/** `binding_message` (CIBA Core, section 7.1): what both screens show, 1 to 20 plain characters. */
export function readBindingMessage(text: string | undefined): Result<string | undefined, OAuthError> {
  if (text === undefined || BINDING_MESSAGE.test(text)) return ok(text);
  return no(
    wrong("invalid_binding_message", "binding_message is 1 to 20 letters, digits, blanks and -_.,:#"),
  );
}

/** `b64token` (RFC 6750 §2.1): at least 128 bits, and no more than a header takes. */
const TOKEN = /^(?=.{22,1024}$)[A-Za-z0-9._~+/-]+=*$/;

/** `client_notification_token` (CIBA Core, section 7.1), which a client that is pinged must send. */
export function readNotificationToken(text: string | undefined): Result<string, OAuthError> {
  if (text !== undefined && TOKEN.test(text)) return ok(text);
  return no(
    wrong("invalid_request", "client_notification_token has to be 22 to 1024 characters of a b64token"),
  );
}

const POSITIVE = /^[1-9][0-9]{0,9}$/;

/** `requested_expiry` in seconds (CIBA Core, section 7.1); what is longer than we let a request live is our longest. */
export function readExpiry(text: string | undefined): Result<Millis | undefined, OAuthError> {
  if (text === undefined) return ok(undefined);
  if (!POSITIVE.test(text))
    return no(wrong("invalid_request", "requested_expiry must be a positive integer"));
  return ok(Math.min(Number(text) * SECOND, CIBA_LONGEST));
}

/** What would be lost if it were ignored: the caller believes that it holds. */
const NOT_OFFERED = {
  user_code: "user_code is not offered",
  request: "Signed requests are not offered",
} as const;

/** Whether the request asks for nothing that this server does not do. */
export function refuseUnoffered(form: Parameters): Result<undefined, OAuthError> {
  for (const [name, description] of Object.entries(NOT_OFFERED)) {
    if (form[name] !== undefined) return no(wrong("invalid_request", description));
  }
  return ok(undefined);
}
