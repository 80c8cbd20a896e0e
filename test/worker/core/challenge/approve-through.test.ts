import { describe, expect, test } from "vitest";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import type { ClientId } from "../../../../src/core/ids.ts";
import { newAuthenticator } from "../../../fakes/authenticator.ts";
import {
  answer,
  basic,
  bearer,
  enrol,
  inQuery,
  newTenant,
  type Phone,
  phoneCall,
  poll,
  startPush,
  track,
} from "../../support/authsignal.ts";
import {
  claimsOf,
  deployment,
  fresh,
  type Json,
  newClient,
  newPerson,
  newPhone,
  type Person,
  prompt,
  respond,
  start,
} from "../../support/cotter.ts";
import { enrolByPhone, signInByPhone } from "../../support/cotter-signed.ts";
import { authsignalPhone, cotterPhone } from "../../support/devices.ts";
import { newBackend } from "../../support/loginid.ts";
import { assertionOf, PAGE, passkeysAt } from "../../support/passkeys.ts";

const at = deployment();

/** What a client may say of another one's devices, and whether these may answer for it then. */
const RULES: readonly (readonly [string, (other: ClientId) => ClientSettings, boolean])[] = [
  ["nothing", () => ({}), false],
  ["own", () => ({ approve_through: "own" }), false],
  ["a list without it", () => ({ approve_through: ["elsewhere" as ClientId] }), false],
  ["a list with it", (other) => ({ approve_through: [other] }), true],
  ["realm", () => ({ approve_through: "realm" }), true],
];

/** A user of a Cotter client with a phone of it, and a phone of another client. */
async function cotterScene(rule: (other: ClientId) => ClientSettings) {
  const other = await newClient(at);
  const client = await newClient(at, rule(other));
  const person = await newPerson(at, client);
  const phone = await cotterPhone(at, { userId: person.id, through: { id: other } });
  return { client, other, person, phone, theirs: { ...person, phone } };
}

