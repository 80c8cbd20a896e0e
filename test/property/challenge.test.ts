import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Challenge, type ChallengeSpec, TERMINAL } from "../../src/core/challenge/state.ts";
import { transition } from "../../src/core/challenge/transition.ts";
import { deadline, settle, viewOf, waitView } from "../../src/core/challenge/view.ts";
import { openGrant } from "../../src/core/grant/state.ts";
import type { ClientId } from "../../src/core/ids.ts";
import type { Instant } from "../../src/core/time.ts";
import { DEVICES, type Ran, run, sequences, specs, USERS } from "./arbitraries.ts";
import { expectSame } from "./same.ts";
import { answered, promised } from "./table-oracle.ts";

/** Checks every generated story, and that enough of them got to a redemption for the check to mean something. */
function always(check: (ran: readonly Ran[], spec: ChallengeSpec) => void) {
  let redeemed = 0;
  fc.assert(
    fc.property(specs, sequences, (spec, sequence) => {
      const ran = run(spec, sequence);
      if (ran.at(-1)?.after.phase.name === "redeemed") redeemed++;
      check(ran, spec);
    }),
    { numRuns: 2_000 },
  );
  expect(redeemed).toBeGreaterThan(100);
}

const jsonOf = (value: unknown) => JSON.stringify(value);
const enters = ({ before, after }: Ran, name: string) =>
  before.phase.name !== name && after.phase.name === name;
const namesSomeone = (value: unknown) => [...USERS, ...DEVICES].some((name) => jsonOf(value).includes(name));

/** The end of the present phase, reckoned from the birth and the approval alone. */
function endOf(spec: ChallengeSpec, { phase }: Challenge): Instant {
  if (phase.name === "approved") return phase.at + spec.redeemWindow;
  if (phase.name === "pending" && spec.claimBy !== undefined) return spec.claimBy;
  return TERMINAL.has(phase.name) ? Number.POSITIVE_INFINITY : spec.expiresAt;
}

