import { expect, test } from "vitest";
import { finishedEvent } from "../../../../src/core/challenge/record.ts";
import { asked, refusal, site } from "../../support/approver.ts";
import { newPhoneOwner } from "../../support/phone.ts";

const at = site();
const BUILD = "12b8dee021fc";

async function stepsOf(id: string) {
  const challengeId = at.services.challenges.parse(id);
  const snapshot = challengeId && (await at.services.challenges.read(challengeId));
  if (!snapshot) throw new Error("no challenge");
  const { timeline } = finishedEvent(snapshot).data as { timeline: readonly Record<string, unknown>[] };
  return timeline.map(({ what, page }) => [what, page]);
}

test("T24 which page asked is signed with the answer, and on record with it", async () => {
  const { id, phone } = await newPhoneOwner(at);
  const approved = await asked(at, id, phone);
  const approval = { decision: "approve", match_code: approved.number } as const;
  expect(
    await phone.decide(approved.prompt, { ...approval, page: BUILD }, { page: "another" }),
  ).toMatchObject(refusal(403, "bad_signature"));
  expect((await phone.decide(approved.prompt, { ...approval, page: BUILD })).status).toBe(200);
  expect(await stepsOf(approved.prompt.id)).toEqual([
    ["started", undefined],
    ["prompted", undefined],
    ["approved", BUILD],
  ]);
  const declined = await asked(at, id, phone);
  expect((await phone.decide(declined.prompt, { decision: "deny", page: BUILD })).status).toBe(200);
  expect(await stepsOf(declined.prompt.id)).toContainEqual(["denied", BUILD]);
});

test("an answer of an app, which has no page, names none", async () => {
  const { id, phone } = await newPhoneOwner(at, "key");
  const { prompt } = await asked(at, id, phone);
  expect((await phone.decide(prompt, { decision: "deny" })).status).toBe(200);
  expect(await stepsOf(prompt.id)).toContainEqual(["denied", undefined]);
});
