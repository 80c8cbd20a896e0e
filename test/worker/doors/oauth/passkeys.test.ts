import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MAIN, parseRealm, parseUserId } from "../../../../src/core/ids.ts";
import { HOUR, MINUTE } from "../../../../src/core/time.ts";
import { readIdentifier } from "../../../../src/core/user/identifier.ts";
import { newAuthenticator } from "../../../fakes/authenticator.ts";
import { deployment, fresh, newClient, newPerson, prompt, respond } from "../../support/cotter.ts";
import { authorizePath, newRp, type Rp, signInByCode } from "../../support/oauth.ts";
import { begun, enrolled, finished, passkeysAt, signIn, withPasskey } from "../../support/oauth-passkeys.ts";
import { type Browser, browser, pageDeployment, readable } from "../../support/page.ts";
import { havingName } from "../../support/people.ts";

const at = pageDeployment();
const phones = deployment();
const mail = () => `${fresh("ana")}@example.com`;
const later = (by: number) => vi.setSystemTime(Date.now() + by);
const told = (template: string) => at.messages.filter((message) => message.template === template);
const removeButton = /name="id" value="([^"]+)"/g;
const listed = (text: string) => [...text.matchAll(removeButton)].map(([, id]) => id);
const remove = (person: Browser, rp: Rp, id: string) =>
  person.post("/oauth/passkeys/remove", { client_id: rp.id, id });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => void vi.useRealTimers());

/** Somebody who has just signed in by a code. */
async function signedIn(rp?: Rp) {
  const client = rp ?? (await newRp(at));
  const [person, address] = [browser(at), mail()];
  await signInByCode(at, await authorizePath(client), address, person);
  return { rp: client, person, address };
}

