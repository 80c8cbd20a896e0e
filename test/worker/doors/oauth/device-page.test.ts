import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import { MAIN, parseUserId, userSubject } from "../../../../src/core/ids.ts";
import { readIdentifier } from "../../../../src/core/user/identifier.ts";
import { viewOf } from "../../../../src/core/user/name-view.ts";
import { deployment, fresh, newClient, newPerson, prompt, respond } from "../../support/cotter.ts";
import { authorizePath, callAs, newRp, type Rp, signInByCode } from "../../support/oauth.ts";
import { type Browser, browser, pageDeployment, readable } from "../../support/page.ts";

const fault = { isOut: false };
const at = pageDeployment({}, ({ inboxes }) => ({
  inboxes: {
    ...inboxes,
    async silence(...given) {
      if (fault.isOut) throw new Outage("an object did not answer");
      return await inboxes.silence(...given);
    },
  },
}));
const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";
const PAGE = "/oauth/device";
const mail = () => `${fresh("ana")}@example.com`;

const newTv = (settings = {}) =>
  newRp(at, { grantTypes: ["authorization_code", "refresh_token", DEVICE], settings });

type Started = { readonly device_code: string; readonly user_code: string };

const started = async (rp: Rp): Promise<Started> =>
  (
    await callAs(
      at,
      rp,
      "/oauth/device_authorization",
      { scope: "openid" },
      { "User-Agent": "Firefox/1 Windows" },
    )
  ).body;

const poll = (rp: Rp, { device_code }: Started) =>
  callAs(at, rp, "/oauth/token", { grant_type: DEVICE, device_code });

/** A browser of somebody who is signed in at this client. */
async function signedIn(rp: Rp): Promise<Browser> {
  const person = browser(at);
  await signInByCode(at, await authorizePath(rp), mail(), person);
  return person;
}

/** Types the code; the answer is the address of the question. */
async function typed(person: Browser, code: string): Promise<string> {
  await person.get(PAGE);
  const answer = await person.post(PAGE, { user_code: code });
  if (answer.status !== 303) throw new Error(`expected 303, came ${answer.status} ${readable(answer.text)}`);
  return answer.location;
}

const decide = async (person: Browser, question: string, decision: string) => {
  const [path = "", query = ""] = question.split("?");
  await person.get(question);
  return await person.post(path, { decision, user_code: new URLSearchParams(query).get("user_code") ?? "" });
};

