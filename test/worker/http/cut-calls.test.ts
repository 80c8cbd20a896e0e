import { waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import worker from "../../../src/worker.ts";
import { newContext } from "../support/contexts.ts";
import {
  deployment,
  fresh,
  newClient,
  newPerson,
  newPhone,
  poll,
  prompt,
  respond,
  start,
} from "../support/cotter.ts";

const at = deployment();

/** A call whose caller hangs up: nobody waits for its answer, only for what the platform was asked to finish. */
async function abandoned(request: Parameters<typeof worker.fetch>[0]): Promise<void> {
  const context = newContext();
  const kept = vi.spyOn(context, "waitUntil");
  void worker.fetch(request, env, context);
  expect(kept).toHaveBeenCalled();
  await waitOnExecutionContext(context);
}

test("T47 a phone that hangs up in the middle of its enrolment is enrolled all the same", async () => {
  const client = await newClient(at);
  const headers = { API_KEY_ID: client, "Content-Type": "application/json" };
  const user = await at.call("POST", "/api/v0/user/create", { identifier: fresh("eve") }, headers);
  const phone = await newPhone();
  const body = { method: "TRUSTED_DEVICE", enrolled: true, code: phone.publicKey, algorithm: "ED25519" };
  const path = `http://localhost:8787/api/v0/user/methods?cotter_user_id=${user.body.ID}`;
  await abandoned(new Request(path, { method: "PUT", headers, body: JSON.stringify(body) }));
  expect((await at.call("GET", `/api/v0/user/${user.body.ID}`, undefined, headers)).body.enrolled).toEqual([
    "TRUSTED_DEVICE",
  ]);
});

test("T25 an approval of a phone that was removed since opens no session", async () => {
  const client = await newClient(at);
  const person = await newPerson(at, client);
  const waiter = (await start(at, client, person)).body;
  const shown = (await prompt(at, client, person)) ?? {};
  expect((await respond(at, client, person, shown, true)).status).toBe(200);
  await at.call(
    "PUT",
    `/api/v0/user/methods?cotter_user_id=${person.id}`,
    { method: "TRUSTED_DEVICE", enrolled: false, code: person.phone.publicKey, algorithm: null },
    { API_KEY_ID: client },
  );
  const collected = await poll(at, client, waiter);
  // What the phone approved ended with it.
  expect([collected.status, collected.body.oauth_token]).toEqual([404, undefined]);
});
