import { describe, expect, test } from "vitest";
import type { Command } from "../../../../src/core/challenge/command.ts";
import { nameOf } from "../../../../src/core/challenge/proof.ts";
import { type Challenge, type DecisionKind, TERMINAL } from "../../../../src/core/challenge/state.ts";
import { born, transition } from "../../../../src/core/challenge/transition.ts";
import { deadline, isSettled, settle, viewOf, waitView } from "../../../../src/core/challenge/view.ts";
import { openGrant } from "../../../../src/core/grant/state.ts";
import { BIRTH, CLIENTS, DEVICES } from "../../../property/arbitraries.ts";
import { TABLE } from "../../../property/table.ts";
import {
  challengeIn,
  claimBy,
  DRAFT,
  decideBy,
  decideWith,
  firstEnrolment,
  OTHER_USER,
  openSpec,
  PHONE,
  phaseOf,
  redeemBy,
  STRANGER,
  signed,
  specOf,
  TABLET,
  USER,
  vouched,
} from "../../support/challenges.ts";

const stateAt = (now: number, name: "pending" | "claimed" | "approved", at = BIRTH) =>
  viewOf(challengeIn(name, at), now).state;

describe("T52 the clock decides, to the millisecond", () => {
  const END = specOf().expiresAt;

  test.each([
    [-1, "approved"],
    [0, "expired"],
    [1, "expired"],
  ])("T52 an approval %i ms after the end: %s", (after, state) => {
    const now = END + after;
    for (const challenge of [challengeIn("pending"), challengeIn("claimed")]) {
      const result = transition(challenge, decideBy("approve", PHONE), now);
      if (state === "approved") {
        expect(result.ok && result.value.next.phase).toMatchObject({ name: state, redeemBy: now + 60_000 });
      } else expect(result).toEqual({ ok: false, error: { code: "expired" } });
    }
  });

  test.each([
    [59_999, true],
    [60_000, false],
    [60_001, false],
  ])("T52 a redemption %i ms after the approval, of 60,000 allowed: %s", (after, isCollected) => {
    const lastSecond = challengeIn("approved", END - 1);
    const result = transition(lastSecond, redeemBy("waiter-1"), END - 1 + after);
    if (isCollected) expect(result.ok && result.value.next.phase.name).toBe("redeemed");
    else expect(result).toEqual({ ok: false, error: { code: "expired" } });
  });

  test("T52 what is shown changes in the same millisecond", () => {
    expect([END - 1, END, END + 1].map((now) => stateAt(now, "pending"))).toEqual([
      "pending",
      "expired",
      "expired",
    ]);
    expect([59_999, 60_000].map((after) => stateAt(BIRTH + after, "approved"))).toEqual([
      "approved",
      "expired",
    ]);
  });

  test("T53 an alarm that comes late finds the expiry dated with the deadline, and one that comes twice changes nothing", () => {
    const late = transition(challengeIn("pending"), { name: "expire" }, END + 600_000);
    if (!late.ok) throw new Error("refused");
    expect(late.value.next).toMatchObject({
      version: 2,
      phase: { name: "expired", at: END },
      timeline: [{ what: "started" }, { what: "expired", at: END }],
    });
    expect(late.value.effects).toEqual([{ name: "wake" }]);
    const twice = transition(late.value.next, { name: "expire" }, END + 600_001);
    expect(twice).toEqual({ ok: true, value: { next: late.value.next, effects: [] } });
  });

  test("T108 a challenge of one millisecond lives for it, one that is over at birth never does", () => {
    const brief = born(specOf({ expiresAt: BIRTH + 1 }));
    expect(transition(brief, decideBy("approve", PHONE), BIRTH).ok).toBe(true);
    expect(transition(brief, decideBy("approve", PHONE), BIRTH + 1)).toMatchObject({
      error: { code: "expired" },
    });
    const stillborn = born(specOf({ expiresAt: BIRTH }));
    expect(viewOf(stillborn, BIRTH).state).toBe("expired");
    expect(transition(stillborn, claimBy(PHONE), BIRTH)).toMatchObject({ error: { code: "expired" } });
  });

  test("phases that end have a deadline, those that do not keep the moment they were entered", () => {
    const at = BIRTH + 5;
    const ends = (name: Parameters<typeof phaseOf>[0]) => deadline(specOf(), phaseOf(name, at));
    expect(ends("pending")).toBe(END);
    expect(ends("claimed")).toBe(END);
    expect(ends("approved")).toBe(at + 60_000);
    for (const name of TERMINAL) expect(ends(name)).toBe(at);
  });
});

