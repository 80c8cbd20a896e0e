import { afterEach, describe, expect, test, vi } from "vitest";
import { basic, enrol, newTenant } from "../support/authsignal.ts";
import {
  claimsOf,
  type Deployment,
  deployment,
  fresh,
  type Json,
  newClient,
  newPerson,
  newPhone,
  poll,
  prompt,
  refresh,
  respond,
  start,
} from "../support/cotter.ts";
import { codes, generated, newAda, newBackend, newWeb, waitOn } from "../support/loginid.ts";
import { assertionOf, passkeysAt } from "../support/passkeys.ts";

const SPOILT = { KEY_ENCRYPTION_KEY: "1:q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80" };

const at: Deployment = deployment();
/** The same deployment with a KEY_ENCRYPTION_KEY that does not open its keys. */
const broken: Deployment = deployment(SPOILT);

const later = (seconds: number) => vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + seconds * 1000 });

afterEach(() => vi.useRealTimers());

async function signedIn() {
  // Strict: where a predecessor stays good, a rotation without its answer would do no harm.
  const client = await newClient(at, { refresh_rotation: "strict" });
  const person = await newPerson(at, client);
  return { client, person, r1: String(person.tokens.refresh_token) };
}

const eventsOf = async (person: { readonly id: string }) =>
  (await at.services.records.events({ userId: person.id as never, size: 50 })).map(({ type }) => type);

const SHUT = [503, { msg: "Service is unavailable" }];

describe("while the signing keys do not open", () => {
  test("S10 a refresh is refused before it rotates: repaired 40 s later the same token is good, and nothing is on record", async () => {
    const { client, person, r1 } = await signedIn();
    const refused = await refresh(broken, client, r1);
    expect([refused.status, refused.body]).toEqual(SHUT);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
    later(40);
    const answer = await refresh(at, client, r1);
    expect(answer.status).toBe(200);
    expect(claimsOf(answer.body.access_token).sub).toBe(person.id);
    await Promise.all([at.settled(), broken.settled()]);
    expect(await eventsOf(person)).not.toContain("refresh_reused");
    expect((await refresh(at, client, answer.body.refresh_token)).status).toBe(200);
  });

  test("T131 an approved sign-in is not redeemed: its poll gets the tokens past the replay window", async () => {
    const { client, person } = await signedIn();
    const waiter = (await start(at, client, person)).body;
    await respond(at, client, person, (await prompt(at, client, person)) ?? {}, true);
    const refused = await poll(broken, client, waiter);
    expect([refused.status, refused.body]).toEqual(SHUT);
    later(40);
    const answer = await poll(at, client, waiter);
    expect([answer.status, claimsOf((answer.body.oauth_token as Json).access_token).sub]).toEqual([
      200,
      person.id,
    ]);
  });

  test("T131 neither a start nor a decision is taken that could not be stated", async () => {
    const { client, person } = await signedIn();
    expect((await start(broken, client, person)).status).toBe(503);
    expect(await prompt(at, client, person)).toBeNull();
    const waiter = (await start(at, client, person)).body;
    const shown = (await prompt(at, client, person)) ?? {};
    expect((await respond(broken, client, person, shown, false)).status).toBe(503);
    expect((await respond(at, client, person, shown, true)).status).toBe(200);
    expect((await poll(at, client, waiter)).body.oauth_token).toBeDefined();
  });

  test("T131 a trusted phone enrols nothing that could not be stated", async () => {
    const { client, person } = await signedIn();
    const added = await newPhone();
    const timestamp = String(Math.floor(Date.now() / 1000));
    const event = "ENROLL_NEW_TRUSTED_DEVICE";
    const message = [person.id, client, event, timestamp, "TRUSTED_DEVICE", "true", added.publicKey].join("");
    const body = {
      client_user_id: person.id,
      issuer: client,
      event,
      timestamp,
      method: "TRUSTED_DEVICE",
      ip: "unknown",
      location: "unknown",
      approved: true,
      public_key: person.phone.publicKey,
      algorithm: "ED25519",
      code: await person.phone.sign(message),
      register_new_device: true,
      new_device_public_key: added.publicKey,
      new_device_algorithm: "ED25519",
    };
    const enrol = (on: Deployment) => on.call("POST", "/api/v0/event/create", body, { API_KEY_ID: client });
    expect((await enrol(broken)).status).toBe(503);
    expect(await at.services.devices.ofUser(person.id as never)).toHaveLength(1);
    const enrolled = await enrol(at);
    expect([enrolled.status, enrolled.body.msg]).toEqual([200, undefined]);
    expect(await at.services.devices.ofUser(person.id as never)).toHaveLength(2);
  });

  test("T131 a signature is not spent: the same one signs in when the keys open", async () => {
    await at.services.keyring.ready("standard");
    const tenant = await newTenant(at);
    const phone = await enrol(at, tenant, fresh("u"), "in-app");
    const begun = await at.call("POST", "/v1/client/challenge", { action: "pay" }, basic(tenant.id));
    const { challengeId } = begun.body;
    const signature = await phone.key.sign(String(challengeId));
    const signed = { challengeId, publicKey: phone.key.text, signature };
    const verify = (on: Deployment) => on.call("POST", "/v1/client/verify/in-app", signed, basic(tenant.id));
    expect((await verify(broken)).status).toBe(503);
    const answer = await verify(at);
    expect([answer.status, typeof answer.body.token]).toEqual([200, "string"]);
  });

  test("T131 neither is a passkey's, nor its counter", async () => {
    await at.services.keyring.ready("standard");
    const passkeys = passkeysAt(at);
    const { web, ada, authenticator } = await passkeys.withPasskey();
    const asked = assertionOf(await passkeys.beginSelf(web, ada.username));
    const body = await passkeys.signed(web, ada.username, asked, authenticator, { count: 3 });
    expect((await passkeysAt(broken).sendSigned(body)).status).toBe(503);
    const answer = await passkeys.sendSigned(body);
    expect([answer.status, typeof answer.body.jwt]).toEqual([200, "string"]);
  });

  test("T131 a LoginID wait leaves its code: it is good when the keys are", async () => {
    await at.services.keyring.ready("standard");
    const backend = await newBackend(at);
    const web = await newWeb(at, backend, { settings: { wait_seconds: 1 } });
    const ada = await newAda(at);
    const code = await generated(at, backend, ada);
    expect((await waitOn(broken, web, ada, code)).status).toBe(503);
    expect((await codes(at, backend, "authorize", ada, { body: { code } })).status).toBe(200);
    expect((await waitOn(broken, web, ada, code)).status).toBe(503);
    later(40);
    const answer = await waitOn(at, web, ada, code);
    expect([answer.status, claimsOf(answer.body.jwt).sub]).toEqual([200, ada.id]);
  });
});