describe("a new passkey", () => {
  test("is asked for as WebAuthn has it: kept by the device, behind its unlock, none twice", async () => {
    const { rp, person, address } = await signedIn();
    const { status, body } = await begun(person, rp);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      rp: { id: "localhost", name: "Shop" },
      user: { name: address, displayName: address },
      pubKeyCredParams: [{ alg: -7 }, { alg: -257 }],
      attestation: "none",
      excludeCredentials: [],
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
    });
    const authenticator = await newAuthenticator();
    expect((await finished(person, rp, authenticator, body.challenge)).status).toBe(303);
    const page = await person.get(`${passkeysAt(rp)}&done=added`);
    expect(readable(page.text)).toContain("The passkey was added.");
    const [id] = listed(page.text);
    const back = browser(at);
    const userId = parseUserId(atob(body.user.id))!;
    later(1_000);
    expect((await signIn(back, await authorizePath(rp), authenticator, userId)).status).toBe(303);
    const again = await begun(back, rp);
    expect(again.body.excludeCredentials).toEqual([{ type: "public-key", id: authenticator.credentialId }]);
    const [device] = await at.services.devices.ofUser(userId);
    expect(device).toMatchObject({
      id,
      door: "oauth",
      clientId: rp.id,
      kind: "passkey",
      credentialId: authenticator.credentialId,
    });
    expect(device).not.toHaveProperty("letInBy");
    const events = await at.services.records.events({ userId, type: "device.enrolled", size: 5 });
    expect(events).toMatchObject([{ reason: "own_page", actor: `user:${userId}`, deviceId: id }]);
  });

  test("T33 every proven address hears of it, and of its removal; a refused one is told to nobody", async () => {
    const { rp, person, address } = await signedIn();
    at.messages.length = 0;
    const { body } = await begun(person, rp);
    const wrong = await finished(person, rp, await newAuthenticator(), body.challenge, { flags: 0x41 });
    expect([wrong.status, told("device_enrolled")]).toEqual([422, []]);
    expect((await enrolled(person, rp, await newAuthenticator())).status).toBe(303);
    expect(told("device_enrolled").map(({ to }) => to)).toEqual([address]);
    const [id = ""] = listed((await person.get(passkeysAt(rp))).text);
    expect((await remove(person, rp, id)).status).toBe(303);
    expect(told("device_removed").map(({ to }) => to)).toEqual([address]);
  });

  test.each([
    ["T32 nobody was verified", { flags: 0x41 }],
    ["another origin", { origin: "https://evil.example" }],
    ["another rp id", { rpId: "shop.example" }],
    ["a ceremony of another kind", { type: "webauthn.get" }],
    ["T26 a key off the curve", { cose: "off the curve" }],
    ["T26 a key of another curve", { cose: "P-384" }],
    ["another challenge", { challenge: "YWJj" }],
    ["an attestation that is cut", { cut: 3 }],
  ] as const)("%s: refused, and nothing is kept", async (_name, spoilt) => {
    const { rp, person } = await signedIn();
    const answer = await enrolled(person, rp, await newAuthenticator(), spoilt);
    expect([answer.status, readable(answer.text).includes("The passkey was not added.")]).toEqual([
      422,
      true,
    ]);
    expect(listed((await person.get(passkeysAt(rp))).text)).toEqual([]);
  });

  test("T24 one ceremony makes one: the same request is answered alike, and brings nothing back that was removed", async () => {
    const { rp, person } = await signedIn();
    const { body } = await begun(person, rp);
    const authenticator = await newAuthenticator();
    for (const _ of [1, 2]) {
      expect((await finished(person, rp, authenticator, body.challenge)).status).toBe(303);
      expect(listed((await person.get(passkeysAt(rp))).text)).toHaveLength(1);
    }
    const other = await finished(person, rp, await newAuthenticator(), body.challenge);
    expect(other.status).toBe(422);
    const [id = ""] = listed((await person.get(passkeysAt(rp))).text);
    await remove(person, rp, id);
    expect((await finished(person, rp, authenticator, body.challenge)).status).toBe(422);
    expect(listed((await person.get(passkeysAt(rp))).text)).toEqual([]);
  });

  test("T24 a ceremony is of one session and browser, and of five minutes", async () => {
    const { rp, person } = await signedIn();
    const other = await signedIn(rp);
    const { body } = await begun(person, rp);
    const authenticator = await newAuthenticator();
    expect((await finished(other.person, rp, authenticator, body.challenge)).status).toBe(422);
    expect((await finished(browser(at), rp, authenticator, body.challenge)).status).toBe(403);
    later(5 * MINUTE);
    expect((await finished(person, rp, authenticator, body.challenge)).status).toBe(422);
  });

  test("a key that a live device has is refused", async () => {
    const authenticator = await newAuthenticator();
    const { rp } = await signedIn();
    await withPasskey(at, rp, mail(), authenticator);
    const { person } = await signedIn(rp);
    expect((await enrolled(person, rp, authenticator)).status).toBe(422);
  });
});