describe("T20 a device of another user", () => {
  test("T20 neither approves, denies nor claims, and the state does not change", () => {
    for (const name of ["pending", "claimed", "approved", "denied"] as const) {
      for (const command of [decideBy("approve", STRANGER), decideBy("deny", STRANGER), claimBy(STRANGER)]) {
        const before = challengeIn(name);
        const kept = structuredClone(before);
        expect(transition(before, command, BIRTH + 1).ok).toBe(false);
        expect(before).toEqual(kept);
      }
    }
  });

  test("T20 T21 after the stranger has claimed an open challenge, only the stranger decides, for the stranger", () => {
    const claimed = transition(born(openSpec()), claimBy(STRANGER), BIRTH + 1);
    if (!claimed.ok) throw new Error("refused");
    expect(transition(claimed.value.next, decideBy("approve", PHONE), BIRTH + 2)).toEqual({
      ok: false,
      error: { code: "claimed_by_other" },
    });
    const approved = transition(claimed.value.next, decideBy("approve", STRANGER), BIRTH + 2);
    expect(approved.ok && approved.value.next.phase).toMatchObject({ name: "approved", userId: OTHER_USER });
  });

  test("T21 where a claim is required nobody decides without one, nor the device that did not claim", () => {
    const scanned = born(specOf({ requiresClaim: true }));
    expect(transition(scanned, decideBy("approve", PHONE), BIRTH)).toEqual({
      ok: false,
      error: { code: "not_claimed" },
    });
    const claimed = transition(scanned, claimBy(PHONE), BIRTH);
    if (!claimed.ok) throw new Error("refused");
    expect(transition(claimed.value.next, decideBy("approve", TABLET), BIRTH)).toEqual({
      ok: false,
      error: { code: "claimed_by_other" },
    });
    expect(transition(claimed.value.next, decideBy("approve", PHONE), BIRTH).ok).toBe(true);
  });
});

describe("T25 a device that came after the challenge", () => {
  test.each([
    [BIRTH - 1, true],
    [BIRTH, true],
    [BIRTH + 1, false],
  ])("T25 enrolled at %i, challenge of 1900000000000: may answer %s", (enrolledAt, mayAnswer) => {
    for (const decision of ["approve", "deny"] as const) {
      const result = transition(born(specOf()), decideBy(decision, { ...PHONE, enrolledAt }), BIRTH + 10);
      if (mayAnswer) expect(result.ok).toBe(true);
      else expect(result).toEqual({ ok: false, error: { code: "device_too_young" } });
    }
  });
});

describe("T213 whose a redemption is", () => {
  const asOther = { name: "redeem", waiterProof: "waiter-1", draft: DRAFT, userId: OTHER_USER } as const;
  const approvedBy = (kind: "code" | "device", over: object) => {
    const approved = challengeIn("approved");
    const approver = kind === "code" ? { kind, identifierId: "i" } : { kind, deviceId: PHONE };
    const { userId: _, ...spec } = approved.spec;
    const phase = { ...phaseOf("approved", BIRTH), approver };
    return { ...approved, spec: { ...spec, ...over }, phase } as typeof approved;
  };

  test("T213 the exchange says whose a proof by code is, of a challenge about nobody", () => {
    const open = approvedBy("code", { purpose: "verify_identifier" });
    const result = transition(open, asOther, BIRTH + 2_000);
    expect(result.ok && result.value.next.phase).toMatchObject({ name: "redeemed", userId: OTHER_USER });
  });

  test.each([
    ["about a person", approvedBy("code", { purpose: "verify_identifier", userId: USER })],
    ["with another purpose", approvedBy("code", { purpose: "sign_in" })],
    ["approved by a device", approvedBy("device", { purpose: "verify_identifier" })],
  ])("T213 one %s is redeemed for nobody else", (_name, challenge) => {
    expect(transition(challenge, asOther, BIRTH + 2_000)).toEqual({
      ok: false,
      error: { code: "device_of_another_user" },
    });
  });
});

