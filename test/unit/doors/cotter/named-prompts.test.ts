import { describe, expect, test } from "vitest";
import { type ClientId, MAIN, newDeviceId, parseChallengeId, type Realm } from "../../../../src/core/ids.ts";
import { compareNamed } from "../../../../src/core/inbox/named.ts";
import { settlePrompt } from "../../../../src/core/inbox/prompts.ts";
import { EMPTY_INBOX, type Prompt } from "../../../../src/core/inbox/state.ts";
import { namedBy, shownTo } from "../../../../src/doors/cotter/event/prompts.ts";

// What this wire shows of a prompt and what the inbox compares with an answer are one rule, written twice.
const [SHOP, BANK] = ["shop", "bank"] as unknown as readonly [ClientId, ClientId];
const PHONE = newDeviceId("0b0c2a44-0d0b-4a3e-9c55-1f7f2f0f8a10");
const NONE = { matchCode: false, claim: false, unlock: false };

const BASE: Prompt = {
  challengeId: parseChallengeId("ab".repeat(32))!,
  door: "cotter",
  clientId: SHOP,
  clientName: "Shop",
  purpose: "sign_in",
  demands: NONE,
  origin: {},
  context: {},
  respondNumber: 7,
  signingSecond: 1_700_000_000,
  startedAt: 0,
  listedAt: 0,
  expiresAt: 1,
  status: { name: "live" },
};

const DOORS = ["oauth", "cotter", "loginid", "authsignal", "approver", "page"] as const;
const PURPOSES = ["sign_in", "enrol_device", "pay"];
const NAMES = [undefined, "LOGIN", "PAY", "Pay rent 5.00", "ENROLL_NEW_TRUSTED_DEVICE", "a/b", ""];
const MORE: readonly Partial<Prompt>[] = [
  {},
  { approvers: "realm" },
  { approvers: [BANK] },
  { demands: { ...NONE, matchCode: true } },
  { demands: { ...NONE, claim: true } },
  { demands: { ...NONE, unlock: true } },
  { demands: { ...NONE, device: PHONE } },
  { bindingMessage: "" },
  { bindingMessage: "Blue horse" },
  { context: { custom: { amount: 5 } } },
  { context: { custom: false } },
  { context: { custom: null } },
  { context: { custom_in_row: true } },
  { status: { name: "withdrawn" } },
];

const everyPrompt: readonly Prompt[] = DOORS.flatMap((door) =>
  PURPOSES.flatMap((purpose) =>
    NAMES.flatMap((event) =>
      MORE.map((more) => ({
        ...BASE,
        door,
        purpose,
        ...more,
        context: { ...more.context, ...(event === undefined ? {} : { event }) },
      })),
    ),
  ),
);

const APPS = [
  { id: SHOP, realm: MAIN },
  { id: BANK, realm: MAIN },
  { id: BANK, realm: "elsewhere" as Realm },
];

const echoOf = (prompt: Prompt, event: string) => ({
  issuer: prompt.clientId as string,
  event,
  timestamp: String(prompt.signingSecond),
});

describe("T24 a prompt by its number", () => {
  test("T24 is answered under the name that it is shown by, and under no other", () => {
    let answered = 0;
    for (const prompt of everyPrompt) {
      for (const app of APPS) {
        const shown = shownTo(app, prompt)?.event;
        for (const event of NAMES) {
          if (event === undefined) continue;
          const found = compareNamed([prompt], namedBy(app, 7, echoOf(prompt, event)));
          expect([prompt, app, event, found.ok]).toEqual([prompt, app, event, shown === event]);
          if (found.ok) answered++;
        }
      }
    }
    expect(answered).toBeGreaterThan(50);
  });

  test.each([
    ["another number", 8, {}, { code: "unknown_challenge" }],
    ["another client as issuer", 7, { issuer: "news" }, { code: "prompt_mismatch", detail: "issuer" }],
    ["another event", 7, { event: "PAY" }, { code: "prompt_mismatch", detail: "event" }],
    ["another second", 7, { timestamp: "1700000001" }, { code: "prompt_mismatch", detail: "timestamp" }],
    ["the second spelled otherwise", 7, { timestamp: "01700000000" }, { code: "prompt_mismatch" }],
  ])("T24 %s settles nothing", (_, number, over, error) => {
    const state = { ...EMPTY_INBOX, prompts: [BASE] };
    const named = namedBy(APPS[0]!, number, { ...echoOf(BASE, "LOGIN"), ...over });
    const { next, value } = settlePrompt(state, { named, decision: "approve", digest: "d" }, 0);
    expect(value).toMatchObject({ ok: false, error });
    expect(next).toBe(state);
  });

  test("an app may sign its own id as issuer, whoever asks", () => {
    const prompt: Prompt = { ...BASE, approvers: [BANK] };
    const echo = echoOf(prompt, "LOGIN");
    expect(compareNamed([prompt], namedBy(APPS[1]!, 7, { ...echo, issuer: BANK })).ok).toBe(true);
    expect(compareNamed([prompt], namedBy(APPS[1]!, 7, echo)).ok).toBe(true);
    expect(compareNamed([BASE], namedBy(APPS[1]!, 7, { ...echo, issuer: BANK }))).toEqual({
      ok: false,
      error: { code: "unknown_challenge" },
    });
  });
});
