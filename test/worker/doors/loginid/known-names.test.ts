import { env } from "cloudflare:workers";
import { beforeAll, expect, test } from "vitest";
import { deployment, fresh } from "../../support/cotter.ts";
import { counting } from "../../support/counting.ts";
import { generated, newAda, newBackend, newWeb, waitOn } from "../../support/loginid.ts";

const counter = counting(env);
const at = deployment(counter.bindings);

beforeAll(async () => void (await at.services.keyring.ready("standard")));

/** What a wrong guess costs, by kind of call; which object it was does not count, nor rows read. */
async function costOf(guess: () => Promise<unknown>) {
  await at.settled();
  counter.take();
  await guess();
  await at.settled();
  const { d1Calls, d1Batches, d1RowsWritten, objects, queue } = counter.take();
  return { d1Calls, d1Batches, d1RowsWritten, objects, queue };
}

test("T139 a wrong guess costs the same for a known and an unknown name, the first and the second time", async () => {
  const backend = await newBackend(at);
  const web = await newWeb(at, backend, { settings: { wait_seconds: 1 } });
  const ada = await newAda(at);
  const code = await generated(at, backend, ada);
  const wrong = code === "000000" ? "111111" : "000000";
  const nobody = { username: `${fresh("nobody")}@example.com` };
  // The client's row is read once, for whoever comes first.
  await at.services.clients.find(web.id);
  const answers = new Set<string>();
  for (let guess = 0; guess < 2; guess++) {
    const [known, unknown] = [ada, nobody].map(
      (who) => () =>
        costOf(async () => {
          const { status, body } = await waitOn(at, web, who, wrong);
          answers.add(JSON.stringify([status, body]));
        }),
    );
    expect(await unknown?.()).toEqual(await known?.());
  }
  expect(answers.size).toBe(1);
});
