import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { withdrawChallenge } from "../../../../src/core/challenge/cancel.ts";
import { revokeDevice } from "../../../../src/core/device/revoke.ts";
import { Outage } from "../../../../src/core/fault.ts";
import { type UserId, userSubject } from "../../../../src/core/ids.ts";
import { MATCH_GUESSES } from "../../../../src/core/inbox/limits.ts";
import { DAY, MINUTE } from "../../../../src/core/time.ts";
import {
  asked,
  codes,
  later,
  mainOf,
  refusal,
  refusalsOf,
  type Site,
  setStatus,
  site,
  stateOf,
  wrong,
} from "../../support/approver.ts";
import { decide as decideByCotter, newHolder, newParty, poll, start } from "../../support/ciba.ts";
import { claimsOf } from "../../support/cotter.ts";
import { newPhoneOf, newPhoneOwner } from "../../support/phone.ts";

const at = site();
const UNKNOWN = refusal(404, "unknown_prompt");
const approval = (number: string) => ({ decision: "approve", match_code: number }) as const;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("whose answer it is", () => {
  test("T20 T106 nobody approves or declines what is another user's: to them it is not there", async () => {
    const [ana, bob] = [await newPhoneOwner(at), await newPhoneOwner(at)];
    const { prompt, number } = await asked(at, ana.id, ana.phone);
    expect(await bob.phone.decide(prompt, approval(number))).toMatchObject(UNKNOWN);
    expect(await bob.phone.decide(prompt, { decision: "deny", not_me: true })).toMatchObject(UNKNOWN);
    expect(await bob.phone.decide({ ...prompt, id: "0".repeat(64) }, { decision: "deny" })).toMatchObject(
      UNKNOWN,
    );
    expect(await stateOf(at, prompt.id)).toBe("pending");
    expect((await at.services.inboxes.view(userSubject(bob.id))).silences).toEqual([]);
  });

  test("T23 of two requests that are open the one is approved whose id was signed", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const first = await asked(at, id, phone);
    const second = await asked(at, id, phone);
    expect((await phone.prompts()).map((one: { id: string }) => one.id)).toEqual([
      second.prompt.id,
      first.prompt.id,
    ]);
    expect((await phone.decide(first.prompt, approval(first.number))).status).toBe(200);
    expect(await stateOf(at, first.prompt.id)).toBe("approved");
    expect(await stateOf(at, second.prompt.id)).toBe("pending");
  });

  test("T28 of twenty answers at once one wins, and the others are told which", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    const { prompt, number, party, started } = await asked(at, id, phone);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        phone.decide(prompt, { ...(index % 2 ? approval(number) : { decision: "deny" }), page: `p${index}` }),
      ),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    const { state } = won[0]?.body ?? {};
    const winner = state === "approved" ? "approve" : "deny";
    const lost = answers.filter(({ status }) => status !== 200);
    // A number is compared before anything is settled: of so many approvals at once some meet the limit of guesses.
    for (const { status, body } of lost) {
      if (status === 409) expect(body).toMatchObject({ code: "already_decided", winner });
      else expect(["out_of_guesses", "code_locked", "cancelled"]).toContain(body.code);
    }
    expect(lost.some(({ body }) => body.code === "already_decided")).toBe(true);
    const polled = await poll(at, party, started);
    expect(polled.status).toBe(state === "approved" ? 200 : 400);
  });

  test("T28 twenty answers at once without a number: one wins, nineteen are told", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const { prompt } = await asked(at, id, phone, { insecure_tap: true });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        phone.decide(prompt, { decision: index % 2 ? "approve" : "deny", page: `p${index}` }),
      ),
    );
    const counted = codes(answers).filter((code) => code !== "already_decided");
    // Of a passkey whose counter counts, two at once are one: the other is refused as a copy.
    expect(counted.filter((code) => code === "approved" || code === "denied")).toHaveLength(1);
    expect(counted.filter((code) => !["approved", "denied", "bad_signature"].includes(code))).toEqual([]);
  });
});