describe("T45 T47 redeeming", () => {
  const approved = challengeIn("approved", BIRTH + 1_500);
  const redeemed = (replayWindow: number) => {
    const result = transition(
      { ...approved, spec: specOf({ replayWindow }) },
      redeemBy("waiter-1"),
      BIRTH + 2_500,
    );
    if (!result.ok) throw new Error("refused");
    return result.value;
  };

  test("the winner fixes the facts, in whole seconds of the object's clock, and the grant opens in the same step", () => {
    const { next, effects } = redeemed(30_000);
    const second = BIRTH / 1_000;
    expect(next.phase).toEqual({
      name: "redeemed",
      approver: { kind: "device", deviceId: PHONE.deviceId },
      userId: USER,
      facts: {
        jti: "jti-1",
        idJti: "jti-2",
        kid: "kid-1",
        iat: second + 2,
        exp: second + 3_602,
        idExp: second + 602,
        authTime: second + 1,
        amr: ["pop"],
      },
      withGrant: true,
      waiterProof: "waiter-1",
      at: BIRTH + 2_500,
    });
    expect(effects).toEqual([{ name: "openGrant", draft: DRAFT.grant }, { name: "wake" }]);
  });

  test("T45 (a) fifty redemptions with the window off: one succeeds, 49 are refused and the grant lives", () => {
    const first = redeemed(0).next;
    for (let caller = 1; caller < 50; caller++) {
      expect(transition(first, redeemBy("waiter-1"), BIRTH + 2_500)).toEqual({
        ok: false,
        error: { code: "redeemed", grantDies: false },
      });
    }
  });

  test("T45 (b) T47 inside the window the same waiter gets the same facts, whatever it would draw now", () => {
    const first = redeemed(30_000).next;
    const draft = { ...DRAFT, jti: "jti-9", kid: "kid-9" };
    const again = transition(first, { name: "redeem", waiterProof: "waiter-1", draft }, BIRTH + 32_499);
    expect(again).toEqual({ ok: true, value: { next: first, effects: [] } });
    expect(transition(first, redeemBy("waiter-1"), BIRTH + 32_500)).toEqual({
      ok: false,
      error: { code: "redeemed", grantDies: false },
    });
  });

  test("T45 (c) another waiter is refused and the grant dies, inside the window and long after it", () => {
    const first = redeemed(30_000).next;
    for (const now of [BIRTH + 2_500, BIRTH + 32_500, BIRTH + 86_400_000]) {
      expect(transition(first, redeemBy("waiter-2"), now)).toEqual({
        ok: false,
        error: { code: "redeemed", grantDies: true },
      });
    }
  });

  test("a redemption that wants no grant opens none", () => {
    const { grant: _, ...draft } = DRAFT;
    const result = transition(approved, { name: "redeem", waiterProof: "waiter-1", draft }, BIRTH + 2_000);
    if (!result.ok) throw new Error("refused");
    expect(result.value.effects).toEqual([{ name: "wake" }]);
    expect(result.value.next.phase).toMatchObject({ name: "redeemed", withGrant: false });
  });

  test("a grant is born of a redeemed challenge and of nothing else", () => {
    const { grant } = DRAFT;
    if (!grant) throw new Error("no draft");
    expect(openGrant(redeemed(0).next, { ...grant, jkt: "thumbprint-1" })).toEqual({
      id: specOf().id,
      clientId: "shop",
      userId: USER,
      deviceId: PHONE.deviceId,
      scope: "openid",
      subject: { sub: USER },
      amr: ["pop"],
      authTime: BIRTH / 1_000 + 1,
      salt: "salt",
      jkt: "thumbprint-1",
      lifetime: 2_592_000_000,
      createdAt: BIRTH + 2_500,
      generation: 1,
      keyVersion: 1,
      rotatedAt: BIRTH + 2_500,
      expiresAt: BIRTH + 2_500 + 2_592_000_000,
    });
    expect(() => openGrant(approved, grant)).toThrow("redeemed");
  });
});

