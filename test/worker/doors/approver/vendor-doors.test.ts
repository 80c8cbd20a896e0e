import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import { MAIN, type UserId } from "../../../../src/core/ids.ts";
import { DAY } from "../../../../src/core/time.ts";
import { later, refusal, site, wrong } from "../../support/approver.ts";
import * as authsignal from "../../support/authsignal.ts";
import * as cotter from "../../support/cotter.ts";
import { claimsOf, fresh } from "../../support/cotter.ts";
import { codes, newScene, waitOn } from "../../support/loginid.ts";
import { newPhoneOf, type Phone } from "../../support/phone.ts";
import { viewFor } from "../../support/realm-world.ts";

const at = site();
const approval = (number: unknown) => ({ decision: "approve", match_code: String(number) }) as const;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What was begun at a vendor's door, and whether it has come to a sign-in. */
type Begun = {
  readonly phone: Phone;
  readonly number: unknown;
  readonly action: unknown;
  isSignedIn(): Promise<boolean>;
};

/** A phone of our pages that is a day old, so that it stands beside the vendor's own. */
async function grownPhone(id: string): Promise<Phone> {
  const phone = await newPhoneOf(at, id as UserId, "passkey");
  later(DAY);
  return phone;
}

async function byCotter(settings: ClientSettings): Promise<Begun> {
  const client = await cotter.newClient(at, settings);
  const person = await cotter.newPerson(at, client);
  const phone = await grownPhone(person.id);
  const { body: event } = await cotter.start(at, client, person);
  return {
    phone,
    number: event.match_code,
    action: "LOGIN",
    isSignedIn: async () => (await cotter.poll(at, client, event)).body.oauth_token !== undefined,
  };
}

async function byLoginId(settings: ClientSettings): Promise<Begun> {
  const { backend, web, ada } = await newScene(at, { backend: { settings }, web: { settings } });
  const phone = await grownPhone(ada.id);
  const { body } = await codes(at, backend, "generate", ada);
  return {
    phone,
    number: body.match_code,
    action: undefined,
    async isSignedIn() {
      const waited = await waitOn(at, web, ada, body.code, { timeout: 1 });
      return waited.status === 200 && claimsOf(waited.body.jwt).sub !== undefined;
    },
  };
}

async function byAuthsignal(settings: ClientSettings): Promise<Begun> {
  const tenant = await authsignal.newTenant(at, settings);
  const user = fresh("jane");
  await authsignal.enrol(at, tenant, user);
  const found = await at.services.users.byExternalId(viewFor(MAIN, tenant.id), user);
  const phone = await grownPhone(String(found?.user.id));
  const push = await authsignal.startPush(at, tenant, user, "transfer", { custom: { amount: "45.00" } });
  return {
    phone,
    number: push.answer.body.verificationCode,
    action: "transfer",
    isSignedIn: async () => (await authsignal.poll(at, push.token, push.id)).body.isVerified === true,
  };
}

describe.each([
  ["Cotter", byCotter],
  ["LoginID", byLoginId],
  ["Authsignal", byAuthsignal],
] as const)("a request of the door of %s", (_, begin) => {
  test("T03 is shown, and can only be declined, where nothing else is set", async () => {
    const { phone, isSignedIn } = await begin({});
    const [prompt] = await phone.prompts();
    expect(prompt).toMatchObject({ match: "none", answers: ["deny"], why_not: "tap" });
    expect(await phone.decide(prompt, { decision: "approve" })).toMatchObject(
      refusal(403, "not_allowed", { why: "tap" }),
    );
    expect((await phone.decide(prompt, { decision: "deny" })).body).toEqual({ state: "denied" });
    expect(await isSignedIn()).toBe(false);
  });

  test("is approved by a bare tap where the client's setting says insecure", async () => {
    const { phone, action, isSignedIn } = await begin({ insecure_tap: true });
    const [prompt] = await phone.prompts();
    expect(prompt).toMatchObject({ match: "none", answers: ["deny", "approve"] });
    expect(prompt.payload.shown.action).toBe(action);
    expect((await phone.decide(prompt, { decision: "approve" })).body).toEqual({ state: "approved" });
    expect(await isSignedIn()).toBe(true);
  });

  test("T03 T04 is approved by the number on the other screen where that is asked for", async () => {
    const { phone, number, isSignedIn } = await begin({ match_code: "required" });
    expect(number).toMatch(/^\d{6}$/);
    const [prompt] = await phone.prompts();
    expect(prompt).toMatchObject({ match: "number", answers: ["deny", "approve"] });
    expect(await phone.decide(prompt, { decision: "approve" })).toMatchObject(refusal(400, "number_needed"));
    expect(await phone.decide(prompt, approval(wrong(String(number))))).toMatchObject(
      refusal(422, "wrong_match_code"),
    );
    expect((await phone.decide(prompt, approval(number))).body).toEqual({ state: "approved" });
    expect(await isSignedIn()).toBe(true);
  });
});

describe("words of the Authsignal door", () => {
  /** A user of the door with a phone of our pages. */
  async function scene() {
    const tenant = await authsignal.newTenant(at, { insecure_tap: true });
    const user = fresh("jane");
    await authsignal.enrol(at, tenant, user);
    const found = await at.services.users.byExternalId(viewFor(MAIN, tenant.id), user);
    return { tenant, user, phone: await grownPhone(String(found?.user.id)) };
  }

  test("custom data is shown and signed line by line", async () => {
    const { tenant, user, phone } = await scene();
    await authsignal.startPush(at, tenant, user, "transfer", { custom: { amount: "45.00" } });
    const [prompt] = await phone.prompts();
    expect(prompt.payload.shown).toMatchObject({ action: "transfer", details: [{ amount: "45.00" }] });
    const forged = { ...prompt.payload, shown: { ...prompt.payload.shown, details: [{ amount: "4.00" }] } };
    const signed = await phone.sign({ ...forged, decision: "approve" });
    expect(
      await phone.call("POST", `/prompts/${prompt.id}/decision`, { decision: "approve", ...signed }),
    ).toMatchObject(refusal(403, "bad_signature"));
  });

  test("more than can be shown is approved elsewhere", async () => {
    const { tenant, user, phone } = await scene();
    const custom = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`n${index}`, "x".repeat(200)]),
    );
    const { answer } = await authsignal.startPush(at, tenant, user, "transfer", { custom });
    expect(answer.status).toBe(200);
    const [prompt] = await phone.prompts();
    expect(prompt).toMatchObject({ answers: ["deny"], why_not: "more" });
    expect(await phone.decide(prompt, { decision: "approve" })).toMatchObject(
      refusal(403, "not_allowed", { why: "more" }),
    );
  });
});