describe.each(RULES)("approve_through: %s", (_name, rule, may) => {
  test.each([true, false])("T171 Cotter: another client's phone answers %s", async (approved) => {
    const { client, other, person, theirs } = await cotterScene(rule);
    const waiter = (await start(at, client, person)).body;
    const shown = await prompt(at, other, person);
    // The wire names who asks, whoever's app is shown it.
    expect(shown?.issuer).toBe(may ? client : undefined);
    const seen = (await prompt(at, client, person)) ?? {};
    // By its own app, and by one that says it is the asking client's.
    const byOwn = await respond(at, other, theirs, seen, approved);
    expect(byOwn.status).toBe(may ? 200 : 404);
    if (may) return;
    const byTheirs = await respond(at, client, theirs, seen, approved);
    expect([byTheirs.status, byTheirs.body.msg]).toEqual([
      403,
      "The device was enrolled through another app",
    ]);
    // Nothing was closed by it: the user's own phone still answers.
    expect((await prompt(at, client, person))?.ID).toBe(seen.ID);
    expect((await respond(at, client, person, seen, true)).status).toBe(200);
    expect(waiter.ID).not.toBe(seen.ID);
  });

  test("T172 Cotter: another client's phone signs itself in, and enrols a device", async () => {
    const { client, person, theirs } = await cotterScene(rule);
    const signed = await signInByPhone(at, client, theirs);
    expect(signed.status).toBe(may ? 200 : 403);
    if (may) expect(claimsOf((signed.body.oauth_token as Json).access_token)).toMatchObject({ aud: client });
    const added = await newPhone();
    const enrolled = await enrolByPhone(at, client, theirs, added);
    expect(enrolled.status).toBe(may ? 200 : 403);
    const devices = await at.services.devices.ofUser(person.id as never);
    expect(devices).toHaveLength(may ? 3 : 2);
    expect((await signInByPhone(at, client, person)).status).toBe(200);
  });

  test.each([true, false])("T173 Authsignal: another tenant's phone answers a push %s", async (approved) => {
    const { tenant, user, other, own, phone } = await authsignalScene(rule);
    const started = await startPush(at, tenant, user, "pay");
    expect(started.answer.status).toBe(200);
    const shown = await pending(phone);
    expect([shown.challengeId, shown.requestedBy]).toEqual(
      may ? [started.id, { tenantId: tenant.id, name: expect.any(String) }] : [undefined, undefined],
    );
    // A phone that calls for the tenant that asks is told no other.
    const called = await pending({ ...phone, tenant });
    expect([called.challengeId, called.requestedBy]).toEqual([may ? started.id : undefined, undefined]);
    expect((await answer(at, phone, started.id, approved)).status).toBe(may ? 200 : 400);
    // Whatever tenant the phone says it calls for.
    const asTenant = { ...phone, tenant };
    if (!may) {
      expect(read(await answer(at, asTenant, started.id, approved))).toEqual([400, "invalid_credential"]);
      expect((await pending(own)).challengeId).toBe(started.id);
      expect((await answer(at, own, started.id, true)).body).toEqual({ isVerified: true });
    }
    expect(other.id).not.toBe(tenant.id);
    const verified = may ? approved : true;
    expect((await poll(at, started.token, started.id)).body).toMatchObject({ isVerified: verified });
  });

  test("T174 Authsignal: a push is not begun where nobody may answer it", async () => {
    const other = await newTenant(at);
    const tenant = await newTenant(at, rule(other.id));
    const user = fresh("u");
    const { body } = await track(at, tenant, user, "signIn");
    const userId = String(claimsOf(body.token).uid);
    await authsignalPhone(at, { userId, through: other });
    // Whoever has a device, of whichever client, is not let through for that.
    const started = await startPush(at, tenant, user, "pay");
    expect((await track(at, tenant, user, "pay")).body).toMatchObject({ state: "CHALLENGE_REQUIRED" });
    expect(started.answer.status).toBe(may ? 200 : 400);
  });

  test.each(["anonymous", "tracked"])(
    "T175 Authsignal: another tenant's phone claims a QR code, %s",
    async (how) => {
      const { tenant, user, own, phone } = await authsignalScene(rule, "qr-code");
      const { token } = (await track(at, tenant, user, "kiosk")).body;
      const sender = how === "tracked" ? bearer(token) : basic(tenant.id);
      const begun = await at.call("POST", "/v1/client/challenge/qr-code", { action: "kiosk" }, sender);
      const id = String(begun.body.challengeId);
      const claimed = await claim(phone, id);
      expect(claimed.status).toBe(may ? 200 : 400);
      if (may) expect(claimed.body.requestedBy).toEqual({ tenantId: tenant.id, name: expect.any(String) });
      expect((await answer(at, phone, id, true)).status).toBe(may ? 200 : 400);
      if (may) return;
      expect((await claim(own, id)).status).toBe(200);
      expect((await answer(at, own, id, true)).body).toEqual({ isVerified: true });
    },
  );

  test("T176 Authsignal: another tenant's phone verifies in the app", async () => {
    const { tenant, own, phone } = await authsignalScene(rule, "in-app");
    const verify = async (by: Phone) => {
      const begun = await at.call("POST", "/v1/client/challenge", { action: "pay" }, basic(tenant.id));
      const challengeId = String(begun.body.challengeId);
      const signature = await by.key.sign(challengeId);
      const body = { challengeId, publicKey: by.key.text, signature };
      return at.call("POST", "/v1/client/verify/in-app", body, basic(tenant.id));
    };
    expect(read(await verify(phone))).toEqual(may ? [200, undefined] : [400, "invalid_credential"]);
    expect((await verify(own)).status).toBe(200);
  });

  test("T177 LoginID: another client's passkey signs itself in", async () => {
    const { web, ada, authenticator } = await passkeysAt(at).withPasskey();
    const settings = rule(web.id);
    const sister = await newBackend(at, { kind: "public", allowedOrigins: [PAGE], settings });
    const { beginSelf, finishSelf } = passkeysAt(at);
    const begun = assertionOf(await beginSelf(sister, ada.username));
    const offered = (begun.allowCredentials as { id: string }[]).map(({ id }) => id);
    expect(offered.includes(authenticator.credentialId)).toBe(may);
    const signed = await finishSelf(sister, ada.username, begun, authenticator);
    expect(signed).toMatchObject(
      may ? { status: 200 } : { status: 403, body: { code: "operation_not_allowed" } },
    );
    // Nobody learns whose passkey it is: the answer is that to a passkey which is nobody's.
    const unknown = await finishSelf(sister, ada.username, begun, await newAuthenticator());
    if (!may) expect(signed.body).toEqual(unknown.body);
    const own = assertionOf(await beginSelf(web, ada.username));
    expect((await finishSelf(web, ada.username, own, authenticator)).status).toBe(200);
  });

  test("T178 across doors: an Authsignal push before a Cotter phone", async () => {
    const { tenant, other, user, userId } = await authsignalScene(rule);
    const cotter = await cotterPhone(at, { userId, through: other });
    const person: Person = { id: userId, identifier: user, phone: cotter };
    const push = await startPush(at, tenant, user, "pay");
    const shown = await prompt(at, other.id, person);
    expect(shown?.event).toBe(may ? "pay" : undefined);
    expect(push.answer.status).toBe(200);
  });

  test("T178 across doors: a Cotter sign-in before an Authsignal phone", async () => {
    const { tenant, other, user, userId, phone } = await authsignalScene(rule);
    const cotter = await cotterPhone(at, { userId, through: other });
    const person: Person = { id: userId, identifier: user, phone: cotter };
    await start(at, tenant.id, person);
    expect((await pending(phone)).actionCode).toBe(may ? "LOGIN" : undefined);
  });
});