describe("who may add one", () => {
  test("T33 nobody in a session that is older than five minutes: they sign in again, and come back", async () => {
    const { rp, person, address } = await signedIn();
    later(5 * MINUTE);
    expect((await begun(person, rp)).status).toBe(403);
    const asked = await person.get(passkeysAt(rp));
    expect([asked.status, readable(asked.text).includes("Send me a code")]).toEqual([200, true]);
    expect((await remove(person, rp, crypto.randomUUID())).text).toContain('name="way"');
    const sent = await person.post("/oauth/sign-in", {
      to: passkeysAt(rp),
      identifier: address,
      way: "code",
    });
    await person.get(sent.location);
    const done = await person.post(sent.location.split("?")[0] ?? "", {
      to: passkeysAt(rp),
      code: at.last().code ?? "",
    });
    expect(done.location).toMatch(/^\/oauth\/passkeys\?client_id=.*&signed_in=/);
    expect(readable((await person.get(done.location)).text)).toContain("You have no passkey yet.");
    expect((await enrolled(person, rp, await newAuthenticator())).status).toBe(303);
  });

  test("nobody who is not signed in, also with a mark of their own", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    expect((await begun(person, rp)).status).toBe(403);
    expect((await person.get(passkeysAt(rp))).text).toContain('name="way"');
    expect((await person.get(`${passkeysAt(rp)}&signed_in=1.${"A".repeat(43)}`)).text).toContain(
      'name="way"',
    );
    expect((await person.get("/oauth/passkeys")).status).toBe(400);
    expect((await person.get("/oauth/passkeys?client_id=nobody")).status).toBe(400);
  });

  test("the address without a client is that of this browser's own session", async () => {
    const { person } = await signedIn();
    expect((await person.get("/oauth/passkeys")).text).toContain("Your passkeys");
  });

  test("T106 nobody by a session of another realm", async () => {
    const { person } = await signedIn();
    const other = await newRp(at, { realm: parseRealm(fresh("realm"))! });
    expect((await person.get(passkeysAt(other))).text).toContain('name="way"');
    expect((await begun(person, other)).status).toBe(403);
  });

  test("T33 a code adds the first alone; with that one the next is added", async () => {
    const { rp, person, address } = await signedIn();
    const first = await newAuthenticator();
    expect((await enrolled(person, rp, first)).status).toBe(303);
    expect(await begun(person, rp)).toEqual({ status: 403, body: { error: "stronger" } });
    const thief = browser(at);
    await signInByCode(at, await authorizePath(rp), address, thief);
    const page = readable((await thief.get(passkeysAt(rp))).text);
    expect(page).toContain("You signed in by a code.");
    expect(await begun(thief, rp)).toEqual({ status: 403, body: { error: "stronger" } });
    const [device] = await ofAddress(address);
    later(1_000);
    const owner = browser(at);
    await signIn(owner, passkeysAt(rp), first, device!.userId);
    expect((await enrolled(owner, rp, await newAuthenticator())).status).toBe(303);
    expect(await ofAddress(address)).toHaveLength(2);
  });

  test("T33 nor does a code add one soon after a removal", async () => {
    const { rp, person, address } = await signedIn();
    expect((await enrolled(person, rp, await newAuthenticator())).status).toBe(303);
    const [id = ""] = listed((await person.get(passkeysAt(rp))).text);
    await remove(person, rp, id);
    expect(await begun(person, rp)).toEqual({ status: 403, body: { error: "waits" } });
    expect(readable((await person.get(passkeysAt(rp))).text)).toContain("You can add one after");
    later(72 * HOUR);
    const back = browser(at);
    await signInByCode(at, await authorizePath(rp), address, back);
    expect((await enrolled(back, rp, await newAuthenticator())).status).toBe(303);
  });

  test("T33 where a phone approves sign-ins, the phone is asked; its client's devices let the passkey in", async () => {
    const app = await newClient(phones);
    const holder = await newPerson(phones, app);
    const address = mail();
    const verifiedAt = Date.now();
    const added = { ...readIdentifier(address)!, assertedBy: "admin", verifiedAt } as const;
    await phones.services.users.update({ id: parseUserId(holder.id)!, realm: MAIN }, { added }, verifiedAt);
    const rp = await newRp(at, { settings: { match_code: "off", approve_through: "realm" } });
    const byCode = browser(at);
    await signInByCode(at, await authorizePath(rp), address, byCode);
    expect(await begun(byCode, rp)).toEqual({ status: 403, body: { error: "stronger" } });

    const laptop = browser(at);
    await laptop.get(passkeysAt(rp));
    const asking = await laptop.post("/oauth/sign-in", {
      to: passkeysAt(rp),
      identifier: address,
      way: "device",
    });
    const shown = await prompt(phones, app, { ...holder, identifier: address });
    await respond(phones, app, { ...holder, identifier: address }, shown!, true);
    await laptop.get((await laptop.get(asking.location)).location);
    expect((await enrolled(laptop, rp, await newAuthenticator())).status).toBe(303);
    const own = (await ofAddress(address)).find(({ door }) => door === "oauth");
    expect(own).toMatchObject({ clientId: rp.id, letInBy: app });
  });

  test("nobody more than ten", async () => {
    const rp = await newRp(at);
    const first = await newAuthenticator();
    const { userId } = await withPasskey(at, rp, mail(), first);
    later(1_000);
    const person = browser(at);
    await signIn(person, passkeysAt(rp), first, userId);
    for (let more = 2; more <= 10; more++) {
      expect((await enrolled(person, rp, await newAuthenticator())).status).toBe(303);
    }
    expect(await begun(person, rp)).toEqual({ status: 403, body: { error: "full" } });
    const page = await person.get(passkeysAt(rp));
    expect(listed(page.text)).toHaveLength(10);
    expect(readable(page.text)).toContain("as many passkeys as you can have");
  });

  test("T93 a form of another site does nothing", async () => {
    const { rp, person } = await signedIn();
    const { body } = await begun(person, rp);
    const foreign = { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" };
    const made = { client_id: rp.id, challenge: body.challenge };
    for (const path of ["/oauth/passkeys", "/oauth/passkeys/begin", "/oauth/passkeys/remove"]) {
      expect((await person.post(path, made, foreign)).status).toBe(403);
      expect((await person.post(path, { ...made, csrf: "x" })).status).toBe(403);
    }
  });
});

