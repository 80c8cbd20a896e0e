import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { type ChallengeId, parseRealm } from "../../../../src/core/ids.ts";
import { unheard } from "../../../../src/objects/cleanup.ts";
import { fresh } from "../../support/cotter.ts";
import {
  authorizePath,
  callAs,
  exchangeCode,
  handedBack,
  hiddenIn,
  newRp,
  signInByCode,
} from "../../support/oauth.ts";
import { mailbox, sessionCookie, signedIn } from "../../support/oauth-sessions.ts";
import { browser, pageDeployment, readable } from "../../support/page.ts";

const at = pageDeployment();
const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";
const THIRD_PARTY = { first_party: false } as const;

describe("whoever sits at a browser that is signed in", () => {
  test.each([
    ["prompt", { prompt: "login" }],
    ["acr_values", { acr_values: "urn:signin:acr:device" }],
  ])("cannot go on as who is there where %s asks for a sign-in", async (_, over) => {
    const rp = await newRp(at);
    const { person, sessionId: session } = await signedIn(at, rp);
    const to = await authorizePath(rp, over);
    await person.get(to);
    const chosen = await person.post("/oauth/sign-in", { to, session, way: "account" });
    const led = await person.get(chosen.location);
    expect([led.status, led.location]).toEqual([200, ""]);
    expect(led.text).toContain('name="identifier"');
  });

  test("cannot consent past a sign-in that is asked for", async () => {
    const rp = await newRp(at, { settings: THIRD_PARTY });
    const { person } = await someone();
    const to = await authorizePath(rp, { prompt: "login" });
    await person.get(to);
    const answered = await person.post("/oauth/consent", { to, decision: "approve" });
    expect([answered.status, answered.location]).toEqual([200, ""]);
    expect(answered.text).toContain('name="identifier"');
  });

  test("signs in anew and then consents, for one code", async () => {
    const rp = await newRp(at, { settings: THIRD_PARTY });
    const { person, address } = await someone();
    const to = await authorizePath(rp, { prompt: "login consent" });
    await person.get(to);
    const begun = await person.post("/oauth/sign-in", { to, identifier: address, way: "code" });
    await person.get(begun.location);
    const page = begun.location.split("?")[0] ?? "";
    const entered = await person.post(page, { to, code: at.last().code ?? "" });
    const asked = await person.get(entered.location);
    expect(readable(asked.text)).toContain("Give this app access?");
    const given = await person.post("/oauth/consent", { ...hiddenIn(asked.text), decision: "approve" });
    expect(handedBack(given.location)).toHaveProperty("code");
    expect((await person.get(to)).text).toContain('name="identifier"');
  });

  test("T23 is not taken for somebody who has signed in since the page was shown", async () => {
    const rp = await newRp(at);
    const { person } = await someone();
    const page = await person.get(await authorizePath(rp, { prompt: "select_account" }));
    const other = mailbox();
    await signInByCode(at, await authorizePath(rp, { prompt: "login" }), other, person);
    const fields = hiddenIn(page.text);
    const chosen = await person.post("/oauth/sign-in", { ...fields, csrf: person.csrf(), way: "account" });
    expect([chosen.status, chosen.location]).toEqual([200, ""]);
    expect(readable(chosen.text)).toContain(other);
  });
});

describe("a consent", () => {
  test("T23 is of the person whom the page has named, and of nobody who has signed in since", async () => {
    const rp = await newRp(at, { settings: THIRD_PARTY });
    const { person } = await someone();
    const asked = await person.get(await authorizePath(rp, { scope: "openid email" }));
    const form = hiddenIn(asked.text);
    const other = mailbox();
    const theirs = await newRp(at);
    await signInByCode(at, await authorizePath(theirs, { prompt: "login" }), other, person);
    const answered = await person.post("/oauth/consent", { ...form, decision: "approve" });
    expect([answered.status, answered.location]).toEqual([200, ""]);
    expect(readable(answered.text)).toContain(other);
  });

  test.each(["//", "http://[", "https://evil.example/?x", "", "/oauth/logout?client_id=x"])(
    "T107 for %j is no fault of ours",
    async (to) => {
      const rp = await newRp(at, { settings: THIRD_PARTY });
      const { person } = await someone();
      await person.get(await authorizePath(rp));
      const answered = await person.post("/oauth/consent", { to, decision: "approve" });
      expect(answered.status).toBe(400);
    },
  );
});