/** A user of a tenant with a phone of it, and a phone of another tenant. */
async function authsignalScene(rule: (other: ClientId) => ClientSettings, namespace = "push") {
  const other = await newTenant(at);
  const tenant = await newTenant(at, rule(other.id));
  const user = fresh("u");
  const userId = String(claimsOf((await track(at, tenant, user, "first")).body.token).uid);
  const own = await enrol(at, tenant, user, namespace);
  const phone = await authsignalPhone(at, { userId, through: other }, namespace);
  return { tenant, user, userId, other, own, phone };
}

const read = ({ status, body }: { status: number; body: Json }) => [status, body.errorCode];

/** What this phone is shown by the app of its own tenant. */
async function pending(phone: Phone): Promise<Json> {
  const path = `/challenge?publicKey=${inQuery(phone.key)}`;
  const nonce = (await phoneCall(at, phone, "POST", `/challenge/sign?publicKey=${inQuery(phone.key)}`)).body;
  const signed = { "X-Authsignal-Signature": await phone.key.sign(String(nonce.message)) };
  return (await phoneCall(at, phone, "GET", path, undefined, signed)).body;
}

const claim = async (phone: Phone, challengeId: string) =>
  phoneCall(at, phone, "POST", "/challenge/claim", {
    challengeId,
    publicKey: phone.key.text,
    signature: await phone.key.sign(challengeId),
  });