describe("T28 one decision", () => {
  test("T28 every later decision is told the first one", () => {
    for (const [name, winner] of [
      ["approved", "approve"],
      ["denied", "deny"],
    ] as const) {
      for (const command of [decideBy("approve", PHONE), decideBy("deny", TABLET)]) {
        expect(transition(challengeIn(name), command, BIRTH + 1)).toEqual({
          ok: false,
          error: { code: "already_decided", winner },
        });
      }
    }
  });
});

describe("T08 no consent is remembered", () => {
  test("T08 after an approval a new challenge of the same user, client and scope waits for its own", () => {
    const first = transition(born(specOf()), decideBy("approve", PHONE), BIRTH + 1);
    expect(first.ok && first.value.next.phase.name).toBe("approved");
    const second = born(specOf({ createdAt: BIRTH + 2, expiresAt: BIRTH + 200_002 }));
    expect(viewOf(second, BIRTH + 2).state).toBe("pending");
    expect(transition(second, redeemBy("waiter-1"), BIRTH + 2)).toEqual({
      ok: false,
      error: { code: "not_approved" },
    });
  });
});

describe("what is on record", () => {
  test("the timeline holds each step with who and from where, the prompt among them", () => {
    let challenge = born(specOf());
    for (const [command, now] of [
      [{ ...claimBy(PHONE), ip: "192.0.2.2" }, BIRTH + 1],
      [{ ...decideBy("approve", PHONE), promptedAt: BIRTH, ip: "192.0.2.3" }, BIRTH + 2],
      [{ ...redeemBy("waiter-1"), ip: "192.0.2.4" }, BIRTH + 3],
    ] as const) {
      const result = transition(challenge, command as Parameters<typeof transition>[1], now);
      if (!result.ok) throw new Error(result.error.code);
      challenge = result.value.next;
    }
    const device = `device:${PHONE.deviceId}`;
    expect(challenge.timeline).toEqual([
      { at: BIRTH, what: "started", by: "client:shop", ip: "192.0.2.1" },
      { at: BIRTH + 1, what: "claimed", by: device, ip: "192.0.2.2" },
      { at: BIRTH, what: "prompted", by: `user:${USER}` },
      { at: BIRTH + 2, what: "approved", by: device, ip: "192.0.2.3" },
      { at: BIRTH + 3, what: "redeemed", by: "client:shop", ip: "192.0.2.4" },
    ]);
    expect(challenge.version).toBe(4);
  });

  test("every approver has a name", () => {
    expect(nameOf({ kind: "device", deviceId: DEVICES[0] })).toBe(`device:${DEVICES[0]}`);
    expect(nameOf({ kind: "firstEnrolment", deviceId: DEVICES[0] })).toBe(`firstEnrolment:${DEVICES[0]}`);
    expect(nameOf({ kind: "code", identifierId: "identifier-1" })).toBe("code:identifier-1");
    expect(nameOf({ kind: "client", clientId: CLIENTS[0] })).toBe("client:shop");
  });
});

describe("T50 what may be told", () => {
  test("T50 a waiter is told id, state and end, and nothing else", () => {
    for (const phase of Object.keys(TABLE) as (keyof typeof TABLE)[]) {
      const told = waitView(viewOf(challengeIn(phase), BIRTH + 1));
      expect(Object.keys(told).toSorted()).toEqual(["expiresAt", "id", "state"]);
      expect(told.state).toBe(phase);
    }
  });

  test("a wait is over once the challenge has left pending and claimed", () => {
    const states = Object.keys(TABLE) as (keyof typeof TABLE)[];
    expect(states.filter((state) => !isSettled(state))).toEqual(["pending", "claimed"]);
  });
});

