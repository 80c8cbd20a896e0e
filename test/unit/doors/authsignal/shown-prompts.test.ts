import { describe, expect, test } from "vitest";
import { admits } from "../../../../src/core/challenge/approvers.ts";
import type { Device } from "../../../../src/core/device/device.ts";
import {
  type ClientId,
  type DeviceId,
  MAIN,
  newDeviceId,
  newUserId,
  parseChallengeId,
  type Realm,
} from "../../../../src/core/ids.ts";
import type { Prompt } from "../../../../src/core/inbox/state.ts";
import { canAnswer } from "../../../../src/doors/authsignal/push/prompts.ts";
import { actionCodeOf, shownContext } from "../../../../src/doors/authsignal/translate.ts";
import { shownTo } from "../../../../src/doors/cotter/event/prompts.ts";

const [SHOP, BANK, NEWS] = ["shop", "bank", "news"] as unknown as readonly [ClientId, ClientId, ClientId];
const PHONE: DeviceId = newDeviceId("0b0c2a44-0d0b-4a3e-9c55-1f7f2f0f8a10");

const phoneOf = (clientId: ClientId, realm = MAIN): Device => ({
  id: PHONE,
  userId: newUserId("6f1c2a44-0d0b-4a3e-9c55-1f7f2f0f8a10"),
  key: { algorithm: "EC", bytes: "x", fingerprint: "y" },
  name: "Phone",
  kind: "push",
  door: "authsignal",
  clientId,
  realm,
  enrolledAt: 0,
});

const promptOf = (over: Partial<Prompt> = {}): Prompt => ({
  challengeId: parseChallengeId("ab".repeat(32))!,
  door: "cotter",
  clientId: SHOP,
  clientName: "Shop",
  purpose: "sign_in",
  demands: { matchCode: false, claim: false, unlock: false },
  origin: {},
  context: { event: "LOGIN" },
  respondNumber: 7,
  signingSecond: 1,
  startedAt: 0,
  listedAt: 0,
  expiresAt: 1,
  status: { name: "live" },
  ...over,
});

const action = (code: string, more: Prompt["context"] = {}): Partial<Prompt> => ({
  door: "authsignal",
  purpose: code,
  context: { action: code, idem: "1", event: code, ...more },
});
const demanding = (over: Partial<Prompt["demands"]>): Partial<Prompt> => ({
  demands: { matchCode: false, claim: false, unlock: false, ...over },
});

describe("S6 whose devices may answer for a client", () => {
  test.each([
    [undefined, [SHOP]],
    ["own", [SHOP]],
    [[], [SHOP]],
    [[BANK], [SHOP, BANK]],
    ["realm", [SHOP, BANK, NEWS]],
  ] as const)("approve_through %j: devices of %j", (approvers, through) => {
    const asker = { clientId: SHOP, ...(approvers === undefined ? {} : { approvers }) };
    expect([SHOP, BANK, NEWS].filter((client) => admits(asker, { clientId: client }))).toEqual(through);
    const prompt = promptOf(approvers === undefined ? {} : { approvers });
    expect([SHOP, BANK, NEWS].filter((client) => shownTo({ id: client, realm: MAIN }, prompt))).toEqual(
      through,
    );
    expect([SHOP, BANK, NEWS].filter((client) => canAnswer(prompt, phoneOf(client)))).toEqual(through);
  });
});

test.each([["realm"], [[BANK]]] as const)("S6 approve_through %j reaches no other realm", (approvers) => {
  const elsewhere = "elsewhere" as Realm;
  const asker = { clientId: SHOP, approvers };
  expect(admits(asker, { clientId: BANK, realm: elsewhere })).toBe(false);
  expect(admits({ ...asker, realm: elsewhere }, { clientId: BANK, realm: elsewhere })).toBe(true);
  expect(admits({ ...asker, realm: elsewhere }, { clientId: BANK })).toBe(false);
  const prompt = promptOf({ approvers });
  expect(shownTo({ id: BANK, realm: elsewhere }, prompt)).toBeUndefined();
  expect(canAnswer(prompt, phoneOf(BANK, elsewhere))).toBe(false);
});

describe("S6 what each wire can say of a prompt", () => {
  test.each<[string, Partial<Prompt>, string | undefined, string | undefined]>([
    ["a Cotter sign-in", {}, "LOGIN", "LOGIN"],
    ["a Cotter event with blanks", { context: { event: "Pay rent 5.00" } }, "Pay rent 5.00", undefined],
    ["an action", action("pay"), "pay", "pay"],
    ["an action with custom data", action("pay", { custom: { amount: "9999 EUR" } }), undefined, "pay"],
    ["an action whose custom data is long", action("pay", { custom_in_row: true }), undefined, "pay"],
    [
      "an action with the name that enrols a device",
      { ...action("ENROLL_NEW_TRUSTED_DEVICE"), context: { action: "ENROLL_NEW_TRUSTED_DEVICE" } },
      undefined,
      "ENROLL_NEW_TRUSTED_DEVICE",
    ],
    ["a LoginID code", { door: "loginid", context: { code_type: "short" } }, "LOGIN", "sign_in"],
    ["a purpose without a name", { door: "oauth", purpose: "pay rent", context: {} }, undefined, undefined],
    ["a CIBA request", { door: "oauth", context: { oauth: { kind: "ciba" } } }, "LOGIN", "sign_in"],
    [
      "a CIBA request with details",
      { door: "oauth", context: { oauth: { kind: "ciba" }, details: [{ type: "payment" }] } },
      undefined,
      undefined,
    ],
    ["details of whichever door", { context: { event: "LOGIN", details: [] } }, undefined, undefined],
    ["a message", { bindingMessage: "Blue horse" }, undefined, undefined],
    ["a number", demanding({ matchCode: true }), undefined, "LOGIN"],
    ["a claim", demanding({ claim: true }), undefined, undefined],
    ["an unlock", demanding({ unlock: true }), undefined, undefined],
    ["one device", demanding({ device: PHONE }), undefined, "LOGIN"],
    ["another device", demanding({ device: newDeviceId(crypto.randomUUID()) }), undefined, undefined],
  ])("%s: Cotter %s, Authsignal %s", (_what, over, cotter, authsignal) => {
    const prompt = promptOf(over);
    expect(shownTo({ id: SHOP, realm: MAIN }, prompt)?.event).toBe(cotter);
    expect(canAnswer(prompt, phoneOf(SHOP)) ? actionCodeOf(prompt) : undefined).toBe(authsignal);
  });

  test("S6 what a browser says of itself is one line, and bounded", () => {
    const userAgent = `Security\r\ncheck\u202e ${"x".repeat(400)}`;
    const shown = shownContext({ context: { device_id: "a\nb" }, origin: { userAgent } }, undefined);
    expect(shown).toMatchObject({
      deviceId: "a b",
      userAgent: expect.stringMatching(/^Security check x+…$/),
    });
    expect([...String(Reflect.get(shown, "userAgent"))]).toHaveLength(256);
  });
});
