import { expect, test } from "vitest";
import { asked, site } from "../support/approver.ts";
import { everythingAtRest } from "../support/at-rest.ts";
import {
  deployment,
  type Json,
  newClient,
  newPerson,
  poll,
  prompt,
  refresh,
  respond,
  start,
} from "../support/cotter.ts";
import { newPhoneOwner } from "../support/phone.ts";

const at = deployment();

test("T67 a dump of D1 and of every object holds no handle, refresh token, match code or secret", async () => {
  const client = await newClient(at, { match_code: "off" });
  const matching = await newClient(at, { match_code: "required" });
  const person = await newPerson(at, client);
  const withCode = (await start(at, matching, person)).body;
  const waiter = (await start(at, client, person)).body;
  const shown = (await prompt(at, client, person)) ?? {};
  await respond(at, client, person, shown, true);
  const tokens = (await poll(at, client, waiter)).body.oauth_token as Json;
  const next = (await refresh(at, client, tokens.refresh_token)).body;
  const made = await at.services.secrets.make();
  await at.services.clients.replaceSecret(client, made.kept, Date.now(), Date.now());
  const { names, held, text: dump } = await everythingAtRest();
  expect(names).toContain("audit_events");
  expect(held.length).toBeGreaterThan(3);
  expect(withCode.match_code).toMatch(/^\d{6}$/);
  const secrets: Json = {
    eventId: waiter.ID,
    otherEventId: withCode.ID,
    matchCode: `"${withCode.match_code}"`,
    refreshToken: String(tokens.refresh_token).split(".")[1],
    nextRefreshToken: String(next.refresh_token).split(".")[1],
    accessToken: String(tokens.access_token).split(".")[2],
    idToken: String(tokens.id_token).split(".")[2],
    clientSecret: made.secret,
    adminToken: "dev-admin-token",
  };
  for (const [name, secret] of Object.entries(secrets)) {
    expect(String(secret).length, name).toBeGreaterThan(5);
    expect(dump.includes(String(secret)), name).toBe(false);
  }
  // The dump does see what is kept: ids and the respond number are no secrets.
  expect(dump.includes(String(shown.ID))).toBe(true);
  expect(dump.includes(person.id)).toBe(true);
  for (const member of ['"d":', "PRIVATE KEY"]) expect(dump.includes(member)).toBe(false);
});

test("T67 what a phone has signed is no plain text at rest: the number that it typed is in it", async () => {
  const whole = site();
  const { id, phone } = await newPhoneOwner(whole, "key");
  const { prompt, number } = await asked(whole, id, phone);
  expect((await phone.decide(prompt, { decision: "approve", match_code: number })).status).toBe(200);
  const { text: dump } = await everythingAtRest();
  const start = dump.indexOf(`"id":"${prompt.id}"`);
  expect(start).toBeGreaterThan(0);
  expect(dump).toContain('"sealed":"1.');
  expect(number).toMatch(/^\d{6}$/);
  expect(dump.includes(`"${number}"`) || dump.includes(`\\"${number}\\"`)).toBe(false);
  // A JWS would be legible to anybody, as its header is.
  expect(dump.includes("eyJhbGciOiJFUzI1NiIsImtpZCI6")).toBe(false);
});
