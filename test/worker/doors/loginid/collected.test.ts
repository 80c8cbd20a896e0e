import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { type ChallengeId, type UserId, userSubject } from "../../../../src/core/ids.ts";
import { claimsOf, deployment, newPerson, prompt, respond } from "../../support/cotter.ts";
import { codes, generated, newBackend, newScene, newWeb, waitOn } from "../../support/loginid.ts";
import { withId } from "../../support/people.ts";

// A result that is looked at and taken in one step of its object: what was asked before that step is asked behind it (docs/decisions/0101).
const at = deployment();

/** What D1 has on record of a challenge that has ended. */
async function recordOf(id: ChallengeId) {
  await at.settled();
  const { results } = await env.DB.prepare("select type from audit_events where instr(data, ?) > 0")
    .bind(id)
    .run<{ type: string }>();
  return results.map(({ type }) => type);
}

const challengeOf = async (id: UserId): Promise<ChallengeId> => {
  const [shown] = (await at.services.inboxes.view(userSubject(id))).prompts;
  if (!shown) throw new Error("no prompt");
  return shown.challengeId;
};

/** A code that a phone of its user has approved. */
async function approvedByPhone() {
  const backend = await newBackend(at);
  const web = await newWeb(at, backend);
  const person = await newPerson(at, backend.id);
  const known = await withId(at, person.id);
  if (!known?.identifiers[0]) throw new Error("no person");
  const given = [{ ...known.identifiers[0], assertedBy: "admin" as const }];
  await at.services.users.update(known.user, { identifiers: { of: "operator", given } }, Date.now());
  const ada = { id: known.user.id, username: person.identifier };
  const code = await generated(at, backend, ada);
  const id = await challengeOf(ada.id);
  const shown = (await prompt(at, backend.id, person)) ?? {};
  expect((await respond(at, backend.id, person, shown, true)).status).toBe(200);
  return { web, ada, code, id };
}

test("T11 who was signed out since gets nothing, also where nothing has ended the challenge, and it is not on record", async () => {
  const { backend, web, ada } = await newScene(at);
  const code = await generated(at, backend, ada);
  const id = await challengeOf(ada.id);
  await codes(at, backend, "authorize", ada, { body: { code } });
  // The row alone, as if the walk over what is under way had not come to it.
  await at.services.users.end(ada.id, Date.now() + 1);
  for (let tries = 0; tries < 2; tries++) {
    const { status, body } = await waitOn(at, web, ada, code);
    expect([status, body.jwt]).toEqual([400, undefined]);
  }
  expect(await recordOf(id)).toEqual([]);
  // Nor does its alarm put it there.
  expect((await at.services.challenges.read(id))?.listed).toBe(true);
});

test("T25 what a phone approved that was removed since is told nobody", async () => {
  const { web, ada, code, id } = await approvedByPhone();
  await env.DB.prepare("update devices set revoked_at = 1 where user_id = ?").bind(ada.id).run();
  for (let tries = 0; tries < 2; tries++) {
    const { status, body } = await waitOn(at, web, ada, code);
    expect([status >= 400, body.jwt]).toEqual([true, undefined]);
  }
  expect(await recordOf(id)).toEqual([]);
});

test("what a phone approved names it, and is on record once", async () => {
  const { web, ada, code, id } = await approvedByPhone();
  const first = await waitOn(at, web, ada, code);
  expect(first.body).toMatchObject({ is_authenticated: true, credential: { name: "Pixel" } });
  expect(claimsOf((await waitOn(at, web, ada, code)).body.jwt)).toEqual(claimsOf(first.body.jwt));
  expect(await recordOf(id)).toEqual(["sign_in.redeemed"]);
});

test("an object of the version before only looks: the result is taken as it was then", async () => {
  const { backend, web, ada } = await newScene(at);
  const code = await generated(at, backend, ada);
  await codes(at, backend, "authorize", ada, { body: { code } });
  const older = deployment({}, ({ challenges }) => ({
    challenges: {
      ...challenges,
      collect: async (id) => {
        const snapshot = await challenges.read(id);
        return snapshot && { snapshot };
      },
    },
  }));
  const { body } = await waitOn(older, web, ada, code);
  expect(body.is_authenticated).toBe(true);
  expect(claimsOf((await waitOn(at, web, ada, code)).body.jwt)).toEqual(claimsOf(body.jwt));
});
