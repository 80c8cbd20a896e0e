import { type Context, Hono } from "hono";
import { describe, expect, test } from "vitest";
import type { Refusal } from "../../../../src/core/refusal.ts";
import { answerOf, refuse, renderFault } from "../../../../src/doors/cotter/errors.ts";

type Row = {
  readonly [Code in Refusal["code"]]: readonly [Extract<Refusal, { code: Code }>, number, string];
};

const AT = 1_767_225_600_000;
const EVENT = "Event not found";
const NOT_VALID = "Refresh token is not valid";
const UNTRUSTED = "Signature is not from a trusted device of this user";
const LATER = "Event cannot be answered now";

/** Every refusal there is and its answer: a refusal without a row does not compile. */
const TABLE: Row = {
  malformed: [
    { code: "malformed", detail: "event: expected string" },
    400,
    "Request is not valid: event: expected string",
  ],
  unknown_client: [{ code: "unknown_client" }, 401, "API_KEY_ID is not valid"],
  bad_client_secret: [{ code: "bad_client_secret" }, 401, "API_KEY_ID is not valid"],
  client_disabled: [{ code: "client_disabled" }, 401, "API_KEY_ID is not valid"],
  not_allowed: [{ code: "not_allowed", detail: "why" }, 403, "why"],
  unknown_user: [{ code: "unknown_user" }, 404, "User not found"],
  user_locked: [{ code: "user_locked" }, 403, "User is locked"],
  user_exists: [{ code: "user_exists", field: "identifier" }, 409, "User already exists"],
  client_exists: [{ code: "client_exists" }, 409, "User already exists"],
  unknown_device: [{ code: "unknown_device" }, 404, "Device is not enrolled"],
  device_revoked: [{ code: "device_revoked" }, 403, UNTRUSTED],
  device_too_young: [
    { code: "device_too_young" },
    403,
    "The device was enrolled after this request was made",
  ],
  device_of_another_client: [
    { code: "device_of_another_client" },
    403,
    "The device was enrolled through another app",
  ],
  device_of_another_user: [{ code: "device_of_another_user" }, 403, UNTRUSTED],
  device_exists: [{ code: "device_exists" }, 409, "A trusted device is already enrolled"],
  bad_key: [{ code: "bad_key", detail: "too short" }, 400, "Public key is not valid: too short"],
  bad_signature: [{ code: "bad_signature" }, 403, UNTRUSTED],
  stale: [{ code: "stale", detail: "too old" }, 403, "Timestamp is not valid: too old"],
  replayed: [{ code: "replayed" }, 403, "Signature was used before"],
  enrolment_closed: [
    { code: "enrolment_closed" },
    403,
    "Enrolment of a first device is not open for this user",
  ],
  unknown_challenge: [{ code: "unknown_challenge" }, 404, EVENT],
  bad_handle: [{ code: "bad_handle" }, 404, EVENT],
  occupied: [{ code: "occupied" }, 409, LATER],
  superseded: [{ code: "superseded" }, 404, EVENT],
  prompt_mismatch: [
    { code: "prompt_mismatch", detail: "event" },
    403,
    "Does not match the pending event: event",
  ],
  not_claimed: [{ code: "not_claimed" }, 409, LATER],
  claimed_by_other: [{ code: "claimed_by_other" }, 409, LATER],
  not_approved: [{ code: "not_approved" }, 409, LATER],
  already_decided: [{ code: "already_decided", winner: "deny" }, 409, "Event is already answered"],
  denied: [{ code: "denied" }, 403, "Event is rejected"],
  redeemed: [{ code: "redeemed", grantDies: true }, 409, "Event is already answered"],
  cancelled: [{ code: "cancelled" }, 404, EVENT],
  expired: [{ code: "expired" }, 404, EVENT],
  bad_refresh_token: [{ code: "bad_refresh_token" }, 400, NOT_VALID],
  refresh_reused: [{ code: "refresh_reused" }, 400, NOT_VALID],
  grant_ended: [{ code: "grant_ended" }, 400, NOT_VALID],
  unknown_grant: [{ code: "unknown_grant" }, 400, NOT_VALID],
  bad_token: [{ code: "bad_token", detail: "expired" }, 400, NOT_VALID],
  token_expired: [{ code: "token_expired" }, 400, NOT_VALID],
  unknown_action: [{ code: "unknown_action" }, 404, "Event not found"],
  webhook_failed: [{ code: "webhook_failed", detail: "status 500" }, 409, "Event cannot be answered now"],
  wrong_code: [{ code: "wrong_code", left: 2 }, 400, "Code is not valid"],
  out_of_guesses: [{ code: "out_of_guesses" }, 429, "Too many requests"],
  code_locked: [{ code: "code_locked", until: AT }, 429, "Too many requests"],
  delivery_failed: [{ code: "delivery_failed", detail: "relay" }, 400, "The code could not be sent"],
  too_many: [{ code: "too_many", scope: "person", retryAt: AT }, 429, "Too many requests"],
};

describe("every refusal and its answer", () => {
  test.each(Object.values(TABLE).map(([refusal, status, msg]) => ({ refusal, status, msg })))(
    "$refusal.code: $status $msg",
    ({ refusal, status, msg }) => {
      expect(answerOf(refusal)).toEqual([status, msg]);
      expect([refusal.code, Math.floor(status / 100)]).toEqual([refusal.code, 4]);
    },
  );

  test("WEB stops refreshing at the words 'not valid', and only a refresh says them of a refresh token (Cotter fact 8)", () => {
    const saying = Object.values(TABLE).filter(([refusal]) =>
      answerOf(refusal)[1].includes("Refresh token is not valid"),
    );
    expect(saying.map(([{ code }]) => code).sort()).toEqual(
      [
        "bad_refresh_token",
        "bad_token",
        "grant_ended",
        "refresh_reused",
        "token_expired",
        "unknown_grant",
      ].sort(),
    );
  });
});

async function rendered(answer: (c: Context) => Response | Promise<Response>): Promise<Response> {
  const app = new Hono();
  app.get("/", answer);
  return await app.request("/");
}

describe("what an answer looks like", () => {
  test("{msg} and nothing else; Retry-After where waiting helps, at least a second", async () => {
    const soon = await rendered((c) =>
      refuse(c, { code: "too_many", scope: "ip", retryAt: Date.now() + 4_200 }),
    );
    expect([soon.status, await soon.json()]).toEqual([429, { msg: "Too many requests" }]);
    expect(["4", "5"]).toContain(soon.headers.get("Retry-After"));
    const past = await rendered((c) => refuse(c, { code: "code_locked", until: Date.now() - 1 }));
    expect(past.headers.get("Retry-After")).toBe("1");
    const plain = await rendered((c) => refuse(c, { code: "denied" }));
    expect([plain.headers.get("Retry-After"), await plain.json()]).toEqual([
      null,
      { msg: "Event is rejected" },
    ]);
  });

  test.each([
    [400, "Request is not valid"],
    [404, "Not found"],
    [405, "Method is not allowed"],
    [500, "Something went wrong"],
    [503, "Service is unavailable"],
  ] as const)("a fault of %s is {msg} too", async (status, msg) => {
    const answer = await rendered((c) => renderFault(c, status, 7));
    expect([answer.status, await answer.json()]).toEqual([status, { msg }]);
    expect(answer.headers.get("Retry-After")).toBe("7");
  });
});
