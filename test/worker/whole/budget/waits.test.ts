import { env } from "cloudflare:workers";
import { beforeAll, expect, test } from "vitest";
import * as authsignal from "../../support/authsignal.ts";
import * as oauth from "../../support/ciba.ts";
import * as cotter from "../../support/cotter.ts";
import { counting, withoutBackground } from "../../support/counting.ts";
import * as loginid from "../../support/loginid.ts";
import { WAITS } from "./counts.ts";

// How often an answer has to wait for D1 or an object, one call after the other. A person feels each of them: 5 to 100 ms. Raising a number
// here needs a decision record.
const counter = counting(env);
const at = cotter.deployment(counter.bindings, withoutBackground);

/** What one call waits for, once caches are warm; the calls that it takes are behind it in order. */
async function waitsOf<T>(step: () => Promise<T>): Promise<{ readonly value: T; readonly waits: number }> {
  await at.settled();
  counter.take();
  const value = await step();
  await at.settled();
  return { value, waits: counter.take().waits };
}

async function cotterFlow() {
  const client = await cotter.newClient(at);
  const person = await cotter.newPerson(at, client);
  await cotter.start(at, client, person);
  const started = await waitsOf(() => cotter.start(at, client, person));
  const socket = await waitsOf(() => cotter.openSocket(at, started.value.body));
  expect(socket.value.status).toBe(101);
  const pending = await waitsOf(() => cotter.poll(at, client, started.value.body));
  const shown = await waitsOf(() => cotter.prompt(at, client, person));
  const answered = await waitsOf(() => cotter.respond(at, client, person, shown.value ?? {}, true));
  const collected = await waitsOf(() => cotter.poll(at, client, started.value.body));
  const again = await waitsOf(() => cotter.poll(at, client, started.value.body));
  const tokens = collected.value.body.oauth_token as cotter.Json;
  const refreshed = await waitsOf(() => cotter.refresh(at, client, tokens.refresh_token));
  expect(refreshed.value.status).toBe(200);
  return {
    start: started.waits,
    "the socket opens": socket.waits,
    "a poll that finds it pending": pending.waits,
    "the device asks for prompts": shown.waits,
    "the device answers": answered.waits,
    "the poll that collects": collected.waits,
    "the same poll again": again.waits,
    refresh: refreshed.waits,
  };
}

async function loginidFlow() {
  const { backend, web, ada } = await loginid.newScene(at);
  await loginid.waitOn(at, web, ada, await loginid.generated(at, backend, ada), { no_wait: true });
  const generated = await waitsOf(() => loginid.generated(at, backend, ada));
  const code = generated.value;
  const byName = await waitsOf(() =>
    loginid.generated(at, backend, ada, { body: { user_id: undefined, username: ada.username } }),
  );
  const authorized = await waitsOf(() => loginid.codes(at, backend, "authorize", ada, { body: { code } }));
  const waited = await waitsOf(() => loginid.waitOn(at, web, ada, code));
  expect(waited.value.status).toBe(200);
  return {
    "a backend asks for a code": generated.waits,
    "a backend asks for one by a name": byName.waits,
    "a backend approves it": authorized.waits,
    "the wait of an approved code": waited.waits,
  };
}

async function authsignalFlow() {
  const tenant = await authsignal.newTenant(at);
  const user = cotter.fresh("u");
  const phone = await authsignal.enrol(at, tenant, user);
  await authsignal.validate(at, tenant, { token: "none" });
  const tracked = await waitsOf(() => authsignal.track(at, tenant, user, "signIn"));
  const token = String(tracked.value.body.token);
  const push = await waitsOf(() =>
    at.call("POST", "/v1/client/challenge/push", { action: "signIn" }, authsignal.bearer(token)),
  );
  const id = String(push.value.body.challengeId);
  const pending = await waitsOf(() => authsignal.poll(at, token, id));
  const answered = await waitsOf(() => authsignal.answer(at, phone, id, true));
  const polled = await waitsOf(() => authsignal.poll(at, token, id));
  const validated = await waitsOf(() =>
    authsignal.validate(at, tenant, { token: polled.value.body.accessToken }),
  );
  expect(validated.value.body.state).toBe("CHALLENGE_SUCCEEDED");
  return {
    track: tracked.waits,
    "challenge/push": push.waits,
    "a poll that finds it pending": pending.waits,
    "the device answers": answered.waits,
    "the poll that collects": polled.waits,
    validate: validated.waits,
  };
}

async function cibaFlow() {
  const party = await oauth.newParty(at);
  const holder = await oauth.newHolder(at);
  await oauth.poll(at, party, await oauth.start(at, party, holder.id));
  const started = await waitsOf(() => oauth.start(at, party, holder.id));
  const pending = await waitsOf(() => oauth.poll(at, party, started.value));
  await oauth.decide(at, holder);
  const collected = await waitsOf(() => oauth.poll(at, party, started.value));
  const again = await waitsOf(() => oauth.poll(at, party, started.value));
  expect(again.value.status).toBe(200);
  return {
    start: started.waits,
    "a poll that finds it pending": pending.waits,
    "the poll that collects": collected.waits,
    "the same poll again": again.waits,
  };
}

async function deviceFlow() {
  const party = await oauth.newParty(at, { device_refresh_tokens: true });
  const scope = "openid offline_access";
  await oauth.askDevice(at, party, { scope });
  const user = await loginid.newAda(at);
  const asked = await waitsOf(() => oauth.askDevice(at, party, { scope }));
  const pending = await waitsOf(() => oauth.pollDevice(at, party, asked.value));
  const typed = await waitsOf(() => oauth.typeCode(at, user, asked.value));
  const page = await oauth.newParty(at, { device_login_hint: true }, { kind: "public" });
  const hint = { scope: "openid", login_hint: user.username };
  await oauth.askDevice(at, page, hint);
  const named = await waitsOf(() => oauth.askDevice(at, page, hint));
  expect(named.value.body).toHaveProperty("match_code");
  await oauth.press(at, user, asked.value);
  const collected = await waitsOf(() => oauth.pollDevice(at, party, asked.value));
  const refreshed = await waitsOf(() =>
    oauth.post(at, party, "/token", {
      grant_type: "refresh_token",
      refresh_token: String(collected.value.body.refresh_token),
    }),
  );
  expect(refreshed.value.status).toBe(200);
  return {
    start: asked.waits,
    "a start that names its user": named.waits,
    "a poll that finds it pending": pending.waits,
    "a page that looks for a code": typed.waits,
    "the poll that collects": collected.waits,
    refresh: refreshed.waits,
  };
}

beforeAll(async () => {
  await cotterFlow();
});

test("the Cotter door", async () => {
  expect(await cotterFlow()).toEqual(WAITS.cotter);
});

test("the LoginID door", async () => {
  expect(await loginidFlow()).toEqual(WAITS.loginid);
});

test("the Authsignal door", async () => {
  expect(await authsignalFlow()).toEqual(WAITS.authsignal);
});

test("CIBA", async () => {
  expect(await cibaFlow()).toEqual(WAITS.ciba);
});

test("the device grant", async () => {
  expect(await deviceFlow()).toEqual(WAITS.device);
});
