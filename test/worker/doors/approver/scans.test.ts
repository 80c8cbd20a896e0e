import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MINUTE } from "../../../../src/core/time.ts";
import { writeSeen } from "../../../../src/doors/approver/prompt/seen.ts";
import {
  later,
  refusal,
  refusalsOf,
  asked as requested,
  setStatus,
  site,
  stateOf,
} from "../../support/approver.ts";
import { askDevice, newParty, poll, pollDevice, press } from "../../support/ciba.ts";
import { claimsOf } from "../../support/cotter.ts";
import { newPhoneOf, newPhoneOwner, type Phone } from "../../support/phone.ts";

const at = site();
const UNKNOWN = refusal(404, "unknown_prompt");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A television that shows a code. */
async function television(settings = {}) {
  const party = await newParty(at, settings);
  const asked = await askDevice(at, party, { scope: "openid" });
  const poll = () => pollDevice(at, party, asked);
  return {
    party,
    asked,
    poll,
    code: String(asked.body.user_code),
    id: String(asked.body.device_code).split(".")[0],
  };
}

const scan = (phone: Phone, code: unknown) => phone.call("POST", "/scans", { user_code: code });

describe("a code of a device without a browser", () => {
  test("is typed on the phone, which shows who asks, approves, and the device has its tokens", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const { party, code, poll } = await television();
    const scanned = await scan(phone, code.toLowerCase());
    const { prompt, scan: ticket } = scanned.body;
    expect(prompt).toMatchObject({
      match: "none",
      answers: ["deny", "approve"],
      payload: {
        client: { id: party.id, name: "Shop" },
        shown: { code: code.replace("-", ""), scope: "openid", at: expect.any(Number) },
      },
    });
    expect(await phone.prompts()).toEqual([]);
    expect((await phone.decide(prompt, { decision: "approve", scan: ticket })).body).toEqual({
      state: "approved",
    });
    expect(claimsOf((await poll()).body.id_token)).toMatchObject({
      sub: id,
      acr: "urn:signin:acr:device",
      amr: ["hwk", "user"],
    });
  });

  test("is declined, and the device is told", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    const { code, poll } = await television();
    const { prompt, scan: ticket } = (await scan(phone, code)).body;
    expect((await phone.decide(prompt, { decision: "deny", scan: ticket, not_me: true })).status).toBe(200);
    expect((await poll()).body.error).toBe("access_denied");
  });

  test("T21 the scan is needed, signed, and this phone's alone", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const second = await newPhoneOf(at, id, "key", { deviceId: phone.deviceId as never });
    const { code, id: challenge } = await television();
    const { prompt, scan: ticket } = (await scan(phone, code)).body;
    expect(await phone.decide(prompt, { decision: "approve" })).toMatchObject(UNKNOWN);
    const forged = `${ticket.slice(0, -1)}${ticket.endsWith("A") ? "B" : "A"}`;
    expect(await phone.decide(prompt, { decision: "approve", scan: forged })).toMatchObject(UNKNOWN);
    expect(await second.decide(prompt, { decision: "approve", scan: ticket })).toMatchObject(UNKNOWN);
    const unsigned = await phone.sign({ ...prompt.payload, decision: "approve" });
    expect(
      await phone.call("POST", `/prompts/${prompt.id}/decision`, {
        decision: "approve",
        scan: ticket,
        ...unsigned,
      }),
    ).toMatchObject(refusal(403, "bad_signature"));
    expect(await stateOf(at, String(challenge))).toBe("claimed");
  });

  test("T20 T106 after it is claimed it is nobody else's, and not there for them", async () => {
    const [ana, bob] = [await newPhoneOwner(at), await newPhoneOwner(at, "key")];
    const { code, poll } = await television();
    const { prompt, scan: ticket } = (await scan(ana.phone, code)).body;
    expect(await scan(bob.phone, code)).toMatchObject(UNKNOWN);
    for (const decision of ["approve", "deny"] as const) {
      expect(await bob.phone.decide(prompt, { decision, scan: ticket })).toMatchObject(UNKNOWN);
    }
    expect((await poll()).body.error).toBe("authorization_pending");
    expect((await ana.phone.decide(prompt, { decision: "approve", scan: ticket })).status).toBe(200);
  });

  test("a browser in which its user has claimed it goes on there, not on the phone", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const { asked, code } = await television();
    expect((await press(at, { id }, asked)).ok).toBe(true);
    expect((await scan(phone, code)).status).toBeGreaterThanOrEqual(404);
  });

  test("T24 its signature is good once", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    const { code } = await television();
    const { prompt, scan: ticket } = (await scan(phone, code)).body;
    const said = { decision: "approve", scan: ticket } as const;
    const signed = await phone.sign({ ...prompt.payload, ...said });
    const send = () => phone.call("POST", `/prompts/${prompt.id}/decision`, { ...said, ...signed });
    expect((await send()).status).toBe(200);
    expect(await send()).toMatchObject(refusal(409, "already_decided", { winner: "approve" }));
  });

  test("T25 a phone that is younger than the code claims nothing", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const { code, poll } = await television();
    later(1);
    const young = await newPhoneOf(at, id, "key", { deviceId: phone.deviceId as never });
    expect(await scan(young, code)).toMatchObject(refusal(403, "device_too_young"));
    expect((await poll()).body.error).toBe("authorization_pending");
    expect((await scan(phone, code)).status).toBe(200);
  });

  test("T25 a phone that is removed after its approval: the device gets nothing", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    const { code, poll } = await television();
    const { prompt, scan: ticket } = (await scan(phone, code)).body;
    expect((await phone.decide(prompt, { decision: "approve", scan: ticket })).status).toBe(200);
    await phone.act(`/devices/${phone.deviceId}/removal`, "remove_device", { target: phone.deviceId });
    const { status, body } = await poll();
    expect([status, body.id_token]).toEqual([400, undefined]);
  });

  test("T11 a user who is locked after the approval: the device gets nothing", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    const { code, poll } = await television();
    const { prompt, scan: ticket } = (await scan(phone, code)).body;
    expect((await phone.decide(prompt, { decision: "approve", scan: ticket })).status).toBe(200);
    await setStatus(at, id, "locked");
    expect((await poll()).status).toBe(400);
  });

  test("T32 where the client asks for unlock a key only declines", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    const { code } = await television({ require_unlock: true });
    const { prompt, scan: ticket } = (await scan(phone, code)).body;
    expect(prompt).toMatchObject({ unlock: true, answers: ["deny"], why_not: "unlock" });
    expect((await phone.decide(prompt, { decision: "deny", scan: ticket })).status).toBe(200);
  });

  test("that ran out says so", async () => {
    const { phone } = await newPhoneOwner(at);
    const { code } = await television();
    const { prompt, scan: ticket } = (await scan(phone, code)).body;
    later(10 * MINUTE);
    const said = { decision: "approve", scan: ticket } as const;
    expect(await phone.decide(prompt, said)).toMatchObject(refusal(410, "expired"));
    expect(await scan(phone, code)).toMatchObject(refusal(410, "expired"));
  });

  test("T04 T66 wrong codes are counted, and are refused past their limit", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    at.queued.length = 0;
    const answers = [];
    for (const last of "BCDFGHJKLM") answers.push((await scan(phone, `BBBB-BBB${last}`)).body.code);
    expect(answers[0]).toBe("unknown_prompt");
    expect(answers.at(-1)).toBe("code_locked");
    expect(refusalsOf(at, "code_refused").length).toBeGreaterThan(0);
  });

  test.each(["", "123", "AAAA-AAAA", "a".repeat(33), 5, null])("T107 %j is no code", async (code) => {
    const { phone } = await newPhoneOwner(at, "key");
    expect(await scan(phone, code)).toMatchObject(refusal(400, "malformed"));
  });
});

