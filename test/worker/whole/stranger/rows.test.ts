import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ChallengeId } from "../../../../src/core/ids.ts";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import { enrol, newTenant, startPush } from "../../support/authsignal.ts";
import { catchEvents, stubOf } from "../../support/challenges.ts";
import { newClient, newPerson, start } from "../../support/cotter.ts";
import { enter, newPageClient } from "../../support/page.ts";
import { HOME, world } from "../../support/stranger.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

test("S12 forty unanswered starts of strangers, and as many on the page, leave no row; a backend's push leaves its own", async () => {
  const opened: ChallengeId[] = [];
  const at = world(({ challenges }) => ({
    challenges: {
      ...challenges,
      open: async (spec) => {
        opened.push(spec.id);
        return await challenges.open(spec);
      },
    },
  }));
  const home = at.from(HOME);
  const shop = await newClient(home);
  const page = await newPageClient(at);
  const bank = await newTenant(home);
  const people = [await newPerson(home, shop), await newPerson(home, shop)];
  for (let time = 0; time < 20; time++) {
    for (const person of people) await start(at.from(`203.0.113.${time}`), shop, person);
    if (time % 4 === 0) await enter(at.browserAt(`203.0.113.${time}`), page, `x${time}@example.com`);
    vi.setSystemTime(Date.now() + 30_000);
  }
  expect(opened).toHaveLength(45);
  const sent: QueueMessage[] = [];
  const sweep = async () => {
    const caught = await Promise.all(opened.map((id) => catchEvents(id)));
    vi.setSystemTime(Date.now() + 3_600_000);
    for (const id of opened) await runDurableObjectAlarm(stubOf(id));
    sent.push(...caught.flat());
  };
  await sweep();
  expect(sent).toEqual([]);
  opened.length = 0;
  await enrol(home, bank, people[0]?.id ?? "");
  await startPush(home, bank, people[0]?.id ?? "");
  await sweep();
  expect(sent).toMatchObject([{ kind: "audit", events: [{ type: "signIn.expired", clientId: bank.id }] }]);
});