const ofAddress = async (address: string) => {
  const found = await havingName(at, address);
  return await at.services.devices.ofUser(found!.user.id);
};

describe("a removal", () => {
  test("T25 ends what was signed in by the passkey, this browser's own session too", async () => {
    const rp = await newRp(at);
    const authenticator = await newAuthenticator();
    const { userId, person } = await withPasskey(at, rp, mail(), authenticator);
    later(1_000);
    const [laptop, other] = [browser(at), browser(at)];
    for (const one of [laptop, other]) {
      expect((await signIn(one, passkeysAt(rp), authenticator, userId)).status).toBe(303);
    }
    const [id = ""] = listed((await laptop.get(passkeysAt(rp))).text);
    const gone = await remove(laptop, rp, id);
    expect(gone.headers.getSetCookie().join()).toContain("countersign_session=;");
    for (const one of [laptop, other]) {
      expect((await one.get(gone.location)).text).toContain('name="way"');
    }
    // That of the code goes on.
    expect(readable((await person.get(gone.location)).text)).toContain("The passkey was removed.");
    const events = await at.services.records.events({ userId, type: "device.revoked", size: 5 });
    expect(events).toMatchObject([{ reason: "removed_by_user", actor: `user:${userId}` }]);
  });

  test("T20 reaches nobody else's passkey, and no device of another door", async () => {
    const rp = await newRp(at);
    const victim = await withPasskey(at, rp, mail(), await newAuthenticator());
    const [theirs] = await at.services.devices.ofUser(victim.userId);
    const { person } = await signedIn(rp);
    await person.get(passkeysAt(rp));
    expect((await remove(person, rp, theirs!.id)).status).toBe(303);
    expect(await at.services.devices.ofUser(victim.userId)).toHaveLength(1);

    const app = await newClient(phones);
    const holder = await newPerson(phones, app);
    const address = mail();
    const added = { ...readIdentifier(address)!, assertedBy: "admin", verifiedAt: Date.now() } as const;
    await phones.services.users.update({ id: parseUserId(holder.id)!, realm: MAIN }, { added }, Date.now());
    const own = browser(at);
    await signInByCode(at, await authorizePath(rp), address, own);
    const page = await own.get(passkeysAt(rp));
    expect(listed(page.text)).toEqual([]);
    const [phone] = await ofAddress(address);
    await remove(own, rp, phone!.id);
    expect(await ofAddress(address)).toHaveLength(1);
  });
});

test("T33 a passkey that is new removes none that was there before, for its first day", async () => {
  const rp = await newRp(at);
  const [first, second] = [await newAuthenticator(), await newAuthenticator()];
  const { person, userId } = await withPasskey(at, rp, mail(), first);
  const [older] = listed((await person.get(passkeysAt(rp))).text);
  later(60_000);
  const owner = browser(at);
  await signIn(owner, passkeysAt(rp), first, userId);
  expect((await enrolled(owner, rp, second)).status).toBe(303);
  const other = browser(at);
  await signIn(other, passkeysAt(rp), second, userId);
  const refused = await remove(other, rp, older!);
  expect(refused.status).toBe(422);
  expect(readable(refused.text)).toContain("For its first day it removes none");
  expect(listed((await other.get(passkeysAt(rp))).text)).toHaveLength(2);
  later(25 * 3_600_000);
  await signIn(other, `${passkeysAt(rp)}&again=1`, second, userId);
  expect((await remove(other, rp, older!)).status).toBe(303);
});
