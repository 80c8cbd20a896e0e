import { env } from "cloudflare:workers";
import { decodeJwt } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { MAIN, parseRealm, parseUserId, type UserId } from "../../../../src/core/ids.ts";
import { readIdentifier } from "../../../../src/core/user/identifier.ts";
import {
  deployment,
  fresh,
  newClient,
  newPerson,
  type Person,
  prompt,
  respond,
} from "../../support/cotter.ts";
import { counting } from "../../support/counting.ts";
import {
  authorizePath,
  CALLBACK,
  exchangeCode,
  handedBack,
  hiddenIn,
  newRp,
  type Rp,
  signInByCode,
} from "../../support/oauth.ts";
import { browser, pageDeployment, readable } from "../../support/page.ts";

const at = pageDeployment();
const phones = deployment();
const TAPS = { match_code: "off", approve_through: "realm" } as const;
const mail = () => `${fresh("ana")}@example.com`;

afterEach(() => void vi.useRealTimers());

/** Somebody with a phone that another app had enrolled, whose address is known to be theirs. */
async function withPhone(): Promise<{
  readonly app: Awaited<ReturnType<typeof newClient>>;
  readonly person: Person;
}> {
  const app = await newClient(phones);
  const person = await newPerson(phones, app);
  const address = readIdentifier(`${fresh("ben")}@example.com`)!;
  const verifiedAt = Date.now();
  const id = parseUserId(person.id)!;
  const added = { ...address, assertedBy: "admin", verifiedAt } as const;
  const written = await phones.services.users.update({ id, realm: MAIN }, { added }, verifiedAt);
  if (!written.ok) throw new Error(written.error.code);
  return { app, person: { ...person, identifier: address.value } };
}

const begin = async (rp: Rp, identifier: string, way: "device" | "code", over = {}) => {
  const laptop = browser(at);
  const to = await authorizePath(rp, over);
  await laptop.get(to);
  const begun = await laptop.post("/oauth/sign-in", { to, identifier, way });
  return { laptop, to, begun };
};

