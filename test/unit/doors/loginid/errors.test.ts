import { expect, test } from "vitest";
import type { Refusal } from "../../../../src/core/refusal.ts";
import { answerOf } from "../../../../src/doors/loginid/errors.ts";

/** What the vendor's browser package has a sentence for, or a server package a model (LoginID §8). */
const KNOWN = new Set(
  (
    "bad_request request_validation_error missing_parameter username_taken invalid_verification_code verification_code_expired " +
    "unauthorized operation_not_allowed account_deactivated user_not_found client_not_found verification_code_not_found " +
    "credential_not_found not_found remote_session_maximum_retry_attempts too_many_requests"
  ).split(" "),
);

const REFUSALS: readonly Refusal[] = [
  { code: "malformed", detail: "x: expected string" },
  { code: "bad_token", detail: "no key of this client has signed it" },
  { code: "stale", detail: "iat" },
  { code: "replayed" },
  { code: "not_allowed", detail: "the client may not make this call" },
  { code: "unknown_client" },
  { code: "client_disabled" },
  { code: "unknown_user" },
  { code: "user_locked" },
  { code: "user_exists", field: "identifier" },
  { code: "unknown_device" },
  { code: "device_revoked" },
  { code: "unknown_challenge" },
  { code: "redeemed", grantDies: false },
  { code: "expired" },
  { code: "denied" },
  { code: "cancelled" },
  { code: "superseded" },
  { code: "not_approved" },
  { code: "already_decided", winner: "deny" },
  { code: "code_locked", until: 0 },
  { code: "too_many", scope: "client", retryAt: 0 },
];

test.each(REFUSALS)("$code is 4xx with a name that the packages know", (refusal) => {
  const [status, code, message] = answerOf(refusal);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  // Browsers send a 408 again by themselves.
  expect(status).not.toBe(408);
  expect(KNOWN).toContain(code);
  expect(message).not.toBe("");
});

test("why a token was refused is not told", () => {
  const refused = ["bad_token", "stale"].map((code) =>
    answerOf({ code, detail: "secret reason" } as Refusal),
  );
  for (const answer of [...refused, answerOf({ code: "replayed" })]) expect(answer).toEqual(refused[0]);
});
