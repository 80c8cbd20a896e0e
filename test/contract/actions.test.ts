import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { ACTION_STATES, type ActionState } from "../../src/doors/authsignal/action/action.ts";
import { makeActions } from "../../src/doors/authsignal/store.ts";
import { openStore } from "../../src/store/database.ts";
import { freshState } from "../worker/database.ts";
import { makeAction, NOW, newGrantId, RACERS, race, withUser } from "./fixtures.ts";

const actions = makeActions(openStore(env.DB));
const OPEN: readonly ActionState[] = ["allow", "challenge_required", "challenge_failed"];
const metBy = (challengeId = newGrantId()) =>
  ({ challengeId, method: "push", verifiedBy: "device-1", since: NOW }) as const;

beforeEach(freshState);

/** An action whose row says so, with a challenge of it under way. */
async function standing(state: ActionState) {
  const action = await withUser({ ...makeAction(), state, challengeId: newGrantId() });
  await actions.track(action);
  return action;
}

describe.each(ACTION_STATES)("an action in %s", (state) => {
  const isOpen = OPEN.includes(state);

  test(`T100 ${isOpen ? "begins" : "begins no"} challenge, by the statement's own condition`, async () => {
    const action = await standing(state);
    const id = newGrantId();
    expect(await actions.begin(action, id, NOW + 1)).toBe(isOpen);
    const after = state === "challenge_failed" ? "challenge_required" : state;
    const { challengeId } = action;
    expect(await actions.find(action)).toMatchObject({
      state: after,
      challengeId: isOpen ? id : challengeId,
    });
  });

  // What has failed is met only by a challenge that began afterwards, which opens it again.
  const isMet = isOpen && state !== "challenge_failed";

  test(`T100 ${isMet ? "is" : "is not"} met by another of its challenges`, async () => {
    const action = await standing(state);
    expect(await actions.succeed(action, metBy(), NOW + 1)).toBe(isMet);
    expect(await actions.find(action)).toMatchObject(isMet ? { state: "challenge_succeeded" } : { state });
  });

  test(`T100 ${isOpen ? "is" : "is not"} met by a challenge that begins now`, async () => {
    const action = await standing(state);
    const id = newGrantId();
    await actions.begin(action, id, NOW + 1);
    expect(await actions.succeed(action, metBy(id), NOW + 2)).toBe(isOpen);
    expect(await actions.find(action)).toMatchObject(isOpen ? { state: "challenge_succeeded" } : { state });
  });

  test("T100 fails by its current challenge alone, and only while it may still be met", async () => {
    const action = await standing(state);
    expect(await actions.fail(action, newGrantId(), NOW + 1)).toBe(false);
    const fails = isOpen && state !== "challenge_failed";
    expect(await actions.fail(action, action.challengeId, NOW + 1)).toBe(fails);
    expect((await actions.find(action))?.state).toBe(fails ? "challenge_failed" : state);
  });
});

test("T100 race: of a yes and a no of one challenge, ten times each, one is written", async () => {
  const action = await standing("challenge_required");
  let turn = 0;
  const answers = await race(async () => {
    const yes = turn++ % 2 === 0;
    const written = yes
      ? await actions.succeed(action, metBy(action.challengeId), NOW + 1)
      : await actions.fail(action, action.challengeId, NOW + 1);
    return { yes, written };
  });
  expect(answers).toHaveLength(RACERS);
  const state = (await actions.find(action))?.state;
  const winners = answers.filter(({ written }) => written);
  expect(winners).toHaveLength(1);
  expect(state).toBe(winners[0]?.yes ? "challenge_succeeded" : "challenge_failed");
});