describe("a sign-in that a phone approves", () => {
  test("a phone of another door is asked, and its approval signs the browser in", async () => {
    const { app, person } = await withPhone();
    const rp = await newRp(at, { settings: TAPS });
    const { laptop, begun } = await begin(rp, person.identifier, "device");
    expect(begun.status).toBe(303);
    const waiting = await laptop.get(begun.location);
    expect(waiting.status).toBe(200);
    expect(waiting.text).toContain("/socket");
    const asked = await prompt(phones, app, person);
    expect(asked).toMatchObject({ issuer: rp.id, event: "LOGIN" });
    expect((await respond(phones, app, person, asked!, true)).status).toBe(200);
    const entered = await laptop.get(begun.location);
    expect(entered.status).toBe(303);
    const led = await laptop.get(entered.location);
    const { body } = await exchangeCode(at, rp, handedBack(led.location).code ?? "");
    expect(decodeJwt(body.id_token)).toMatchObject({ sub: person.id, acr: "urn:signin:acr:device" });
  });

  test("T178 a session that a phone approved is good where that phone may answer, and nowhere else", async () => {
    const { app, person } = await withPhone();
    const rp = await newRp(at, { settings: TAPS });
    const { laptop, begun } = await begin(rp, person.identifier, "device");
    await respond(phones, app, person, (await prompt(phones, app, person))!, true);
    await laptop.get((await laptop.get(begun.location)).location);
    const led = async (client: Rp) =>
      handedBack((await laptop.get(await authorizePath(client, { prompt: "none" }))).location);
    const friend = await newRp(at, { settings: { ...TAPS, approve_through: [app] } });
    expect(await led(friend)).toHaveProperty("code");
    const bank = await newRp(at);
    expect(await led(bank)).toMatchObject({ error: "login_required" });
    expect((await laptop.get(await authorizePath(bank))).text).toContain('name="identifier"');
  });

  test("T07 a denial is told to the browser, and nothing is asked again", async () => {
    const { app, person } = await withPhone();
    const rp = await newRp(at, { settings: TAPS });
    const { laptop, begun } = await begin(rp, person.identifier, "device");
    const asked = await prompt(phones, app, person);
    await respond(phones, app, person, asked!, false);
    const told = await laptop.get(begun.location);
    expect(told.status).toBe(410);
    expect(await prompt(phones, app, person)).toBeNull();
  });

  test("the page shows six digits, and a phone that cannot ask for them is shown nothing", async () => {
    const { app, person } = await withPhone();
    const rp = await newRp(at, { settings: { approve_through: "realm" } });
    const { laptop, begun } = await begin(rp, person.identifier, "device");
    const page = readable((await laptop.get(begun.location)).text);
    const number = new URLSearchParams(begun.location.split("?")[1]).get("n") ?? "";
    expect(number).toMatch(/^\d{6}$/);
    expect(page).toContain(`${number.slice(0, 3)} ${number.slice(3)}`);
    expect(await prompt(phones, app, person)).toBeNull();
  });

  test("T09 somebody whom nobody knows is answered alike: the same page, which waits", async () => {
    const { person } = await withPhone();
    const rp = await newRp(at);
    const known = await begin(rp, person.identifier, "device");
    const unknown = await begin(rp, mail(), "device");
    const shape = (text: string) => readable(text).replaceAll(/[a-z]+-?\d*-?\S*@\S+|\d+/g, "#");
    const [a, b] = [
      await known.laptop.get(known.begun.location),
      await unknown.laptop.get(unknown.begun.location),
    ];
    expect([a.status, shape(a.text)]).toEqual([b.status, shape(b.text)]);
  });

  test("T09 as much is done for somebody whom nobody knows, and for who is locked", async () => {
    const { person } = await withPhone();
    const { person: locked } = await withPhone();
    const counter = counting(env);
    const counted = pageDeployment(counter.bindings);
    const rp = await newRp(counted);
    await lock(locked.id as UserId);
    const callsFor = async (identifier: string) => {
      const laptop = browser(counted);
      const to = await authorizePath(rp);
      await laptop.get(to);
      counter.take();
      expect((await laptop.post("/oauth/sign-in", { to, identifier, way: "device" })).status).toBe(303);
      return counter.take();
    };
    await callsFor(mail());
    const known = await callsFor(person.identifier);
    expect(await callsFor(mail())).toEqual(known);
    expect(await callsFor(locked.identifier)).toEqual(known);
  });

  test("a code may be sent instead, and takes the prompt away", async () => {
    const { app, person } = await withPhone();
    const rp = await newRp(at, { settings: TAPS });
    const { laptop, to, begun } = await begin(rp, person.identifier, "device");
    await laptop.get(begun.location);
    const page = begun.location.split("?")[0]!;
    const sent = await laptop.post(page, { to, way: "code" });
    expect(sent.status).toBe(303);
    expect(await prompt(phones, app, person)).toBeNull();
    await laptop.get(sent.location);
    const done = await laptop.post(sent.location.split("?")[0]!, { to, code: at.last().code ?? "" });
    expect(done.status).toBe(303);
    const led = await laptop.get(done.location);
    const { body } = await exchangeCode(at, rp, handedBack(led.location).code ?? "");
    expect(decodeJwt(body.id_token).sub).toBe(person.id);
  });

  test("T11 a locked person's phone is not asked, and an approval before the lock lets nobody in", async () => {
    const { app, person } = await withPhone();
    const rp = await newRp(at, { settings: TAPS });
    const first = await begin(rp, person.identifier, "device");
    const asked = await prompt(phones, app, person);
    await respond(phones, app, person, asked!, true);
    await lock(person.id as UserId);
    expect((await first.laptop.get(first.begun.location)).status).toBe(403);
    const second = await begin(rp, person.identifier, "device");
    expect(second.begun.status).toBe(303);
    expect(await prompt(phones, app, person)).toBeNull();
  });
});

const lock = async (id: UserId, realm = MAIN) => {
  const locked = await at.services.users.update({ id, realm }, { status: "locked" }, Date.now());
  if (!locked.ok) throw new Error(locked.error.code);
};

describe("a sign-in that a code proves", () => {
  test("a wrong code is told with what is left, five end it, and the right one is too late then (T60)", async () => {
    const rp = await newRp(at);
    const { laptop, to, begun } = await begin(rp, mail(), "code");
    const page = begun.location.split("?")[0]!;
    const right = at.last().code ?? "";
    const wrong = right === "000000" ? "111111" : "000000";
    for (let guess = 0; guess < 5; guess++) {
      const answer = await laptop.post(page, { to, code: wrong });
      expect(answer.status).toBe(303);
    }
    await laptop.post(page, { to, code: right });
    expect((await laptop.get(begun.location)).status).toBe(410);
  });

  test("a code cannot go to a username, and the page says so without saying who has it", async () => {
    const rp = await newRp(at);
    const { begun } = await begin(rp, "ana", "code");
    expect(begun.status).toBe(422);
    expect((await begin(rp, "  ", "code")).begun.status).toBe(422);
  });

  test("T70 the code of one sign-in does not fit another one", async () => {
    const rp = await newRp(at);
    const address = mail();
    const first = await begin(rp, address, "code");
    const code = at.last().code ?? "";
    const second = await begin(rp, address, "code");
    const page = second.begun.location.split("?")[0]!;
    const answer = await second.laptop.post(page, { to: second.to, code });
    expect(answer.location).toContain("e=wrong");
    expect(first.begun.status).toBe(303);
  });
});

