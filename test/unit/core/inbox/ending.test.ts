import { describe, expect, test } from "vitest";
import type { ChallengeId, ClientId, DeviceId } from "../../../../src/core/ids.ts";
import { endAll, isRemoved, removeDevice } from "../../../../src/core/inbox/ending.ts";
import { openEnrolment, restoreEnrolment, takeEnrolment } from "../../../../src/core/inbox/enrolment.ts";
import { SPENT_MEMORY } from "../../../../src/core/inbox/limits.ts";
import { findPrompt, list, livePrompts, settlePrompt, sweep } from "../../../../src/core/inbox/prompts.ts";
import { EMPTY_INBOX, type InboxState, type Prompt } from "../../../../src/core/inbox/state.ts";

const NOW = 1_790_000_000_000;
const [PHONE, TABLET] = ["phone", "tablet"] as unknown as readonly [DeviceId, DeviceId];

const idOf = (name: string) => name as ChallengeId;

function listed(state: InboxState, name: string, over: Partial<Prompt> = {}): InboxState {
  return list(
    state,
    {
      challengeId: idOf(name),
      door: "cotter",
      clientId: `client of ${name}` as ClientId,
      clientName: "Shop",
      purpose: "sign_in",
      demands: { matchCode: false, claim: false, unlock: false },
      origin: {},
      context: {},
      respondNumber: 1,
      startedAt: NOW,
      expiresAt: NOW + 200_000,
      ...over,
    },
    NOW,
  ).next;
}

const answered = (state: InboxState, name: string, decision: "approve" | "deny", deviceId = PHONE) =>
  settlePrompt(state, { challengeId: idOf(name), decision, digest: `${name} ${decision}`, deviceId }, NOW);

describe("T195 a user is locked", () => {
  test("T195 every prompt is withdrawn; what may still be under way is told, what was denied is not", () => {
    const three = ["a", "b", "c"].reduce((state, name) => listed(state, name), EMPTY_INBOX);
    const decided = answered(answered(three, "a", "approve").next, "b", "deny").next;
    const { next, value } = endAll(decided);
    expect(value).toEqual(["a", "c"]);
    expect(livePrompts(next, NOW)).toEqual([]);
    expect(answered(next, "c", "approve").value).toEqual({ ok: false, error: { code: "cancelled" } });
  });

  test("T195 the window for a first device shuts, also one that was taken and is given back", () => {
    const open = openEnrolment(EMPTY_INBOX, { key: "k" }, NOW);
    const shut = endAll(open).next;
    expect(takeEnrolment(shut, { kind: "proof", key: "k" }, NOW, "attempt").taken).toBe(false);
    const taken = takeEnrolment(open, { kind: "proof", key: "k" }, NOW, "attempt");
    const back = restoreEnrolment(endAll(taken.next).next, "attempt", taken.until);
    expect(takeEnrolment(back, { kind: "proof", key: "k" }, NOW, "attempt").taken).toBe(false);
    // They never had a device, so another proof opens another window.
    const again = openEnrolment(back, { key: "next" }, NOW);
    expect(takeEnrolment(again, { kind: "proof", key: "next" }, NOW, "other").taken).toBe(true);
  });

  test("T196 a window that a proof opens late is no use, if the proof began before the lock", () => {
    const offered = { kind: "proof", key: "k", endedAt: NOW + 5 } as const;
    const taken = (began: number) =>
      takeEnrolment(openEnrolment(EMPTY_INBOX, { key: "k", began }, NOW + 9), offered, NOW + 9, "attempt")
        .taken;
    expect([taken(NOW + 4), taken(NOW + 5)]).toEqual([false, true]);
  });

  test("T195 an inbox in which nothing waits is not written", () => {
    expect(endAll(EMPTY_INBOX).next).toBe(EMPTY_INBOX);
  });
});

describe("T195 a device is removed", () => {
  test("T195 its answer that is on its way is refused, another device's is taken", () => {
    const state = removeDevice(listed(EMPTY_INBOX, "a"), PHONE, NOW).next;
    expect(answered(state, "a", "approve").value).toEqual({ ok: false, error: { code: "device_revoked" } });
    expect(answered(state, "a", "approve", TABLET).value.ok).toBe(true);
  });

  test("T195 what it approved, or alone may answer, is told; what another device decided is not", () => {
    const only = { matchCode: false, claim: false, unlock: false, device: PHONE };
    const four = ["a", "b", "c"].reduce((state, name) => listed(state, name), EMPTY_INBOX);
    const state = listed(four, "d", { demands: only });
    const decided = answered(answered(state, "a", "approve").next, "b", "approve", TABLET).next;
    const { next, value } = removeDevice(decided, PHONE, NOW);
    expect(value).toEqual(["a", "d"]);
    expect(livePrompts(next, NOW).map(({ challengeId }) => challengeId)).toEqual(["c"]);
    expect(findPrompt(next, idOf("b"))?.status.name).toBe("decided");
  });

  test("T195 it is remembered for as long as any request could be on its way, and then forgotten", () => {
    const state = removeDevice(EMPTY_INBOX, PHONE, NOW).next;
    expect(isRemoved(state, PHONE, NOW + SPENT_MEMORY - 1)).toBe(true);
    expect(isRemoved(state, PHONE, NOW + SPENT_MEMORY)).toBe(false);
    expect(sweep(state, NOW + SPENT_MEMORY).removed).toEqual({});
  });
});