describe("G1 a challenge for one device", () => {
  const forPhone = (name: "pending" | "claimed") =>
    challengeIn(name, BIRTH, specOf({ onlyDevice: PHONE.deviceId }));
  const REFUSED = { ok: false, error: { code: "device_of_another_user" } };

  test.each(["approve", "deny"] as const)("G1 %s: nobody but that device decides", (decision) => {
    const others = [
      signed(TABLET, decision),
      vouched({ kind: "client", clientId: CLIENTS[0] }, decision),
      vouched({ kind: "code", identifierId: "mail" }, decision),
      ...(decision === "approve" ? [firstEnrolment] : []),
    ];
    for (const proof of others) {
      expect(transition(forPhone("pending"), decideWith(decision, proof), BIRTH + 1)).toEqual(REFUSED);
    }
    const decided = transition(forPhone("pending"), decideBy(decision, PHONE), BIRTH + 1);
    expect(decided.ok && decided.value.next.phase.name).toBe(decision === "approve" ? "approved" : "denied");
  });

  test("G1 nobody but that device claims it: a claim would keep the device itself out", () => {
    expect(transition(forPhone("pending"), claimBy(TABLET), BIRTH + 1)).toEqual(REFUSED);
    const claimed = transition(forPhone("pending"), claimBy(PHONE), BIRTH + 1);
    expect(claimed.ok && claimed.value.next.phase.name).toBe("claimed");
  });
});

describe("what is on record of a decision", () => {
  const led = (challenge: Challenge, ...commands: readonly [Command, number][]): Challenge =>
    commands.reduce((kept, [command, now]) => {
      const result = transition(kept, command, now);
      if (!result.ok) throw new Error(result.error.code);
      return result.value.next;
    }, challenge);
  const SIGNED = { id: "random", sealed: "sealed" };
  const withSignature = (decision: DecisionKind): Command => ({
    name: decision,
    proof: signed(PHONE, decision),
    signed: SIGNED,
  });
  const decided = (kind: DecisionKind) => ({
    kind,
    approver: { kind: "device", deviceId: PHONE.deviceId },
    userId: USER,
    amr: ["pop"],
    at: BIRTH + 1,
    signed: SIGNED,
  });

  test("nothing while it is pending or claimed", () => {
    expect([challengeIn("pending").decided, challengeIn("claimed").decided]).toEqual([undefined, undefined]);
  });

  test("who decided and by what, whatever becomes of it then", () => {
    const approved = led(born(specOf()), [withSignature("approve"), BIRTH + 1]);
    expect(approved.decided).toEqual(decided("approve"));
    const ends = [
      led(approved, [redeemBy("waiter-1"), BIRTH + 2]),
      led(approved, [{ name: "cancel", by: "admin" }, BIRTH + 2]),
      settle(approved, BIRTH + 70_000),
    ];
    expect(ends.map(({ phase }) => phase.name)).toEqual(["redeemed", "cancelled", "expired"]);
    for (const ended of ends) expect(ended.decided).toEqual(decided("approve"));
    expect(led(born(specOf()), [withSignature("deny"), BIRTH + 1]).decided).toEqual(decided("deny"));
  });

  test("a later word changes nothing of it", () => {
    const denied = led(born(specOf()), [withSignature("deny"), BIRTH + 1]);
    expect(transition(denied, withSignature("approve"), BIRTH + 2).ok).toBe(false);
    expect(denied.decided).toEqual(decided("deny"));
  });

  test("of a proof that is no device's there is no signature", () => {
    const code = vouched({ kind: "code", identifierId: "address" }, "approve");
    const { decided: told } = led(born(specOf()), [decideWith("approve", code), BIRTH + 1]);
    expect(told).toMatchObject({ approver: { kind: "code" } });
    expect(told).not.toHaveProperty("signed");
  });
});