describe("T04 the number on the other screen", () => {
  test("is wrong five times, and the request is over", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    const { prompt, number, started, party } = await asked(at, id, phone);
    at.queued.length = 0;
    for (const left of [4, 3, 2, 1]) {
      expect(await phone.decide(prompt, approval(wrong(number)))).toMatchObject(
        refusal(422, "wrong_match_code", { left }),
      );
    }
    expect(await phone.decide(prompt, approval(wrong(number)))).toMatchObject(refusal(410, "out_of_guesses"));
    expect(await phone.decide(prompt, approval(number))).not.toMatchObject({ status: 200 });
    expect((await poll(at, party, started)).status).toBe(400);
    expect(refusalsOf(at, "decision_refused").map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(["wrong_code", "out_of_guesses"]),
    );
  });

  test("wrong ones are counted on through new requests, and other requests stay open", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    const first = await asked(at, id, phone);
    for (let count = 0; count < 3; count++) await phone.decide(first.prompt, approval(wrong(first.number)));
    const second = await asked(at, id, phone);
    expect(await phone.decide(second.prompt, approval(wrong(second.number)))).toMatchObject(
      refusal(422, "wrong_match_code"),
    );
    await phone.decide(second.prompt, approval(wrong(second.number)));
    const third = await asked(at, id, phone);
    const locked = await phone.decide(third.prompt, approval(third.number));
    expect(locked).toMatchObject(refusal(429, "code_locked", { until: expect.any(String) }));
    expect(Number(locked.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(await stateOf(at, third.prompt.id)).toBe("pending");
    expect((await phone.decide(third.prompt, { decision: "deny" })).status).toBe(200);
  });

  test("a right one is no guess, however many requests are approved", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    for (let count = 0; count <= MATCH_GUESSES.limit; count++) {
      const { prompt, number } = await asked(at, id, phone);
      expect((await phone.decide(prompt, approval(number))).status).toBe(200);
      // Within the window of guesses; a minute later another request may stand before them.
      if (count % 3 === 2) later(MINUTE);
    }
  });

  test("a right one that cannot be taken from the counts approves all the same", async () => {
    const over = site({}, ({ inboxes }) => ({
      inboxes: { ...inboxes, uncount: () => Promise.reject(new Outage("down")) },
    }));
    const { id, phone } = await newPhoneOwner(over, "key");
    const { prompt, number } = await asked(over, id, phone);
    expect((await phone.decide(prompt, approval(number))).status).toBe(200);
    expect(await stateOf(over, prompt.id)).toBe("approved");
  });

  test("nobody without the key uses up a guess", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    const { prompt, number } = await asked(at, id, phone);
    for (let count = 0; count < 7; count++) {
      const signed = await phone.sign({ ...prompt.payload, ...approval(number) });
      const sent = { ...approval(wrong(number)), ...signed };
      expect(await phone.call("POST", `/prompts/${prompt.id}/decision`, sent)).toMatchObject(
        refusal(403, "bad_signature"),
      );
    }
    expect((await phone.decide(prompt, approval(number))).status).toBe(200);
  });

  test("T03 is asked for wherever no setting is named insecure, and a request without one can only be declined", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const off = await asked(at, id, phone, { match_code: "off" });
    expect(off.prompt).toMatchObject({ match: "none", answers: ["deny"], why_not: "tap" });
    expect(await phone.decide(off.prompt, { decision: "approve" })).toMatchObject(
      refusal(403, "not_allowed", { why: "tap" }),
    );
    const bare = await asked(at, id, phone, { insecure_tap: true });
    expect(bare.prompt).toMatchObject({ match: "none", answers: ["deny", "approve"] });
    expect((await phone.decide(bare.prompt, { decision: "approve" })).status).toBe(200);
    const { body } = await poll(at, bare.party, bare.started);
    expect(claimsOf(body.id_token).acr).toBe("urn:signin:acr:device");
  });
});