/** Somebody who is signed in. */
async function someone() {
  const [person, address] = [browser(at), mailbox()];
  await signInByCode(at, await authorizePath(await newRp(at)), address, person);
  return { person, address };
}
describe("a browser that comes back", () => {
  test("to the page that has signed it in keeps the cookie that it holds", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    const to = await authorizePath(rp);
    await person.get(to);
    const begun = await person.post("/oauth/sign-in", { to, identifier: mailbox(), way: "code" });
    await person.get(begun.location);
    const page = begun.location.split("?")[0] ?? "";
    const done = await person.post(page, { to, code: at.last().code ?? "" });
    await person.get(done.location);
    await person.get(await authorizePath(rp, { prompt: "none" }));
    const held = sessionCookie(person);
    await person.get(begun.location);
    expect(sessionCookie(person)).toBe(held);
    const led = await person.get(await authorizePath(rp, { prompt: "none" }));
    const { body } = await exchangeCode(at, rp, handedBack(led.location).code ?? "");
    expect(decodeJwt(body.id_token).aud).toBe(rp.id);
  });
});

describe("a cookie that was used long ago", () => {
  test("T84 approves no device, and ends its session", async () => {
    const rp = await newRp(at, { grantTypes: ["authorization_code", "refresh_token", DEVICE] });
    const { person } = await signedIn(at, rp);
    const stolen = sessionCookie(person);
    for (let turn = 0; turn < 3; turn++) await person.get(await authorizePath(rp, { prompt: "none" }));
    const tv = (await callAs(at, rp, "/oauth/device_authorization", { scope: "openid" })).body;
    const thief = browser(at);
    thief.keep("countersign_session", stolen);
    await thief.get("/oauth/device");
    const typed = await thief.post("/oauth/device", { user_code: tv.user_code });
    const [path = ""] = typed.location.split("?");
    if (path !== "") {
      await thief.get(typed.location);
      await thief.post(path, { decision: "approve", user_code: tv.user_code });
    }
    const polled = await callAs(at, rp, "/oauth/token", { grant_type: DEVICE, device_code: tv.device_code });
    expect(polled.body.error).toBe("authorization_pending");
    const led = await person.get(await authorizePath(rp, { prompt: "none" }));
    expect(handedBack(led.location).error).toBe("login_required");
  });
});

describe("a link of another site to the page for device codes", () => {
  test("uses up none of the guesses of whoever follows it", async () => {
    const rp = await newRp(at, { grantTypes: ["authorization_code", "refresh_token", DEVICE] });
    const tv = (await callAs(at, rp, "/oauth/device_authorization", { scope: "openid" })).body;
    const counted = pageDeployment({ IP_LIMITS: "on" });
    const person = browser(counted, { "CF-Connecting-IP": "203.0.113.77" });
    for (const letter of "BCDFGHJ") {
      const link = `/oauth/device?user_code=${letter.repeat(8)}&signed_in=signed_in.1.${"x".repeat(43)}`;
      expect((await person.get(link, { "Sec-Fetch-Site": "cross-site" })).status).toBe(200);
    }
    const typed = await person.post("/oauth/device", { user_code: tv.user_code });
    expect(typed.text).toContain('name="identifier"');
  });

  test("in another realm, who has just signed in is asked at once all the same", async () => {
    const realm = parseRealm(fresh("realm"))!;
    const rp = await newRp(at, { realm, grantTypes: ["authorization_code", "refresh_token", DEVICE] });
    const tv = (await callAs(at, rp, "/oauth/device_authorization", { scope: "openid" })).body;
    const person = browser(at);
    await person.get("/oauth/device");
    const typed = await person.post("/oauth/device", { user_code: tv.user_code });
    const { to = "" } = hiddenIn(typed.text);
    const begun = await person.post("/oauth/sign-in", { to, identifier: mailbox(), way: "code" });
    await person.get(begun.location);
    const page = begun.location.split("?")[0] ?? "";
    const done = await person.post(page, { to, code: at.last().code ?? "" });
    expect((await person.get(done.location)).status).toBe(303);
  });
});

test("a sign-in that is changed from a device to a code leaves no row: nobody has answered it", async () => {
  const rp = await newRp(at);
  const person = browser(at);
  const to = await authorizePath(rp);
  await person.get(to);
  const begun = await person.post("/oauth/sign-in", { to, identifier: mailbox(), way: "device" });
  await person.get(begun.location);
  const [page = ""] = begun.location.split("?");
  expect((await person.post(page, { to, way: "code" })).status).toBe(303);
  const { spec, view, timeline } = (await at.services.challenges.read(
    page.split("/").at(-1) as ChallengeId,
  ))!;
  expect(view.state).toBe("cancelled");
  const { by = "", at: ended } = timeline.at(-1)!;
  const phase = { name: "cancelled", by, at: ended } as const;
  const record = { schema: 1, challenge: { spec, version: 2, phase, timeline }, listed: false };
  expect(unheard(record, Date.now())).toBeUndefined();
});