describe("any interleaving of commands", () => {
  test("a challenge is redeemed at most once, opens at most one grant, and every winner's answer holds the same facts", () =>
    always((ran) => {
      expect(ran.filter((step) => enters(step, "redeemed")).length).toBeLessThanOrEqual(1);
      const answers = ran.flatMap(({ command, result }) =>
        command.name === "redeem" && result.ok && result.value.next.phase.name === "redeemed"
          ? [jsonOf(result.value.next.phase.facts)]
          : [],
      );
      expect(new Set(answers).size).toBeLessThanOrEqual(1);
      const opened = ran.flatMap(({ result }) =>
        result.ok ? result.value.effects.filter((effect) => effect.name === "openGrant") : [],
      );
      expect(opened.length).toBeLessThanOrEqual(1);
    }));

  test("a redemption with a grant draft opens the grant of the approved user in the same step", () =>
    always((ran, spec) => {
      for (const step of ran.filter((one) => enters(one, "redeemed"))) {
        const { command, result, after, now } = step;
        if (command.name !== "redeem" || !result.ok || after.phase.name !== "redeemed") throw new Error();
        const effect = result.value.effects.find((one) => one.name === "openGrant");
        expect(effect !== undefined).toBe(command.draft.grant !== undefined);
        expect(after.phase.withGrant).toBe(effect !== undefined);
        if (effect?.name !== "openGrant") continue;
        expect(openGrant(after, effect.draft)).toMatchObject({
          id: spec.id,
          clientId: spec.clientId,
          userId: after.phase.userId,
          generation: 1,
          createdAt: now,
          expiresAt: now + effect.draft.lifetime,
        });
      }
    }));

  test("terminal phases absorb", () =>
    always((ran) => {
      for (const { before, after } of ran.filter((step) => TERMINAL.has(step.before.phase.name))) {
        expect(after).toEqual(before);
      }
    }));

  test("the version grows on change and only then, and the timeline is only added to", () =>
    always((ran) => {
      for (const { before, after } of ran) {
        if (after.version === before.version) expect(after).toEqual(before);
        else {
          expect(after.version).toBeGreaterThan(before.version);
          expect(after.phase).not.toEqual(before.phase);
          expect(after.timeline.length).toBeGreaterThan(before.timeline.length);
        }
        expect(after.timeline.slice(0, before.timeline.length)).toEqual(before.timeline);
        expect(after.spec).toEqual(before.spec);
      }
    }));

  test("deciding twice is refused, whoever asks, and names the winner while the decision stands", () =>
    always((ran, spec) => {
      const first = ran.findIndex((step) => enters(step, "approved") || enters(step, "denied"));
      const winner = ran[first]?.command.name;
      for (const { command, result, before, now } of first < 0 ? [] : ran.slice(first + 1)) {
        if (command.name !== "approve" && command.name !== "deny") continue;
        expect(result.ok).toBe(false);
        const stands = before.phase.name === "denied" || before.phase.name === "approved";
        if (stands && now < endOf(spec, before)) {
          expect(result).toEqual({ ok: false, error: { code: "already_decided", winner } });
        }
      }
    }));

  test("a repeat in the same instant changes nothing: a decision is refused, anything else succeeds", () =>
    always((ran, spec) => {
      for (const { command, after, result, now } of ran) {
        if (!result.ok) continue;
        const again = transition(after, command, now);
        if (command.name === "approve" || command.name === "deny") expect(again.ok).toBe(false);
        else if (command.name === "redeem" && spec.replayWindow === 0) {
          expect(again).toEqual({ ok: false, error: { code: "redeemed", grantDies: false } });
        } else {
          expect(again).toEqual({ ok: true, value: { next: after, effects: [] } });
        }
      }
    }));

  test("after the deadline no command leads to approved or redeemed, and the view says expired", () =>
    always((ran, spec) => {
      for (const { before, after, now } of ran.filter((step) => step.now >= endOf(spec, step.before))) {
        expect(["approved", "redeemed"]).not.toContain(viewOf(after, now).state);
        expect(viewOf(before, now).state).toBe("expired");
        if (after !== before)
          expect(["approved", "redeemed", "claimed", "denied"]).not.toContain(after.phase.name);
      }
    }));

  test("redeemed implies an earlier approval, by one of the five approvers, for that user", () =>
    always((ran, spec) => {
      const index = ran.findIndex((step) => enters(step, "redeemed"));
      const redeemed = ran[index]?.after.phase;
      if (redeemed?.name !== "redeemed") return;
      const approval = ran.slice(0, index).find((step) => enters(step, "approved"));
      if (approval?.command.name !== "approve") throw new Error("redeemed without an approval");
      const { proof } = approval.command;
      const { digest: _, amr, decision, userId, ...who } = proof;
      expect(decision).toBe("approve");
      expect(redeemed.userId).toBe(userId);
      expect(spec.userId ?? userId).toBe(userId);
      expect(redeemed.facts.amr).toEqual(amr);
      const {
        enrolledAt,
        provenAt: _proven,
        ...approver
      } = {
        enrolledAt: spec.createdAt,
        provenAt: 0,
        ...who,
      };
      // A service token names its client as the approver; a device's client is not kept.
      const { clientId: _through, ...device } = { clientId: spec.clientId, ...approver };
      expect(redeemed.approver).toEqual(approver.kind === "client" ? approver : device);
      expect(enrolledAt).toBeLessThanOrEqual(spec.createdAt);
      const claim = ran.slice(0, index).find((step) => enters(step, "claimed"))?.command;
      if (spec.requiresClaim) expect(claim).toMatchObject({ name: "claim", userId });
      if (claim?.name !== "claim") return;
      expect(redeemed.approver).toMatchObject(
        "deviceId" in claim ? { kind: "device", deviceId: claim.deviceId } : { kind: "session" },
      );
    }));

  test("S6 no device claims or decides that was enrolled through a client which the spec does not admit", () =>
    always((ran, spec) => {
      const admitted = (clientId: ClientId) =>
        clientId === spec.clientId ||
        spec.approvers === "realm" ||
        spec.approvers?.includes(clientId) === true;
      for (const { command, before, after } of ran) {
        if (after === before) continue;
        if (command.name === "claim" && "deviceId" in command && after.phase.name === "claimed")
          expect(admitted(command.clientId)).toBe(true);
        const decided = after.phase.name === "approved" || after.phase.name === "denied";
        if (decided && "proof" in command && command.proof.kind === "device")
          expect(admitted(command.proof.clientId)).toBe(true);
      }
    }));

  test("what a waiter is told never names a user or a device, and the view does only while an approval stands", () =>
    always((ran) => {
      for (const { after, now } of ran) {
        const view = viewOf(after, now);
        expect(namesSomeone(waitView(view))).toBe(false);
        const stands = view.state === "approved" || view.state === "redeemed";
        expect("approval" in view).toBe(stands);
        expect(namesSomeone(view)).toBe(stands);
      }
    }));

  test("a challenge survives JSON, and goes on the same", () =>
    always((ran) => {
      for (const { before, command, now, result, after } of ran) {
        const read: Challenge = JSON.parse(jsonOf(before));
        expectSame(read, before);
        expectSame(transition(read, command, now), result);
        expectSame(JSON.parse(jsonOf(after)), after);
      }
    }));

  test("the table and the function agree, once time is settled", () =>
    always((ran) => {
      for (const { before, command, now, result } of ran) {
        const settled = settle(before, now);
        expect(answered(settled, result)).toBe(promised(settled, command, now));
      }
    }));

  test("a change wakes the waiters, a repeat does not", () =>
    always((ran) => {
      for (const { before, result } of ran) {
        if (!result.ok) continue;
        const wakes = result.value.effects.filter((effect) => effect.name === "wake").length;
        expect(wakes).toBe(result.value.next.version === before.version ? 0 : 1);
      }
    }));

  test("settling is idempotent and never later than the deadline", () =>
    always((ran, spec) => {
      for (const { after, now } of ran) {
        const settled = settle(after, now);
        expect(settle(settled, now)).toBe(settled);
        if (settled === after) {
          if (!TERMINAL.has(after.phase.name)) expect(now).toBeLessThan(deadline(spec, after.phase));
        } else expect(settled.phase).toEqual({ name: "expired", at: endOf(spec, after) });
      }
    }));
});
