import { expect, test } from "vitest";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import {
  answer,
  basic,
  derOf,
  enrol,
  newTenant,
  type Phone,
  phoneCall,
  poll,
  startPush,
  validate,
} from "../../support/authsignal.ts";
import { deployment, fresh, newClient, newPerson, prompt, respond } from "../../support/cotter.ts";

const at = deployment();
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const bytesOf = (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const numberOf = (bytes: Uint8Array) =>
  BigInt(`0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`);

/** r and n - s: the other signature that everybody can make of one. */
function twinOf(text: string): string {
  const der = bytesOf(text);
  const split = 4 + (der[3] ?? 0);
  const other = ORDER - numberOf(der.slice(split + 2));
  const fixed = (number: bigint) =>
    Uint8Array.from(number.toString(16).padStart(64, "0").match(/../g) ?? [], (pair) =>
      Number.parseInt(pair, 16),
    );
  const raw = new Uint8Array([...fixed(numberOf(der.slice(4, split))), ...fixed(other)]);
  return btoa(String.fromCharCode(...derOf(raw)));
}

const qrCall = (phone: Phone, path: string, challengeId: string, signature: string, over = {}) =>
  phoneCall(at, phone, "POST", path, { challengeId, publicKey: phone.key.text, signature, ...over });

test.each([
  ["with a line break", (text: string) => `${text.slice(0, 8)}\n${text.slice(8)}`],
  ["with the other s", twinOf],
])("T24 an approval that repeats the claim's signature %s is refused", async (_name, respelt) => {
  const tenant = await newTenant(at);
  const phone = await enrol(at, tenant, fresh("u"), "qr-code");
  const begun = await at.call("POST", "/v1/client/challenge/qr-code", { action: "kiosk" }, basic(tenant.id));
  const id = String(begun.body.challengeId);
  const signature = await phone.key.sign(id);
  expect((await qrCall(phone, "/challenge/claim", id, signature)).status).toBe(200);
  const repeated = await qrCall(phone, "/challenge", id, respelt(signature), { approved: true });
  expect(repeated.status).toBe(400);
  const own = await qrCall(phone, "/challenge", id, await phone.key.sign(id), { approved: true });
  expect(own.body).toEqual({ isVerified: true });
});

test("T04 wrong numbers are counted on when another number is asked for, and end no challenge that did not cause them", async () => {
  const tenant = await newTenant(at, { match_code: "required" });
  const user = fresh("u");
  const phone = await enrol(at, tenant, user);
  const first = await startPush(at, tenant, user);
  for (let guess = 0; guess < 3; guess++) {
    expect((await answer(at, phone, first.id, true, { verificationCode: "x" })).status).toBe(400);
  }
  const second = await startPush(at, tenant, user);
  for (let guess = 0; guess < 2; guess++) {
    expect((await answer(at, phone, second.id, true, { verificationCode: "x" })).status).toBe(400);
  }
  const { verificationCode } = second.answer.body;
  expect((await answer(at, phone, second.id, true, { verificationCode })).status).toBe(429);
  expect((await poll(at, second.token, second.id)).body).toEqual({ isVerified: false, isConsumed: false });
});

test("T25 what a device of another door approved is not valid once that device was removed", async () => {
  const tenant = await newTenant(at, { user_ids: "subject", approve_through: "realm" });
  const client = await newClient(at);
  const person = await newPerson(at, client);
  const started = await startPush(at, tenant, person.id, "pay");
  const shown = await prompt(at, client, person);
  expect((await respond(at, client, person, shown ?? {}, true)).status).toBe(200);
  const removal = { method: "TRUSTED_DEVICE", enrolled: false, code: person.phone.publicKey };
  const removed = await at.call("PUT", `/api/v0/user/${person.id}`, removal, { API_KEY_ID: client });
  expect(removed.status).toBe(200);
  expect((await validate(at, tenant, { token: started.token })).body).toMatchObject({
    isValid: false,
    state: "CHALLENGE_FAILED",
  });
  expect((await poll(at, started.token, started.id)).body).toEqual({ isVerified: false, isConsumed: true });
});

test("T45 race: of two words of one webhook about an approval the first that is written stands", async () => {
  let free = () => {};
  const gate = new Promise<void>((resolve) => {
    free = resolve;
  });
  let asked = 0;
  const here = deployment({}, () => ({
    actionWebhooks: {
      send: async (_target, { type }) => {
        if (type !== "action.verify") return { kind: "sent" };
        asked += 1;
        if (asked > 1) return { kind: "refused", reason: "status 403" };
        await gate;
        return { kind: "sent" };
      },
    },
  }));
  const settings: ClientSettings = {
    webhook_events: ["action.verify"],
    user_ids: "subject",
    approve_through: "realm",
  };
  const tenant = await newTenant(here, settings, { webhookUrl: "https://hook.example/in" });
  const client = await newClient(here);
  const person = await newPerson(here, client);
  const started = await startPush(here, tenant, person.id, "pay");
  const shown = await prompt(here, client, person);
  expect((await respond(here, client, person, shown ?? {}, true)).status).toBe(200);
  const slow = poll(here, started.token, started.id);
  await expect.poll(() => asked).toBe(1);
  const refused = { isVerified: false, isConsumed: true };
  expect((await poll(here, started.token, started.id)).body).toEqual(refused);
  free();
  expect((await slow).body).toEqual(refused);
  expect((await validate(here, tenant, { token: started.token })).body).toMatchObject({
    isValid: false,
    state: "CHALLENGE_FAILED",
  });
});