describe("T32 where a client asks for the device's own unlock", () => {
  test("a key only declines, and is told why", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    const { prompt, number } = await asked(at, id, phone, { require_unlock: true });
    expect(prompt).toMatchObject({ unlock: true, answers: ["deny"], why_not: "unlock" });
    expect(await phone.decide(prompt, approval(number))).toMatchObject(
      refusal(403, "not_allowed", { why: "unlock" }),
    );
    expect((await phone.decide(prompt, { decision: "deny" })).status).toBe(200);
  });

  test("a passkey approves, and the tokens say so", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const { prompt, number, party, started } = await asked(at, id, phone, { require_unlock: true });
    expect(prompt).toMatchObject({ unlock: true, answers: ["deny", "approve"] });
    expect((await phone.decide(prompt, approval(number))).status).toBe(200);
    expect(claimsOf((await poll(at, party, started)).body.id_token)).toMatchObject({
      amr: expect.arrayContaining(["user", "mca"]),
      acr: "urn:signin:acr:device-match-uv",
    });
  });
});

describe("a request that is gone says why", () => {
  test("T07 declined: it is over, and asking again shows a new one", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const { prompt, number, party } = await asked(at, id, phone);
    expect((await phone.decide(prompt, { decision: "deny" })).body).toEqual({ state: "denied" });
    expect(await phone.prompts()).toEqual([]);
    expect(await phone.decide(prompt, approval(number))).toMatchObject(
      refusal(409, "already_decided", { winner: "deny" }),
    );
    await start(at, party, id);
    expect((await phone.prompts())[0].id).not.toBe(prompt.id);
  });

  test("expired under the finger", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const { prompt, number } = await asked(at, id, phone);
    later(3 * MINUTE);
    expect(await phone.prompts()).toEqual([]);
    for (const said of [approval(number), { decision: "deny" } as const]) {
      expect(await phone.decide(prompt, said)).toMatchObject(refusal(410, "expired"));
    }
    later(2 * MINUTE);
    expect((await phone.decide(prompt, { decision: "deny" })).status).toBeGreaterThanOrEqual(404);
  });

  test("T06 superseded by a newer one of the same app", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const { prompt, number, party } = await asked(at, id, phone);
    await start(at, party, id);
    expect(await phone.prompts()).toHaveLength(1);
    expect(await phone.decide(prompt, approval(number))).toMatchObject(refusal(410, "superseded"));
  });

  test("cancelled by who asked", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const { prompt, number } = await asked(at, id, phone);
    const snapshot = await at.services.challenges.read(prompt.id);
    if (!snapshot) throw new Error("no challenge");
    await withdrawChallenge(at.services, snapshot, "test");
    expect(await phone.decide(prompt, approval(number))).toMatchObject(refusal(410, "cancelled"));
  });

  test("decided on another phone, of a vendor's app", async () => {
    const holder = await newHolder(at);
    const phone = await newPhoneOf(at, holder.id as UserId);
    later(DAY);
    const { prompt, number } = await asked(at, holder.id as UserId, phone, { approve_through: "realm" });
    await decideByCotter(at, holder);
    expect(await phone.decide(prompt, approval(number))).toMatchObject(
      refusal(409, "already_decided", { winner: "approve" }),
    );
    expect(await phone.prompts()).toEqual([]);
  });
});

describe("a user who is locked while the phone calls", () => {
  test.each(["passkey", "key"] as const)("declines, and approves nothing: %s", async (kind) => {
    const { id, phone } = await newPhoneOwner(at, kind);
    const { prompt, number } = await asked(at, id, phone);
    // Of a lock that has not come to the sessions yet.
    await at.services.users.update(mainOf(id), { status: "locked" }, Date.now() - DAY);
    expect(await phone.decide(prompt, approval(number))).toMatchObject(refusal(403, "user_locked"));
    expect(await phone.act("/tickets", "let_in_device")).toMatchObject(refusal(403, "user_locked"));
    expect(await phone.act("/recovery-codes", "recovery_codes")).toMatchObject(refusal(403, "user_locked"));
    expect((await phone.decide(prompt, { decision: "deny" })).status).toBe(200);
  });
});

