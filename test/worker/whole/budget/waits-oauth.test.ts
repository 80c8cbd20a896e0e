import { expect, test } from "vitest";
import type { ChallengeId } from "../../../../src/core/ids.ts";
import { newAuthenticator } from "../../../fakes/authenticator.ts";
import {
  authorizePath,
  callAs,
  exchangeCode,
  handedBack,
  hiddenIn,
  newRp,
  type Rp,
} from "../../support/oauth.ts";
import { challengeIn, enrolled, sendSigned, signature } from "../../support/oauth-passkeys.ts";
import { mailbox, newDevice, signedIn } from "../../support/oauth-sessions.ts";
import { browser } from "../../support/page.ts";
import { countingWaits, type Step } from "../../support/waits.ts";
import { WAITS } from "./counts.ts";

const { at, waitsOf } = countingWaits();

/** What an access and a refresh token are good for. */
async function useTokens(step: Step, rp: Rp, refresh_token: string): Promise<void> {
  const form = { grant_type: "refresh_token", refresh_token };
  const { body } = await step("refresh", () => callAs(at, rp, "/oauth/token", form));
  const asks = (token: string) => () => callAs(at, rp, "/oauth/introspect", { token });
  const headers = { Authorization: `Bearer ${body.access_token}` };
  await step("userinfo", async () => expect((await at.ask("/oauth/userinfo", { headers })).status).toBe(200));
  for (const [name, token] of [
    ["an access token", body.access_token],
    ["a refresh token", body.refresh_token],
  ]) {
    const told = await step(`introspection of ${name}`, asks(token));
    expect(told.body.active).toBe(true);
  }
  await step("revocation", () => callAs(at, rp, "/oauth/revoke", { token: body.refresh_token }));
  expect((await asks(body.refresh_token)()).body.active).toBe(false);
}

test("the authorization code flow: a pushed request, a code by mail, tokens", async () => {
  const rp = await newRp(at, { kind: "confidential" });
  const asked = await authorizePath(rp, { scope: "openid offline_access" });
  const { client_id, ...pushed } = Object.fromEntries(new URLSearchParams(asked.split("?")[1]));
  const waits = await waitsOf(async (step) => {
    const person = browser(at);
    const { body } = await step("a request is pushed", () => callAs(at, rp, "/oauth/par", pushed));
    const query = new URLSearchParams({ client_id: rp.id, request_uri: body.request_uri });
    const page = await step("the sign-in page opens", () => person.get(`/oauth/authorize?${query}`));
    const { to = "" } = hiddenIn(page.text);
    const who = { to, identifier: mailbox(), way: "code" };
    const begun = await step("an address is given", () => person.post("/oauth/sign-in", who));
    await step("the code page opens", () => person.get(begun.location));
    const { code = "" } = at.last();
    const own = begun.location.split("?")[0] ?? "";
    const done = await step("the code is typed", () => person.post(own, { to, code }));
    const led = await step("the browser is led back", () => person.get(done.location));
    const { code: given = "" } = handedBack(led.location);
    const tokens = await step("the token call", () => exchangeCode(at, rp, given));
    const again = await step("a browser that is signed in", () => person.get(asked));
    expect(handedBack(again.location)).toHaveProperty("code");
    await useTokens(step, rp, tokens.body.refresh_token);
  });
  expect(waits).toEqual(WAITS.oauth);
});

test("the pages of the standard door: consent, a passkey, a phone", async () => {
  const rp = await newRp(at);
  const [path, asking] = [await authorizePath(rp), await authorizePath(rp, { prompt: "consent" })];
  const waits = await waitsOf(async (step) => {
    const person = browser(at);
    const { address, userId } = await signedIn(at, rp, { person });
    const asks = await step("the consent page opens", () => person.get(asking));
    const yes = { ...hiddenIn(asks.text), decision: "approve" };
    const given = await step("consent is given", () => person.post("/oauth/consent", yes));
    expect(handedBack(given.location)).toHaveProperty("code");

    const authenticator = await newAuthenticator();
    await enrolled(person, rp, authenticator);
    const other = browser(at);
    const form = await signature(authenticator, userId, path, challengeIn(await other.get(path)));
    const signed = await step("a passkey signs in", () => sendSigned(other, form));
    expect(signed.status).toBe(303);

    const third = browser(at);
    const phone = await newDevice(at, rp, userId);
    await third.get(path);
    const who = { to: path, identifier: address, way: "device" };
    const begun = await step("a phone is asked", () => third.post("/oauth/sign-in", who));
    await step("the waiting screen opens", () => third.get(begun.location));
    await phone.approve(begun.location.split("?")[0]?.split("/").at(-1) as ChallengeId);
    const back = await step("the browser comes back from the phone", () => third.get(begun.location));
    const led = await step("the browser is led back", () => third.get(back.location));
    expect(handedBack(led.location)).toHaveProperty("code");
  });
  expect(waits).toEqual(WAITS["oauth, pages"]);
});