describe("the page that takes the code of a device", () => {
  test("who is signed in types the code, is asked, approves, and the device has its tokens", async () => {
    const rp = await newTv();
    const tv = await started(rp);
    const person = await signedIn(rp);
    const question = await typed(person, tv.user_code.toLowerCase().replace("-", " "));
    const page = await person.get(question);
    expect(readable(page.text)).toContain(tv.user_code);
    expect(readable(page.text)).toContain("Shop");
    expect(page.text).toMatch(/value="deny"[\s\S]*value="approve"/);
    expect((await poll(rp, tv)).body.error).toBe("authorization_pending");
    expect((await decide(person, question, "approve")).status).toBe(200);
    const { status, body } = await poll(rp, tv);
    expect(status).toBe(200);
    expect(decodeJwt(body.id_token)).toMatchObject({
      aud: rp.id,
      acr: "urn:signin:acr:identifier",
      amr: ["otp"],
    });
    expect(body).not.toHaveProperty("refresh_token");
  });

  test("where the access is used is shown before it is given", async () => {
    const resource = "https://api.example/mcp";
    const rp = await newTv({ resources: [resource] });
    const tv = (await callAs(at, rp, "/oauth/device_authorization", { scope: "openid", resource })).body;
    const person = await signedIn(rp);
    const page = await person.get(await typed(person, tv.user_code));
    expect(readable(page.text)).toContain(resource);
  });

  test("who is not signed in signs in on the way, and is asked at once", async () => {
    const rp = await newTv();
    const tv = await started(rp);
    const person = browser(at);
    await person.get(PAGE);
    const asked = await person.post(PAGE, { user_code: tv.user_code });
    expect(asked.text).toContain('name="identifier"');
    const to = `${PAGE}?user_code=${tv.user_code}`;
    const begun = await person.post("/oauth/sign-in", { to, identifier: mail(), way: "code" });
    await person.get(begun.location);
    const done = await person.post(begun.location.split("?")[0]!, { to, code: at.last().code ?? "" });
    const question = await person.get(done.location);
    expect(question.status).toBe(303);
    expect((await decide(person, question.location, "approve")).status).toBe(200);
    expect((await poll(rp, tv)).status).toBe(200);
  });

  test("T94 a link with the code fills it in and does nothing more", async () => {
    const rp = await newTv();
    const tv = await started(rp);
    const person = await signedIn(rp);
    const page = await person.get(`${PAGE}?user_code=${tv.user_code}`);
    expect([page.status, page.location]).toEqual([200, ""]);
    expect(page.text).toContain(`value="${tv.user_code}"`);
    const forged = await person.get(`${PAGE}?user_code=${tv.user_code}&signed_in=abc.${"x".repeat(43)}`);
    expect([forged.status, forged.location]).toEqual([200, ""]);
    expect((await poll(rp, tv)).body.error).toBe("authorization_pending");
  });

  test.each([
    ["deny", "access_denied"],
    ["not_me", "access_denied"],
  ])("%s ends it, and the device hears access_denied", async (decision, error) => {
    const rp = await newTv();
    const tv = await started(rp);
    const person = await signedIn(rp);
    const question = await typed(person, tv.user_code);
    expect((await decide(person, question, decision)).status).toBe(200);
    expect((await poll(rp, tv)).body.error).toBe(error);
    const late = await decide(person, question, "approve");
    expect(readable(late.text)).toContain("Already answered");
    expect((await poll(rp, tv)).body.error).toBe(error);
  });

  test("T02 and the silence fails: nothing is decided, and pressed again both stand", async () => {
    const rp = await newTv();
    const tv = await started(rp);
    const person = await signedIn(rp);
    const question = await typed(person, tv.user_code);
    fault.isOut = true;
    const failed = await decide(person, question, "not_me");
    fault.isOut = false;
    expect(failed.status).toBe(503);
    expect((await poll(rp, tv)).body.error).toBe("authorization_pending");
    expect((await decide(person, question, "not_me")).status).toBe(200);
    expect((await poll(rp, tv)).body.error).not.toBe("authorization_pending");
    const about = { clientId: rp.id, type: "sign_in.reported", size: 5 };
    expect(await at.services.records.events(about)).toHaveLength(1);
  });

  test("T02 whoever says that it was not them is asked nothing more by that client for a while", async () => {
    const CIBA = "urn:openid:params:grant-type:ciba";
    const [rp, other] = await Promise.all(
      [0, 1].map(() => newRp(at, { kind: "confidential", grantTypes: ["authorization_code", DEVICE, CIBA] })),
    );
    const tv = await started(rp!);
    const person = await signedIn(rp!);
    const question = await typed(person, tv.user_code);
    await decide(person, question, "not_me");
    const email = at.last().to;
    const prompts = async (asker: Rp) => {
      const form = { scope: "openid", login_hint: email };
      const { status } = await callAs(at, asker, "/oauth/bc-authorize", form);
      expect(status).toBe(200);
      const client = (await at.services.clients.find(asker.id))!;
      const user = await at.services.users.byIdentifier(viewOf(client), readIdentifier(email)!, {
        first: "proven",
      });
      return (await at.services.inboxes.view(userSubject(user!.user.id))).prompts.map(
        ({ clientId }) => clientId,
      );
    };
    expect(await prompts(rp!)).toEqual([]);
    expect(await prompts(other!)).toEqual([other!.id]);
    const [row] = (await at.services.records.events({
      clientId: rp!.id,
      type: "sign_in.reported",
      size: 1,
    })) as unknown[];
    expect(row).toBeDefined();
  });

  test("a phone of the Cotter door signs its user in on the way, and the device grant says so", async () => {
    const phones = deployment();
    const app = await newClient(phones);
    const holder = await newPerson(phones, app);
    const address = readIdentifier(mail())!;
    const verifiedAt = Date.now();
    const added = { ...address, assertedBy: "admin", verifiedAt } as const;
    await phones.services.users.update({ id: parseUserId(holder.id)!, realm: MAIN }, { added }, verifiedAt);
    const rp = await newTv({ match_code: "off", approve_through: "realm" });
    const tv = await started(rp);
    const person = browser(at);
    await person.get(PAGE);
    await person.post(PAGE, { user_code: tv.user_code });
    const to = `${PAGE}?user_code=${tv.user_code}`;
    const begun = await person.post("/oauth/sign-in", { to, identifier: address.value, way: "device" });
    await respond(phones, app, holder, (await prompt(phones, app, holder))!, true);
    const question = await person.get((await person.get(begun.location)).location);
    await decide(person, question.location, "approve");
    const { body } = await poll(rp, tv);
    expect(decodeJwt(body.id_token)).toMatchObject({ sub: holder.id, acr: "urn:signin:acr:device" });
  });

  test("T20 what one person has claimed, another neither sees nor decides", async () => {
    const rp = await newTv();
    const tv = await started(rp);
    const [ana, ben] = [await signedIn(rp), await signedIn(rp)];
    const question = await typed(ana, tv.user_code);
    await ben.get(PAGE);
    expect((await ben.post(PAGE, { user_code: tv.user_code })).status).toBe(422);
    const peeked = await ben.get(question);
    expect(readable(peeked.text)).not.toContain(tv.user_code);
    await decide(ben, question, "approve");
    expect((await poll(rp, tv)).body.error).toBe("authorization_pending");
    await decide(ana, question, "approve");
    expect((await poll(rp, tv)).status).toBe(200);
  });

  test("T93 neither the code nor the answer is taken from another site's form", async () => {
    const rp = await newTv();
    const tv = await started(rp);
    const person = await signedIn(rp);
    const question = await typed(person, tv.user_code);
    const foreign = { "Sec-Fetch-Site": "cross-site" };
    const [path = ""] = question.split("?");
    const fields = { decision: "approve", user_code: tv.user_code };
    expect((await person.post(path, fields, foreign)).status).toBe(403);
    expect((await person.post(path, { ...fields, csrf: "x" })).status).toBe(403);
    expect((await person.post(PAGE, { user_code: tv.user_code }, foreign)).status).toBe(403);
    expect((await poll(rp, tv)).body.error).toBe("authorization_pending");
  });

  test.each(["", "AAAA-AAAA", "WDJB", "WDJB-MJH1", "BBBB-BBBB"])(
    "%j is no code that is known, and the page says so beside the field",
    async (user_code) => {
      const person = browser(at);
      await person.get(PAGE);
      const answer = await person.post(PAGE, { user_code });
      expect(answer.status).toBe(422);
      expect(answer.text).toContain('role="alert"');
    },
  );

  test("T11 who was locked since they signed in approves nothing", async () => {
    const rp = await newTv();
    const tv = await started(rp);
    const person = await signedIn(rp);
    const question = await typed(person, tv.user_code);
    const { users } = at.services;
    const email = at.last().to;
    const client = (await at.services.clients.find(rp.id))!;
    const found = await users.byIdentifier(viewOf(client), readIdentifier(email)!, { first: "proven" });
    const { id, realm } = found!.user;
    await users.update({ id, realm }, { status: "locked" }, Date.now());
    await decide(person, question, "approve");
    expect((await poll(rp, tv)).body.error).toBe("authorization_pending");
  });
});
