import { afterEach, expect, test } from "vitest";
import { type Server, startServer } from "./server.ts";
import { makeApi } from "./support/api.ts";
import { type App, makeApp, ok } from "./support/app.ts";
import { makeTenant } from "./support/authsignal.ts";
import { newest, poll, prompt, refresh, respond, startSignIn } from "./support/events.ts";
import { listen } from "./support/listener.ts";
import { makePerson } from "./support/people.ts";
import { verified } from "./support/tokens.ts";

let running: Server | undefined;
afterEach(async () => {
  await running?.stop();
  running?.remove();
  running = undefined;
});

/** Asks again until `done`; what is waited for is the platform's alarm, whose moment is not ours to choose. */
async function eventually<T>(ask: () => Promise<T>, done: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const value = await ask();
    if (done(value) || Date.now() > deadline) return value;
    await new Promise((wake) => setTimeout(wake, 200));
  }
}

const auditOf = async (app: App, client: string, type: string): Promise<unknown[]> =>
  (await app.admin("GET", `/admin/audit?client_id=${client}&type=${type}`)).body.events as unknown[];

test("a server killed in the middle of a wait goes on where it was, on the same state", async () => {
  running = await startServer();
  const at = { origin: running.origin, adminToken: "dev-admin-token" };
  const app = await makeApp(at);
  const shortLived = await makeApp(at, { settings: { challenge_seconds: 2 } });
  const person = await makePerson(app);
  const before = await makePerson(app);
  const doomed = await startSignIn(shortLived, before.userId);
  const bank = await makeTenant(at, { settings: { challenge_seconds: 2 } });
  await bank.sdk.challenge({ verificationMethod: "EMAIL_OTP", action: "pay", email: "doomed@example.com" });

  const pending = await startSignIn(app, person.userId);
  const shown = await prompt(app, person.userId);
  const socket = listen(pending.socketUri, pending.number);
  await socket.heard(1);
  const waitPath = `/challenges/${pending.challengeId}/wait?timeout=60`;
  const headers = { Authorization: `Bearer ${pending.number}` };
  const held = makeApi(at.origin)("GET", waitPath, { headers }).then(
    ({ status }) => `answered ${status}`,
    () => "cut",
  );
  expect((await poll(app, pending.number)).body.new).toBe(true);

  await running.kill9();
  expect(await held).toBe("cut");
  expect(await socket.closed).not.toBe(1000);
  expect(socket.frames).toHaveLength(1);
  const { dir, port } = running;
  running = await startServer({ dir, port });
  expect(running.origin).toBe(at.origin);

  // The challenge is still there, for its waiter and for the phone, and the waiter that comes back hears the answer.
  expect((await poll(app, pending.number)).body).toMatchObject({ ID: pending.number, new: true });
  expect(await newest(app, person.userId)).toMatchObject({ ID: shown.ID, timestamp: shown.timestamp });
  const again = listen(pending.socketUri, pending.number);
  await again.heard(1);
  const heldAgain = makeApi(at.origin)("GET", waitPath, { headers });
  expect((await respond(app, person, shown, true)).status).toBe(200);
  expect((await again.settled).state).toBe("approved");
  expect((await heldAgain).body).toMatchObject({ id: pending.challengeId, state: "approved" });

  const bundle = ok(await poll(app, pending.number)).body.oauth_token as Record<string, string>;
  expect((await verified(app, bundle.access_token)).sub).toBe(person.userId);
  expect((await refresh(app, bundle.refresh_token)).status).toBe(200);

  // Keys and grants are those of before the kill.
  expect((await verified(app, before.tokens.access_token)).sub).toBe(before.userId);
  const refreshed = ok(await refresh(app, before.tokens.refresh_token));
  expect((await verified(app, refreshed.body.access_token)).sub).toBe(before.userId);

  // What ran out meanwhile has: the waiter is told, and the alarm puts on record what a backend began; a stranger leaves no row.
  const view = await makeApi(at.origin)("GET", `/challenges/${doomed.challengeId}/wait?timeout=30`, {
    headers: { Authorization: `Bearer ${doomed.number}` },
  });
  expect([view.status, view.body.state]).toEqual([200, "expired"]);
  expect((await poll(shortLived, doomed.number)).status).toBe(404);
  expect(await newest(shortLived, before.userId)).toBeNull();
  const rows = await eventually(
    () => auditOf(app, bank.id, "pay.expired"),
    (found) => found.length > 0,
  );
  expect(rows).toHaveLength(1);
  expect(await auditOf(app, shortLived.clientId, "sign_in.expired")).toEqual([]);
}, 180_000);
