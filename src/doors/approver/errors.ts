import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { DecisionKind } from "../../core/challenge/state.ts";
import type { Refusal } from "../../core/refusal.ts";
import { SECOND } from "../../core/time.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { problemFaults } from "../../http/door.ts";
import { problem } from "../../http/problem.ts";
import { iso } from "./wire.ts";

type Answer = {
  readonly status: ContentfulStatusCode;
  /** What programs go by; stable. */
  readonly code: string;
  readonly detail: string;
  readonly extra?: Readonly<Record<string, unknown>>;
};

type Plain = readonly [status: ContentfulStatusCode, code: string, detail: string];

const UNKNOWN: Plain = [404, "unknown_prompt", "There is no such request for this device."];
const BAD: Plain = [403, "bad_signature", "The signature does not fit what was asked."];
const DECIDED = "already_decided";

/** Refusals whose answer is always the same (docs/approver.md). */
const PLAIN: Readonly<Partial<Record<Refusal["code"], Plain>>> = {
  out_of_guesses: [410, "out_of_guesses", "The number was wrong too often: this request is over."],
  expired: [410, "expired", "The time of this request is over."],
  cancelled: [410, "cancelled", "Whoever asked has stopped this request."],
  superseded: [410, "superseded", "A newer request of the same app has taken its place."],
  unknown_challenge: UNKNOWN,
  // What is another's is told as what is not there (T106).
  device_of_another_user: UNKNOWN,
  device_of_another_client: UNKNOWN,
  claimed_by_other: UNKNOWN,
  not_claimed: UNKNOWN,
  unknown_device: [404, "unknown_device", "There is no such device."],
  device_too_young: [403, "device_too_young", "This device was added after the request was made."],
  device_revoked: [401, "session_over", "This device was removed."],
  user_locked: [403, "user_locked", "This account is locked."],
  bad_signature: BAD,
  bad_key: BAD,
  replayed: BAD,
  stale: BAD,
  device_exists: [409, "device_exists", "This key is a device already."],
  enrolment_closed: [403, "full", "There are as many phones as there may be."],
};

const wrongNumber = "This is not the number on the other screen.";

function answerTo(refusal: Refusal): Answer {
  switch (refusal.code) {
    case "malformed":
      return { status: 400, code: "malformed", detail: refusal.detail };
    case "not_allowed":
      return {
        status: 403,
        code: "not_allowed",
        detail: "This is not allowed.",
        extra: { why: refusal.detail },
      };
    case "wrong_code":
      return { status: 422, code: "wrong_match_code", detail: wrongNumber, extra: { left: refusal.left } };
    case "code_locked":
      return {
        status: 429,
        code: "code_locked",
        detail: "Too many wrong codes.",
        extra: { until: iso(refusal.until) },
      };
    case "too_many":
      return {
        status: 429,
        code: "too_many",
        detail: "Too many requests.",
        extra: { until: iso(refusal.retryAt) },
      };
    case "already_decided":
      return decided(refusal.winner);
    case "denied":
      return decided("deny");
    case "redeemed":
      return decided("approve");
    default: {
      const [status, code, detail] = PLAIN[refusal.code] ?? [409, "state", "The state does not allow this."];
      return { status, code, detail };
    }
  }
}

const decided = (winner: DecisionKind): Answer => ({
  status: 409,
  code: DECIDED,
  detail: "This request was answered before.",
  extra: { winner },
});

/** The refusal as problem details (RFC 9457) with a `code` of its own. */
export function refuse(c: Context<AppEnv>, refusal: Refusal): Response {
  const { status, code, detail, extra } = answerTo(refusal);
  const until = "until" in refusal ? refusal.until : "retryAt" in refusal ? refusal.retryAt : undefined;
  const wait = until === undefined ? undefined : Math.ceil((until - services(c).clock.now()) / SECOND);
  return problem(c, status, {
    detail,
    extra: { code, ...extra },
    ...(wait === undefined ? {} : { headers: { "Retry-After": String(Math.max(1, wait)) } }),
  });
}

/** A refusal that only this door has. */
export const say = (
  c: Context<AppEnv>,
  status: ContentfulStatusCode,
  code: string,
  detail: string,
  extra: Readonly<Record<string, unknown>> = {},
): Response => problem(c, status, { detail, extra: { code, ...extra } });

/** What is nobody's refusal, with a `code` like the others. */
export const renderFault = problemFaults({
  400: "malformed",
  404: "unknown_address",
  405: "wrong_method",
  500: "fault",
  503: "outage",
});