describe("the QR code of a waiting screen", () => {
  test("T21 stands for the number on the phone that has scanned it, and on no other", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    const second = await newPhoneOf(at, id, "key", { deviceId: phone.deviceId as never });
    const { prompt, party, started } = await requested(at, id, phone);
    const of = { challengeId: prompt.id, deviceId: phone.deviceId as never };
    const ticket = await writeSeen(at.services, of, { by: "frame", value: "A".repeat(22) });
    const said = { decision: "approve", scan: ticket } as const;
    expect(await second.decide(prompt, said)).toMatchObject(refusal(400, "number_needed"));
    expect((await phone.decide(prompt, said)).status).toBe(200);
    expect(claimsOf((await poll(at, party, started)).body.id_token).amr).toContain("mca");
  });

  test("T106 of another user's request is not there, whatever its frame", async () => {
    const [ana, bob] = [await newPhoneOwner(at), await newPhoneOwner(at, "key")];
    const { prompt } = await requested(at, ana.id, ana.phone);
    for (const challenge_id of [prompt.id, "0".repeat(64), "x"]) {
      const answer = await bob.phone.call("POST", "/scans", { challenge_id, frame: "A".repeat(22) });
      expect(answer).toMatchObject(UNKNOWN);
    }
    const own = await ana.phone.call("POST", "/scans", { challenge_id: prompt.id, frame: "A".repeat(22) });
    expect(own).toMatchObject(refusal(410, "old_frame"));
  });
});
