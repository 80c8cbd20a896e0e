import { describe, expect, test } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import { userSubject } from "../../../../src/core/ids.ts";
import { asked, refusal, site, stateOf } from "../../support/approver.ts";
import { start } from "../../support/ciba.ts";
import { newPhoneOwner } from "../../support/phone.ts";

// "It was not me" is two steps, the silence and the no. Whichever fails, the person presses once more and both stand.

type Broken = "silence" | "apply" | "audit";

function scene() {
  const fault: { of?: Broken } = {};
  const fails = (of: Broken) => {
    if (fault.of === of) throw new Outage("an object did not answer");
  };
  const at = site({}, ({ inboxes, challenges, records }) => ({
    inboxes: {
      ...inboxes,
      async silence(...given) {
        fails("silence");
        return await inboxes.silence(...given);
      },
    },
    challenges: {
      ...challenges,
      async apply(...given) {
        fails("apply");
        return await challenges.apply(...given);
      },
    },
    records: {
      ...records,
      async audit(...given) {
        fails("audit");
        return await records.audit(...given);
      },
    },
  }));
  return { at, fault };
}

const NOT_ME = { decision: "deny", not_me: true } as const;

describe("a phone says that it was not its user", () => {
  test.each(["silence", "apply"] as const)(
    "T02 and %s fails: 503, and pressed again whoever began it is silent",
    async (of) => {
      const { at, fault } = scene();
      const { id, phone } = await newPhoneOwner(at);
      const { prompt, party } = await asked(at, id, phone);
      fault.of = of;
      expect((await phone.decide(prompt, NOT_ME)).status).toBe(503);
      expect(await stateOf(at, prompt.id)).toBe("pending");
      delete fault.of;
      expect((await phone.decide(prompt, NOT_ME)).status).toBe(200);
      expect(await stateOf(at, prompt.id)).toBe("denied");
      const { silences } = await at.services.inboxes.view(userSubject(id));
      expect(silences?.map(({ clientId }) => clientId)).toEqual([party.id]);
      const told = await at.services.records.events({ userId: id, type: "sign_in.reported", size: 5 });
      expect(told).toHaveLength(1);
      await start(at, party, id);
      expect(await phone.prompts()).toEqual([]);
    },
  );

  test("and D1 fails: the queue brings the row", async () => {
    const { at, fault } = scene();
    const { id, phone } = await newPhoneOwner(at);
    const { prompt } = await asked(at, id, phone);
    fault.of = "audit";
    expect((await phone.decide(prompt, NOT_ME)).status).toBe(200);
    expect(at.queued).toContainEqual(
      expect.objectContaining({
        kind: "audit",
        events: [expect.objectContaining({ type: "sign_in.reported" })],
      }),
    );
  });

  test("of what was decided already is refused and puts nothing on record; whoever began it is silent all the same", async () => {
    const { at } = scene();
    const { id, phone } = await newPhoneOwner(at);
    const { prompt, number, party } = await asked(at, id, phone);
    await phone.decide(prompt, { decision: "approve", match_code: number });
    expect(await phone.decide(prompt, NOT_ME)).toMatchObject(refusal(409, "already_decided"));
    expect(await at.services.records.events({ userId: id, type: "sign_in.reported", size: 5 })).toEqual([]);
    const { silences } = await at.services.inboxes.view(userSubject(id));
    expect(silences?.map(({ clientId }) => clientId)).toEqual([party.id]);
  });
});