describe("T02 this was not me", () => {
  test("silences who asked, and nobody else; nobody is locked", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const [rogue, honest] = [await newParty(at), await newParty(at)];
    await start(at, rogue, id);
    const [prompt] = await phone.prompts();
    expect((await phone.decide(prompt, { decision: "deny", not_me: true })).status).toBe(200);
    await start(at, rogue, id);
    await start(at, honest, id);
    const { body } = await phone.call("GET", "/prompts");
    expect(body.prompts.map((one: typeof prompt) => one.payload.client.id)).toEqual([honest.id]);
    expect(body.silences).toEqual([{ client: "Shop", until: expect.any(String) }]);
    expect(body.blocked).toMatchObject({ count: 1, last_at: expect.any(String) });
    expect((await at.services.users.byId(id, "main" as never))?.user.status).toBe("active");
  });

  test("belongs to a denial alone, and is signed", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const { prompt, number } = await asked(at, id, phone);
    const signed = await phone.sign({ ...prompt.payload, decision: "deny" });
    const path = `/prompts/${prompt.id}/decision`;
    expect(await phone.call("POST", path, { decision: "deny", not_me: true, ...signed })).toMatchObject(
      refusal(403, "bad_signature"),
    );
    const both = await phone.decide(prompt, { ...approval(number), not_me: true });
    expect(both).toMatchObject(refusal(400, "malformed"));
    expect((await at.services.inboxes.view(userSubject(id))).silences).toEqual([]);
  });
});

describe("what happens between the signature and the inbox", () => {
  /** A deployment in which something happens right before an answer is settled. */
  function between(happens: (here: Site, id: UserId, deviceId: string) => Promise<unknown>) {
    let about: readonly [UserId, string] | undefined;
    const here: Site = site({}, ({ inboxes }) => ({
      inboxes: {
        ...inboxes,
        async settle(...given) {
          if (about) await happens(at, ...about);
          return await inboxes.settle(...given);
        },
      },
    }));
    const arm = (id: UserId, deviceId: string) => {
      about = [id, deviceId];
    };
    return { here, arm };
  }

  test("T25 T102 the device is removed: its answer is none", async () => {
    const { here, arm } = between((where, userId, deviceId) =>
      revokeDevice(where.services, {
        userId,
        deviceId: deviceId as never,
        actor: "admin",
        reason: "test",
      }),
    );
    const { id, phone } = await newPhoneOwner(here);
    const { prompt, number, party, started } = await asked(here, id, phone);
    arm(id, phone.deviceId);
    expect(await phone.decide(prompt, approval(number))).toMatchObject(refusal(401, "session_over"));
    expect((await poll(at, party, started)).status).toBe(400);
  });

  test("T11 the user is locked: no token comes of it", async () => {
    const { here, arm } = between((where, userId) => setStatus(where, userId, "locked"));
    const { id, phone } = await newPhoneOwner(here);
    const { prompt, number, party, started } = await asked(here, id, phone);
    arm(id, phone.deviceId);
    expect((await phone.decide(prompt, approval(number))).status).toBe(410);
    expect((await poll(at, party, started)).status).toBe(400);
  });

  test("T25 the device is removed after it has approved: the client's poll gets nothing", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    const { prompt, number, party, started } = await asked(at, id, phone);
    expect((await phone.decide(prompt, approval(number))).status).toBe(200);
    await phone.act(`/devices/${phone.deviceId}/removal`, "remove_device", { target: phone.deviceId });
    expect((await poll(at, party, started)).status).toBe(400);
  });
});
