import { expect, test } from "vitest";
import {
  answer,
  basic,
  bearer,
  enrol,
  inQuery,
  newKey,
  newTenant,
  phoneCall,
  poll,
  track,
  validate,
} from "../../support/authsignal.ts";
import { fresh } from "../../support/cotter.ts";
import { countingWaits } from "../../support/waits.ts";
import { WAITS } from "./counts.ts";

const { at, waitsOf } = countingWaits();
const CLIENT = "/v1/client";
const ADD = { scope: "add:authenticators" };

test("the Authsignal door: a push", async () => {
  const tenant = await newTenant(at);
  const waits = await waitsOf(async (step) => {
    const user = fresh("u");
    const phone = await enrol(at, tenant, user);
    const tracked = await step("track", () => track(at, tenant, user, "signIn"));
    const token = String(tracked.body.token);
    const push = await step("challenge/push", () =>
      at.call("POST", `${CLIENT}/challenge/push`, { action: "signIn" }, bearer(token)),
    );
    const id = String(push.body.challengeId);
    await step("a poll that finds it pending", () => poll(at, token, id));
    const query = `?publicKey=${encodeURIComponent(inQuery(phone.key))}`;
    const { message } = (await phoneCall(at, phone, "POST", `/challenge/sign${query}`)).body;
    const signed = { "X-Authsignal-Signature": await phone.key.sign(String(message)) };
    const shown = await step("the device asks what is pending", () =>
      phoneCall(at, phone, "GET", `/challenge${query}`, undefined, signed),
    );
    expect(shown.body.challengeId).toBe(id);
    await step("the device answers", () => answer(at, phone, id, true));
    const { accessToken } = (await step("the poll that collects", () => poll(at, token, id))).body;
    const validated = await step("validate", () => validate(at, tenant, { token: accessToken }));
    expect(validated.body.state).toBe("CHALLENGE_SUCCEEDED");
  });
  expect(waits).toEqual(WAITS.authsignal);
});

test("the Authsignal door: QR codes, and verifications in the app", async () => {
  const tenant = await newTenant(at);
  const waits = await waitsOf(async (step) => {
    const user = fresh("u");
    const { token } = (await track(at, tenant, user, "add", ADD)).body;
    const key = await newKey();
    const named = { publicKey: key.text, deviceName: "Phone" };
    await step("a key is enrolled", () =>
      at.call("POST", `${CLIENT}/user-authenticators/qr-code`, named, bearer(token)),
    );
    const phone = { key, namespace: "qr-code", tenant };
    const begun = await step("a QR code", () =>
      at.call("POST", `${CLIENT}/challenge/qr-code`, { action: "kiosk" }, basic(tenant.id)),
    );
    const { challengeId, deviceCode } = begun.body;
    const id = String(challengeId);
    const ask = () =>
      at.call("POST", `${CLIENT}/verify/qr-code`, { challengeId, deviceCode }, basic(tenant.id));
    await step("a poll that finds it pending", ask);
    const claim = { challengeId, publicKey: key.text, signature: await key.sign(id) };
    await step("a device claims the QR code", () => phoneCall(at, phone, "POST", "/challenge/claim", claim));
    await step("the device answers", () => answer(at, phone, id, true));
    expect((await step("the poll that collects", ask)).body.accessToken).toBeDefined();

    const inApp = await enrol(at, tenant, user, "in-app");
    const tracked = bearer((await track(at, tenant, user, "pay")).body.token);
    const own = await step("a verification in the app begins", () =>
      at.call("POST", `${CLIENT}/challenge`, {}, tracked),
    );
    const text = String(own.body.challengeId);
    const proof = { challengeId: text, publicKey: inApp.key.text, signature: await inApp.key.sign(text) };
    const done = await step("a device signs it", () =>
      at.call("POST", `${CLIENT}/verify/in-app`, proof, tracked),
    );
    expect(done.body.token).toBeDefined();
  });
  expect(waits).toEqual(WAITS["authsignal, phones"]);
});

test("the Authsignal door: codes by mail", async () => {
  const tenant = await newTenant(at);
  const calls = (by: Record<string, string>, prefix: string) => (path: string, body?: unknown) =>
    at.call("POST", `${prefix}${path}`, body, by);
  const server = calls(basic(tenant.secret), "/v1");
  const code = () => ({ verificationCode: at.last().code });
  const waits = await waitsOf(async (step) => {
    const user = fresh("u");
    const email = `${fresh("jo")}@example.com`;
    const tracked = await step("track of somebody new", () => track(at, tenant, user, "enrol"));
    const page = calls(bearer(tracked.body.token), CLIENT);
    await step("a code for an enrolment", () => page("/user-authenticators/email-otp", { email }));
    const enrolled = await step("the code enrols", () => page("/verify/email-otp", code()));
    expect(enrolled.body.isVerified).toBe(true);

    const acting = calls(bearer((await track(at, tenant, user, "signIn")).body.token), CLIENT);
    await step("a code for an action", () => acting("/challenge/email-otp"));
    const met = await step("the code meets the action", () => acting("/verify/email-otp", code()));
    expect(met.body.accessToken).toBeDefined();

    const how = { verificationMethod: "EMAIL_OTP", action: "pay", email };
    const sent = await step("a backend's code", () => server("/challenge", { userId: user, ...how }));
    const { challengeId } = sent.body;
    const verified = await step("a backend verifies it", () => server("/verify", { challengeId, ...code() }));
    expect(verified.body.isVerified).toBe(true);
    const nobodys = (await server("/challenge", how)).body;
    await server("/verify", { challengeId: nobodys.challengeId, ...code() });
    const claim = { challengeId: nobodys.challengeId, userId: user };
    const claimed = await step("a backend claims it", () => server("/claim", claim));
    expect(claimed.body.token).toBeDefined();
  });
  expect(waits).toEqual(WAITS["authsignal, codes"]);
});