describe("who is signed in here", () => {
  test("prompt=login asks again, and once it was answered leads on", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    const address = mail();
    await signInByCode(at, await authorizePath(rp), address, person);
    const to = await authorizePath(rp, { prompt: "login" });
    expect((await person.get(to)).status).toBe(200);
    const led = await signInByCode(at, to, address, person);
    expect(handedBack(led)).toHaveProperty("code");
    expect((await person.get(to)).status).toBe(200);
  });

  test("max_age asks again once it is over, and auth_time is the time of the sign-in", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    const began = Math.floor(Date.now() / 1_000);
    await signInByCode(at, await authorizePath(rp), mail(), person);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 100_000 });
    expect((await person.get(await authorizePath(rp, { max_age: "60" }))).status).toBe(200);
    const led = await person.get(await authorizePath(rp, { max_age: "3600" }));
    const { body } = await exchangeCode(at, rp, handedBack(led.location).code ?? "");
    const { auth_time } = decodeJwt(body.id_token);
    expect(Number(auth_time) - began).toBeLessThan(60);
  });

  test("select_account shows who is signed in, and goes on as them", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    const address = mail();
    await signInByCode(at, await authorizePath(rp), address, person);
    const to = await authorizePath(rp, { prompt: "select_account" });
    const page = await person.get(to);
    expect(readable(page.text)).toContain(address);
    const chosen = await person.post("/oauth/sign-in", { ...hiddenIn(page.text), way: "account" });
    expect(handedBack((await person.get(chosen.location)).location)).toHaveProperty("code");
  });

  test("a hint for somebody else asks, and one for them does not", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    const address = mail();
    await signInByCode(at, await authorizePath(rp), address, person);
    const own = await person.get(
      await authorizePath(rp, { login_hint: address.toUpperCase(), prompt: "none" }),
    );
    expect(handedBack(own.location)).toHaveProperty("code");
    const other = await person.get(await authorizePath(rp, { login_hint: mail(), prompt: "none" }));
    expect(handedBack(other.location).error).toBe("login_required");
  });

  test("an ID token hint of somebody else is login_required", async () => {
    const rp = await newRp(at);
    const [ana, ben] = [browser(at), browser(at)];
    const led = await signInByCode(at, await authorizePath(rp), mail(), ana);
    const { body } = await exchangeCode(at, rp, handedBack(led).code ?? "");
    await signInByCode(at, await authorizePath(rp), mail(), ben);
    const hinted = await authorizePath(rp, { id_token_hint: body.id_token, prompt: "none" });
    expect(handedBack((await ana.get(hinted)).location)).toHaveProperty("code");
    expect(handedBack((await ben.get(hinted)).location).error).toBe("login_required");
  });

  test("a stronger acr than the session has asks again", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    await signInByCode(at, await authorizePath(rp), mail(), person);
    const ask = async (acr_values: string) =>
      (await person.get(await authorizePath(rp, { acr_values }))).status;
    expect(await ask("urn:signin:acr:device")).toBe(200);
    expect(await ask("urn:signin:acr:identifier urn:signin:acr:device")).toBe(303);
    expect(await ask("urn:nobody:knows")).toBe(303);
  });

  test("T11 a lock ends the session at once, also when the person is active again", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    const led = await signInByCode(at, await authorizePath(rp), mail(), person);
    const { body } = await exchangeCode(at, rp, handedBack(led).code ?? "");
    const id = String(decodeJwt(body.id_token).sub) as UserId;
    await lock(id);
    expect((await person.get(await authorizePath(rp))).status).toBe(200);
    await at.services.users.update({ id, realm: MAIN }, { status: "active" }, Date.now() + 1);
    expect((await person.get(await authorizePath(rp))).status).toBe(200);
  });

  test("T84 a cookie that was used before ends the session once the grace is over", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    await signInByCode(at, await authorizePath(rp), mail(), person);
    const stolen = browser(at, { Cookie: person.cookie() });
    const used = await person.get(await authorizePath(rp, { prompt: "none" }));
    expect(handedBack(used.location)).toHaveProperty("code");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
    await stolen.get(await authorizePath(rp));
    const after = await person.get(await authorizePath(rp, { prompt: "none" }));
    expect(handedBack(after.location).error).toBe("login_required");
  });

  test("T106 a session of one realm is none in another", async () => {
    const rp = await newRp(at);
    const other = await newRp(at, { realm: parseRealm(fresh("realm"))! });
    const person = browser(at);
    await signInByCode(at, await authorizePath(rp), mail(), person);
    expect((await person.get(await authorizePath(other))).status).toBe(200);
    const forged = person.cookie().replace("countersign_session=", "countersign_session.x=");
    expect((await browser(at, { Cookie: forged }).get(await authorizePath(other))).status).toBe(200);
  });

  test("a session's cookie is no refresh token at any door, and a refresh token is no cookie", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    const led = await signInByCode(
      at,
      await authorizePath(rp, { scope: "openid offline_access" }),
      mail(),
      person,
    );
    const cookie = /countersign_session=([^;]+)/.exec(person.cookie())?.[1] ?? "";
    expect(cookie).not.toBe("");
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: rp.id,
      refresh_token: cookie,
    });
    const answer = await at.ask("/oauth/token", {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: form.toString(),
    });
    expect(answer.status).toBe(400);
    const cotter = await at.ask("/api/v0/token", {
      method: "POST",
      headers: { "Content-Type": "application/json", API_KEY_ID: rp.id },
      body: JSON.stringify({ grant_type: "refresh_token", refresh_token: cookie }),
    });
    expect(cotter.status).toBe(400);
    const { body } = await exchangeCode(at, rp, handedBack(led).code ?? "");
    const swapped = browser(at, { Cookie: `countersign_session=${body.refresh_token}` });
    expect((await swapped.get(await authorizePath(rp))).status).toBe(200);
    const still = await person.get(await authorizePath(rp, { prompt: "none" }));
    expect(handedBack(still.location)).toHaveProperty("code");
  });
});

