import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { type ChallengeId, userSubject } from "../../../../src/core/ids.ts";
import { answer, bearer, enrol, newTenant, startPush } from "../../support/authsignal.ts";
import { inside } from "../../support/challenges.ts";
import { deployment, fresh, type Json } from "../../support/cotter.ts";
import { counting } from "../../support/counting.ts";
import { codes, generated, newAda, newBackend, newWeb, waitOn } from "../../support/loginid.ts";
import { until } from "../../support/until.ts";

// What it costs to be told while one waits: the approval and the answer, with all that is written behind it.
const counter = counting(env);
const at = deployment(counter.bindings);

async function costOf(step: () => Promise<unknown>): Promise<Json> {
  await at.settled();
  counter.take();
  await step();
  await at.settled();
  const { d1RowsRead: _, waits: __, ...cost } = counter.take();
  return cost;
}

const waiting = (id: string) =>
  until(
    async () => expect(await inside(id as ChallengeId, (_, state) => state.getWebSockets().length)).toBe(1),
    5,
  );

test("a held poll of the Authsignal door", async () => {
  const tenant = await newTenant(at, { starts_per_minute: 0 });
  const user = fresh("u");
  const phone = await enrol(at, tenant, user);
  const { id, token } = await startPush(at, tenant, user);
  const headers = { ...bearer(token), Prefer: "wait=20" };
  const held = at.call("POST", "/v1/client/verify/push", { challengeId: id }, headers);
  await waiting(id);
  const cost = await costOf(async () => {
    await answer(at, phone, id, true);
    expect((await held).body.isVerified).toBe(true);
  });
  expect(cost).toEqual({
    d1Calls: 6,
    d1Batches: 1,
    d1RowsWritten: 3,
    objects: { "inbox.find": 1, "inbox.settle": 1, "challenge.apply": 1, "challenge.markListed": 1 },
    queue: 0,
  });
});

test("a wait of the LoginID door", async () => {
  const backend = await newBackend(at);
  const web = await newWeb(at, backend);
  const ada = await newAda(at);
  const code = await generated(at, backend, ada);
  const held = waitOn(at, web, ada, code);
  const [prompt] = (await at.services.inboxes.view(userSubject(ada.id))).prompts;
  await waiting(String(prompt?.challengeId));
  const cost = await costOf(async () => {
    await codes(at, backend, "authorize", ada, { body: { code } });
    expect((await held).body.is_authenticated).toBe(true);
  });
  expect(cost).toEqual({
    d1Calls: 3,
    d1Batches: 2,
    d1RowsWritten: 4,
    objects: {
      "inbox.takeGuess": 1,
      "inbox.returnGuess": 1,
      "inbox.settle": 1,
      "challenge.apply": 1,
      "challenge.markListed": 1,
    },
    queue: 0,
  });
});
