import { expect, test } from "vitest";
import * as oauth from "../../support/ciba.ts";
import * as cotter from "../../support/cotter.ts";
import { enrolByPhone, signInByPhone } from "../../support/cotter-signed.ts";
import * as loginid from "../../support/loginid.ts";
import { countingWaits } from "../../support/waits.ts";
import { WAITS } from "./counts.ts";

// How often an answer has to wait for D1 or an object, one call after the other. A person feels each of them: 5 to 100 ms. Raising a number
// here, or in a file beside this one, needs a decision record.
const { at, waitsOf } = countingWaits();

test("the Cotter door", async () => {
  const client = await cotter.newClient(at);
  const waits = await waitsOf(async (step) => {
    const person = await cotter.newPerson(at, client);
    const started = await step("start", () => cotter.start(at, client, person));
    const socket = await step("the socket opens", () => cotter.openSocket(at, started.body));
    expect(socket.status).toBe(101);
    const poll = () => cotter.poll(at, client, started.body);
    await step("a poll that finds it pending", poll);
    const shown = await step("the device asks for prompts", () => cotter.prompt(at, client, person));
    await step("the device answers", () => cotter.respond(at, client, person, shown ?? {}, true));
    const collected = await step("the poll that collects", poll);
    await step("the same poll again", poll);
    const tokens = collected.body.oauth_token as cotter.Json;
    const refreshed = await step("refresh", () => cotter.refresh(at, client, tokens.refresh_token));
    expect(refreshed.status).toBe(200);
  });
  expect(waits).toEqual(WAITS.cotter);
});

test("the Cotter door: devices", async () => {
  const client = await cotter.newClient(at);
  const headers = { API_KEY_ID: client };
  const waits = await waitsOf(async (step) => {
    const names = { identifier: `${cotter.fresh("jo")}@example.com` };
    const made = await step("a sign-up", () => at.call("POST", "/api/v0/user/create", names, headers));
    const id = String(made.body.ID);
    const phone = await cotter.newPhone();
    const key = { code: phone.publicKey, algorithm: "ED25519" };
    const path = `/api/v0/user/methods?cotter_user_id=${id}&oauth_token=true`;
    const first = await step("its first device, with tokens", () =>
      at.call("PUT", path, { method: "TRUSTED_DEVICE", enrolled: true, ...key }, headers),
    );
    expect(first.body.oauth_token).toBeDefined();
    const person = { id, phone };
    const signed = await step("a device signs itself in", () => signInByPhone(at, client, person));
    expect(signed.body.oauth_token).toBeDefined();
    const other = await cotter.newPhone();
    const enrolled = await step("a device enrols another", () => enrolByPhone(at, client, person, other));
    expect(enrolled.status).toBe(200);
  });
  expect(waits).toEqual(WAITS["cotter, devices"]);
});

test("CIBA", async () => {
  const party = await oauth.newParty(at);
  const waits = await waitsOf(async (step) => {
    const holder = await oauth.newHolder(at);
    const started = await step("start", () => oauth.start(at, party, holder.id));
    const poll = () => oauth.poll(at, party, started);
    await step("a poll that finds it pending", poll);
    await oauth.decide(at, holder);
    await step("the poll that collects", poll);
    const again = await step("the same poll again", poll);
    expect(again.status).toBe(200);
  });
  expect(waits).toEqual(WAITS.ciba);
});

test("the device grant", async () => {
  const party = await oauth.newParty(at, { device_refresh_tokens: true });
  const page = await oauth.newParty(at, { device_login_hint: true }, { kind: "public" });
  const scope = "openid offline_access";
  const waits = await waitsOf(async (step) => {
    const user = await loginid.newAda(at);
    const asked = await step("start", () => oauth.askDevice(at, party, { scope }));
    const hint = { scope: "openid", login_hint: user.username };
    const named = await step("a start that names its user", () => oauth.askDevice(at, page, hint));
    expect(named.body).toHaveProperty("match_code");
    const poll = () => oauth.pollDevice(at, party, asked);
    await step("a poll that finds it pending", poll);
    await step("a page that looks for a code", () => oauth.typeCode(at, user, asked));
    await oauth.press(at, user, asked);
    const { body } = await step("the poll that collects", poll);
    const token = { grant_type: "refresh_token", refresh_token: String(body.refresh_token) };
    const refreshed = await step("refresh", () => oauth.post(at, party, "/token", token));
    expect(refreshed.status).toBe(200);
  });
  expect(waits).toEqual(WAITS.device);
});
