import { describe, expect, test } from "vitest";
import { authorizePath, handedBack, hiddenIn, newRp, signInByCode } from "../../support/oauth.ts";
import { mailbox, signedIn } from "../../support/oauth-sessions.ts";
import { browser, pageDeployment, readable } from "../../support/page.ts";

const at = pageDeployment();
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

  test("is not taken for somebody who has signed in since the page was shown", async () => {
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
  test("is of the person whom the page has named, and of nobody who has signed in since", async () => {
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
