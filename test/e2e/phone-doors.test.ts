import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { makeApi } from "../wire/support/api.ts";
import { makeApp, ok } from "../wire/support/app.ts";
import { browser, makeTenant } from "../wire/support/authsignal.ts";
import { poll, startSignIn } from "../wire/support/events.ts";
import { makePerson } from "./authsignal-support.ts";
import {
  freshAddress,
  newPhone,
  openWorld,
  operator,
  type Phone,
  press,
  QUESTION,
  sees,
  typeNumber,
  type World,
} from "./phone-support.ts";

let world: World;
let phone: Phone | undefined;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => {
  await world.close();
});
afterEach(async () => {
  await phone?.close();
});

/** Somebody whom the operator vouches for, as each vendor's client and the phone page know them. */
type Ana = { readonly id: string; readonly externalId: string; readonly address: string };

/** What was begun at a vendor's door: the number of its waiting screen, and whether it came to a sign-in. */
type Begun = { readonly number: string; isSignedIn(): Promise<boolean> };

async function byCotter(settings: object, ana: Ana): Promise<Begun> {
  const app = await makeApp(world, { settings: { ...settings } });
  const { event, number } = await startSignIn(app, ana.id);
  return {
    number: String(event.match_code),
    isSignedIn: async () => (await poll(app, number)).body.oauth_token !== undefined,
  };
}

async function byLoginId(settings: object, ana: Ana): Promise<Begun> {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const register = async (client: object): Promise<string> =>
    String((await operator(world)("POST", "/admin/clients", { json: client })).body.client_id);
  const pem = publicKey.export({ type: "spki", format: "pem" });
  const backend = await register({ name: "Shop", kind: "confidential", public_keys: [pem], settings });
  const web = await register({
    name: "Web",
    kind: "public",
    settings: { ...settings, names_from: [backend] },
  });
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { client_id: backend, type: "codes.generate", nonce: randomUUID(), iat };
  const input = `${encoded({ alg: "ES256", typ: "JWT" })}.${encoded(claims)}`;
  const signature = sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" });
  const api = makeApi(`${world.origin}/api/native`);
  const made = await api("POST", "/codes/short/generate", {
    json: { client_id: backend, username: ana.address, purpose: "temporary_authentication" },
    headers: { Authorization: `Bearer ${input}.${signature.toString("base64url")}` },
  });
  const { code, match_code: number } = ok(made).body;
  return {
    number: String(number),
    async isSignedIn() {
      const waited = await api("POST", "/authenticate/code/wait", {
        json: { client_id: web, username: ana.address, authentication_code: { code, type: "short" } },
      });
      return waited.body.is_authenticated === true;
    },
  };
}

async function byAuthsignal(settings: object, ana: Ana): Promise<Begun> {
  const tenant = await makeTenant(world, { settings: { ...settings } });
  // This door asks nobody who has no device of its own; the phone page stands beside it.
  await makePerson(tenant, ana.externalId);
  const tracked = await tenant.sdk.track({
    userId: ana.externalId,
    action: "transfer",
    attributes: { custom: { amount: "45.00" } },
  });
  const page = browser(tenant, tracked.token);
  const { challengeId, verificationCode } = ok(await page("/challenge/push", { action: "transfer" })).body;
  return {
    number: String(verificationCode),
    isSignedIn: async () => ok(await page("/verify/push", { challengeId })).body.isVerified === true,
  };
}

/** Ana's phone, set up by a code to her address before a vendor's app knows her. */
async function anasPhone(): Promise<Ana> {
  const ana = { address: freshAddress(), externalId: `ana-${randomUUID()}` };
  const made = await operator(world)("POST", "/admin/users", {
    json: { email: ana.address, external_id: ana.externalId, verified: true },
  });
  phone = await newPhone(world, "passkey", ana.address);
  return { ...ana, id: String(made.body.user_id) };
}

describe.each([
  ["Cotter", byCotter],
  ["LoginID", byLoginId],
  ["Authsignal", byAuthsignal],
] as const)("a request of the door of %s", (_, begin) => {
  test("T03 is shown on the phone page: declined only, by a bare tap, or by the number, as its client is set", async () => {
    const ana = await anasPhone();
    const on = phone as Phone;
    const back = () => on.page.getByRole("link", { name: "Back to the requests" }).click();

    const bare = await begin({}, ana);
    await sees(on, QUESTION);
    await on.page.getByText("shows no number to compare").waitFor();
    expect(await on.page.getByRole("button", { name: "Approve" }).count()).toBe(0);
    await press(on, "Decline");
    await sees(on, "Declined");
    expect(await bare.isSignedIn()).toBe(false);

    await back();
    const tapped = await begin({ insecure_tap: true }, ana);
    await sees(on, QUESTION);
    expect(await on.page.getByRole("textbox").count()).toBe(0);
    await press(on, "Approve");
    await sees(on, "Approved");
    expect(await tapped.isSignedIn()).toBe(true);

    await back();
    const numbered = await begin({ match_code: "required" }, ana);
    expect(numbered.number).toMatch(/^\d{6}$/);
    await typeNumber(on, numbered.number);
    await press(on, "Approve");
    await sees(on, "Approved");
    expect(await numbered.isSignedIn()).toBe(true);
    expect(on.complaints).toEqual([]);
  });
});