describe("S6 the approver knows whose request it is", () => {
  test("S6 a stranger's sign-in at a wallet is not put before the bank's phone, nor answered by it", async () => {
    const bank = await newTenant(at);
    const user = fresh("ada");
    const phone = await enrol(at, bank, user);
    const userId = String(claimsOf((await track(at, bank, user, "signIn")).body.token).uid);
    const wallet = await newClient(at);
    const person = { id: userId, identifier: user, phone: await newPhone() };
    const begun = (await start(at, wallet, person)).body;
    expect(await pending(phone)).toEqual({ userAuthenticatorId: phone.id });
    const { prompts } = await at.services.inboxes.view(`user:${userId}` as never);
    const [waiting] = prompts;
    expect(waiting?.clientId).toBe(wallet);
    for (const approved of [true, false])
      expect((await answer(at, phone, String(waiting?.challengeId), approved)).status).toBe(400);
    const polled = await at.call("GET", `/api/v0/event/get/${begun.ID}?oauth_token=true`, undefined, {
      API_KEY_ID: wallet,
    });
    expect(polled.body).toMatchObject({ new: true, approved: false });
  });

  test("S6 the wallet's sign-in is not put before a phone of another shop", async () => {
    const shop = await newClient(at);
    const person = await newPerson(at, shop);
    const wallet = await newClient(at);
    await start(at, wallet, person);
    expect(await prompt(at, shop, person)).toBeNull();
  });

  test("S6 through another client's app, `issuer` says who asks; an app signs that or its own id, and no third", async () => {
    const shop = await newClient(at);
    const [wallet, third] = [await newClient(at, { approve_through: [shop] }), await newClient(at)];
    const person = await newPerson(at, shop);
    for (const [issuer, status] of [
      [third, 403],
      [wallet, 200],
    ] as const) {
      await start(at, wallet, person);
      const shown = (await prompt(at, shop, person)) ?? {};
      expect(shown.issuer).toBe(wallet);
      const signed = (parts: readonly string[]) => parts.map((part, index) => (index === 1 ? issuer : part));
      const answered = await respond(at, shop, person, shown, true, { message: signed, body: { issuer } });
      expect(answered.status).toBe(status);
    }
    await start(at, wallet, person);
    const shown = (await prompt(at, shop, person)) ?? {};
    const answered = await respond(at, shop, person, shown, true);
    expect([answered.status, answered.body.issuer]).toEqual([200, wallet]);
  });

  test("S6 an amount is not put before a phone that cannot show it; it waits for one that can", async () => {
    const bank = await newTenant(at);
    const user = fresh("ada");
    const phone = await enrol(at, bank, user);
    const userId = String(claimsOf((await track(at, bank, user, "signIn")).body.token).uid);
    const cotter = await cotterPhone(at, { userId, through: bank });
    const person: Person = { id: userId, identifier: user, phone: cotter };
    const plain = await startPush(at, bank, user, "pay");
    const shown = (await prompt(at, bank.id, person)) ?? {};
    expect(shown).toMatchObject({ event: "pay" });
    expect(plain.answer.status).toBe(200);
    const custom = { amount: "9999 EUR" };
    const started = await startPush(at, bank, user, "pay", { custom });
    expect(await prompt(at, bank.id, person)).toBeNull();
    const { prompts } = await at.services.inboxes.view(`user:${userId}` as never);
    const respondId = prompts.find(({ challengeId }) => challengeId === started.id)?.respondNumber;
    const timestamp = String(prompts[0]?.signingSecond);
    const event = { ...shown, timestamp };
    expect((await respond(at, bank.id, person, event, true, { respondId })).status).toBe(404);
    expect(await pending(phone)).toMatchObject({ challengeId: started.id, custom });
    expect((await answer(at, phone, started.id, true)).body).toEqual({ isVerified: true });
  });

  test("S6 what does not fit into a challenge is shown all the same", async () => {
    const bank = await newTenant(at);
    const user = fresh("ada");
    const phone = await enrol(at, bank, user);
    const userId = String(claimsOf((await track(at, bank, user, "signIn")).body.token).uid);
    const custom = { lines: Array.from({ length: 300 }, (_, line) => `line ${line}`) };
    const started = await startPush(at, bank, user, "pay", { custom });
    expect(await pending(phone)).toMatchObject({ challengeId: started.id, custom });
    const cotter = await cotterPhone(at, { userId, through: bank });
    expect(await prompt(at, bank.id, { id: userId, identifier: user, phone: cotter })).toBeNull();
  });
});

test("T179 a refusal for the client is on record", async () => {
  const queued: Json[] = [];
  const here = deployment({}, () => ({
    events: { send: async (message) => void queued.push(...("events" in message ? message.events : [])) },
  }));
  const { client, person, theirs } = await cotterScene(() => ({}));
  await start(here, client, person);
  const seen = (await prompt(here, client, person)) ?? {};
  await respond(here, client, theirs, seen, true);
  expect(queued).toMatchObject([
    { type: "decision_refused", reason: "device_of_another_client", clientId: client, userId: person.id },
  ]);
});