describe("consent", () => {
  const third = { first_party: false } as const;

  test("is asked of every client that is not first-party, and its answer goes back", async () => {
    const rp = await newRp(at, { settings: third });
    const person = browser(at);
    const to = await authorizePath(rp, { scope: "openid email" });
    await signInByCode(at, to, mail(), person);
    const page = await person.get(to);
    expect(page.status).toBe(200);
    expect(page.text).toMatch(/value="deny"[\s\S]*value="approve"/);
    const denied = await person.post("/oauth/consent", { to, decision: "deny" });
    expect(handedBack(denied.location)).toMatchObject({ error: "access_denied", state: "af0ifjs" });
    expect(readable(denied.text)).toContain("You were not signed in");
    expect(readable(denied.text)).not.toContain("confirmed");
    const given = await person.post("/oauth/consent", { ...hiddenIn(page.text), decision: "approve" });
    expect(given.location.startsWith(`${CALLBACK}?code=`)).toBe(true);
    expect((await exchangeCode(at, rp, handedBack(given.location).code ?? "")).status).toBe(200);
    const silent = await person.get(await authorizePath(rp, { prompt: "none" }));
    expect(handedBack(silent.location).error).toBe("consent_required");
  });

  test("is asked of a first-party client only by prompt=consent", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    await signInByCode(at, await authorizePath(rp), mail(), person);
    expect((await person.get(await authorizePath(rp, { prompt: "consent" }))).status).toBe(200);
    expect((await person.get(await authorizePath(rp))).status).toBe(303);
  });

  test("T93 cannot be given by another site's form, nor without a session", async () => {
    const rp = await newRp(at, { settings: third });
    const person = browser(at);
    const to = await authorizePath(rp);
    await signInByCode(at, to, mail(), person);
    const foreign = await person.post(
      "/oauth/consent",
      { to, decision: "approve" },
      { "Sec-Fetch-Site": "cross-site" },
    );
    expect(foreign.status).toBe(403);
    const stranger = browser(at);
    await stranger.get(to);
    const bare = await stranger.post("/oauth/consent", { to, decision: "approve" });
    expect(bare.status).toBe(200);
    expect(bare.text).toContain('name="identifier"');
  });
});
