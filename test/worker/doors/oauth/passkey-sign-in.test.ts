import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { NotedRefusal } from "../../../../src/core/audit/note-refusal.ts";
import { type DeviceId, MAIN, parseRealm } from "../../../../src/core/ids.ts";
import { MINUTE } from "../../../../src/core/time.ts";
import { newAuthenticator } from "../../../fakes/authenticator.ts";
import { fresh } from "../../support/cotter.ts";
import { authorizePath, exchangeCode, handedBack, newRp, type Rp } from "../../support/oauth.ts";
import {
  type Authenticator,
  challengeIn,
  claimsIn,
  passkeysAt,
  sendSigned,
  signature,
  signIn,
  withPasskey,
} from "../../support/oauth-passkeys.ts";
import { type Browser, browser, pageDeployment, readable, type Seen } from "../../support/page.ts";

const missed: unknown[] = [];
const at = pageDeployment({}, ({ limits }) => ({
  limits: {
    ...limits,
    miss: async (ip) => {
      missed.push(ip);
      return true;
    },
  },
}));
const mail = () => `${fresh("ana")}@example.com`;
const REFUSED = "This passkey did not work here. Try again, or choose another way.";
const later = (by: number) => vi.setSystemTime(Date.now() + by);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  missed.length = 0;
  at.queued.length = 0;
});
afterEach(() => void vi.useRealTimers());

/** Somebody with a passkey, who comes back a minute later in a browser that knows nobody. */
async function scene(rp?: Rp, spoilt = {}) {
  const client = rp ?? (await newRp(at));
  const authenticator = await newAuthenticator();
  const { userId, person } = await withPasskey(at, client, mail(), authenticator, spoilt);
  later(MINUTE);
  const path = await authorizePath(client);
  return { rp: client, authenticator, userId, person, path, laptop: browser(at) };
}

const reasons = () =>
  at.queued.flatMap((message) => {
    const { kind, events = [] } = message as { kind: string; events?: readonly NotedRefusal[] };
    return kind === "audit"
      ? events.filter(({ type }) => type === "passkey_refused").map(({ reason }) => reason)
      : [];
  });

/** One answer for everything: the page again, nobody signed in, counted and on record. */
async function expectRefused(
  answer: Seen,
  laptop: Browser,
  path: string,
  reason: unknown = expect.any(String),
) {
  expect([answer.status, readable(answer.text).includes(REFUSED)]).toEqual([422, true]);
  expect(answer.headers.getSetCookie().join()).not.toContain("countersign_session");
  expect(missed).toHaveLength(1);
  expect(reasons()).toEqual([reason]);
  expect(challengeIn(await laptop.get(path))).not.toBe("");
}

async function tokensOf(laptop: Browser, rp: Rp, done: Seen) {
  expect(done.status).toBe(303);
  const led = await laptop.get(done.location);
  const { body } = await exchangeCode(at, rp, handedBack(led.location).code ?? "");
  return { id: claimsIn(body.id_token), access: claimsIn(body.access_token) };
}

describe("a passkey on the sign-in page", () => {
  test.each([
    ["hwk", 0x05, 0x45],
    ["swk", 0x0d, 0x4d],
    ["swk", 0x1d, 0x5d],
  ])("T32 signs in by itself: amr %s and user, the strongest acr (flags %i)", async (key, flags, made) => {
    const { rp, authenticator, userId, path, laptop } = await scene(undefined, { flags: made });
    const done = await signIn(laptop, path, authenticator, userId, { flags });
    const { id, access } = await tokensOf(laptop, rp, done);
    const said = { sub: userId, amr: [key, "user"], acr: "urn:signin:acr:device-match-uv" };
    expect(id).toMatchObject({ ...said, auth_time: expect.any(Number) });
    expect(access).toMatchObject(said);
    expect(missed).toEqual([]);
    const [device] = await at.services.devices.ofUser(userId);
    expect(device).toMatchObject({ signCount: 1, backupEligible: key === "swk", backedUp: flags === 0x1d });
  });

  test("its page offers it to scripts alone, and says so where there is none", async () => {
    const page = await browser(at).get(await authorizePath(await newRp(at)));
    expect(page.text).toMatch(/<form method="post" action="\/oauth\/sign-in\/passkey" id="passkey" hidden/);
    expect(page.text).toContain('data-rp="localhost"');
    expect(page.text).toContain('autocomplete="username webauthn"');
    expect(page.text).toContain("<noscript><p");
    const bare = pageDeployment({ ISSUER: "http://127.0.0.1:8787" });
    const without = await browser(bare).get(await authorizePath(await newRp(bare)));
    expect([without.status, without.text.includes("passkey")]).toEqual([200, false]);
  });

  test("a stronger acr that a client asks for is reached by it, and by no code", async () => {
    const { rp, authenticator, userId, person, laptop } = await scene();
    const path = await authorizePath(rp, { acr_values: "urn:signin:acr:device-match-uv" });
    expect((await person.get(path)).status).toBe(200);
    const { id } = await tokensOf(laptop, rp, await signIn(laptop, path, authenticator, userId));
    expect(id.acr).toBe("urn:signin:acr:device-match-uv");
    expect(handedBack((await laptop.get(path)).location)).toHaveProperty("code");
  });

  test("one of our page does for every client of its realm, as its session does", async () => {
    const { authenticator, userId, laptop } = await scene();
    const other = await newRp(at);
    const done = await signIn(laptop, await authorizePath(other), authenticator, userId);
    expect((await tokensOf(laptop, other, done)).id.sub).toBe(userId);
  });

  test("T24 is good once: of twenty at once one signs in, and none later", async () => {
    const { authenticator, userId, path, laptop } = await scene(undefined, { count: 0 });
    const challenge = challengeIn(await laptop.get(path));
    const form = await signature(authenticator, userId, path, challenge, { count: 0 });
    const copy = () => browser(at, { Cookie: laptop.cookie() });
    const csrf = laptop.csrf();
    const all = await Promise.all(Array.from({ length: 20 }, () => sendSigned(copy(), { ...form, csrf })));
    expect(all.map(({ status }) => status).sort()).toEqual([303, ...Array(19).fill(422)]);
    expect((await sendSigned(laptop, form)).status).toBe(422);
    expect(new Set(reasons())).toEqual(new Set(["the challenge was used"]));
  });

  const swapped = (text: string) => `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`;
  const inside = (text: string) => `${text.slice(0, 20)}${text[20] === "A" ? "B" : "A"}${text.slice(21)}`;

  test.each([
    ["credential_id", swapped],
    ["client_data", inside],
    ["authenticator_data", swapped],
    ["signature", inside],
    ["user_handle", swapped],
    ["challenge", swapped],
    ["challenge", inside],
    ["challenge", () => ""],
    ["user_handle", () => ""],
    ["signature", () => ""],
    ["authenticator_data", (text: string) => text.slice(0, -4)],
    ["client_data", () => "x".repeat(20_000)],
  ])("T24 with %s changed is refused", async (name, change) => {
    const { authenticator, userId, path, laptop } = await scene();
    const challenge = challengeIn(await laptop.get(path));
    const form = await signature(authenticator, userId, path, challenge);
    await expectRefused(
      await sendSigned(laptop, { ...form, [name]: change(form[name] ?? "") }),
      laptop,
      path,
    );
  });

  test.each([
    ["T32 nobody was verified", { flags: 0x01 }, "nobody was verified"],
    ["T32 nobody was present", { flags: 0x04 }, "nobody was present"],
    ["another origin", { origin: "https://evil.example" }, "the origin is not the client's"],
    ["another port", { origin: "http://localhost:8788" }, "the origin is not the client's"],
    ["another rp id", { rpId: "shop.example" }, "the rp id is another"],
    ["a frame of another site", { crossOrigin: true }, "the page stood in a frame of another site"],
    ["a ceremony of another kind", { type: "webauthn.create" }, "the client data is for another ceremony"],
    ["T24 another challenge", { challenge: "YWJj" }, "the challenge is another"],
    ["a key that may be copied now", { flags: 0x0d }, "whether it may be backed up has changed"],
    ["bytes behind", { behind: Uint8Array.of(1) }, undefined],
  ])("%s: refused", async (_name, spoilt, reason) => {
    const { authenticator, userId, path, laptop } = await scene();
    const answer = await signIn(laptop, path, authenticator, userId, spoilt);
    await expectRefused(answer, laptop, path, reason ?? expect.any(String));
  });

  test("a counter that goes back is refused, and one that stays", async () => {
    const { authenticator, userId, path, laptop } = await scene();
    expect((await signIn(laptop, path, authenticator, userId, { count: 7 })).status).toBe(303);
    for (const count of [7, 6, 0]) {
      const other = browser(at);
      missed.length = 0;
      at.queued.length = 0;
      const answer = await signIn(other, path, authenticator, userId, { count });
      await expectRefused(answer, other, path, "the passkey's counter went back, or it was removed");
    }
  });

  test("T24 a challenge is of one browser, one place, one client, and five minutes", async () => {
    const { authenticator, userId, path, rp, laptop } = await scene();
    const challenge = challengeIn(await laptop.get(path));
    const other = await newRp(at);
    const thief = browser(at);
    await thief.get(path);
    const trial = async (who: Browser, to: string) => {
      missed.length = 0;
      at.queued.length = 0;
      const form = await signature(authenticator, userId, to, challenge);
      await expectRefused(
        await sendSigned(who, form),
        who,
        to,
        "the challenge is not one of these five minutes",
      );
    };
    await trial(thief, path);
    await trial(laptop, await authorizePath(rp, { state: "another" }));
    await trial(laptop, await authorizePath(other));
    later(5 * MINUTE);
    await trial(laptop, path);
  });

  test("T25 a removed passkey is refused, and so is one that is younger than the page", async () => {
    const { authenticator, userId, path, person, rp, laptop } = await scene();
    const [device] = await at.services.devices.ofUser(userId);
    await person.get(passkeysAt(rp));
    const gone = await person.post("/oauth/passkeys/remove", { client_id: rp.id, id: device!.id });
    expect(gone.status).toBe(303);
    await expectRefused(await signIn(laptop, path, authenticator, userId), laptop, path, "no such passkey");
    const young = await newAuthenticator();
    const early = challengeIn(await laptop.get(path));
    later(1_000);
    const somebody = await withPasskey(at, rp, mail(), young);
    missed.length = 0;
    at.queued.length = 0;
    const form = await signature(young, somebody.userId, path, early);
    await expectRefused(await sendSigned(laptop, form), laptop, path, "device_too_young");
  });

  test("T25 T106 a passkey of another realm is none", async () => {
    const realm = parseRealm(fresh("realm"))!;
    const { authenticator, userId } = await scene(await newRp(at, { realm }));
    const path = await authorizePath(await newRp(at));
    const laptop = browser(at);
    await expectRefused(await signIn(laptop, path, authenticator, userId), laptop, path, "no such passkey");
  });

  test("T25 what another door calls a passkey is none here, whatever its client admits", async () => {
    const { authenticator, userId, path, rp, laptop } = await scene(
      await newRp(at, { settings: { approve_through: "realm" } }),
    );
    const [device] = await at.services.devices.ofUser(userId);
    const event = { id: fresh("event"), at: Date.now(), type: "device.revoked", actor: "test" };
    await at.services.devices.revoke(userId, device!.id, event, Date.now());
    const id = crypto.randomUUID() as DeviceId;
    const forged = { ...device!, id, door: "loginid", clientId: rp.id } as const;
    expect((await at.services.devices.insert(forged, { ...event, id: fresh("event") })).ok).toBe(true);
    await expectRefused(await signIn(laptop, path, authenticator, userId), laptop, path, "no such passkey");
  });

  test("T25 one that a client's device had let in goes as far as that device", async () => {
    const { authenticator, userId, rp, path, laptop } = await scene();
    const [device] = await at.services.devices.ofUser(userId);
    const event = { id: fresh("event"), at: Date.now(), type: "device.revoked", actor: "test" };
    await at.services.devices.revoke(userId, device!.id, event, Date.now());
    const letIn = { ...device!, id: crypto.randomUUID() as DeviceId, letInBy: rp.id };
    await at.services.devices.insert(letIn, { ...event, id: fresh("event") });
    later(1_000);
    expect((await signIn(laptop, path, authenticator, userId)).status).toBe(303);
    const blog = await newRp(at);
    const stranger = browser(at);
    const there = await authorizePath(blog);
    await expectRefused(
      await signIn(stranger, there, authenticator, userId),
      stranger,
      there,
      "no such passkey",
    );
    const friend = await newRp(at, { settings: { approve_through: [rp.id] } });
    const done = await signIn(browser(at), await authorizePath(friend), authenticator, userId);
    expect(done.status).toBe(303);
  });

  test("a passkey of somebody else with this user's handle is refused", async () => {
    const { authenticator, path, laptop } = await scene();
    const other = await scene();
    const answer = await signIn(laptop, path, authenticator, other.userId);
    await expectRefused(answer, laptop, path, "the passkey is another user's");
  });

  test("T11 a locked user is told so, and nobody is signed in; what was begun before the lock is over", async () => {
    const { authenticator, userId, path, laptop } = await scene();
    const challenge = challengeIn(await laptop.get(path));
    await at.services.users.update({ id: userId, realm: MAIN }, { status: "locked" }, Date.now());
    const form = await signature(authenticator, userId, path, challenge);
    expect((await sendSigned(laptop, form)).status).toBe(403);
    later(1_000);
    await at.services.users.update({ id: userId, realm: MAIN }, { status: "active" }, Date.now());
    await at.services.users.update({ id: userId, realm: MAIN }, { status: "locked" }, Date.now());
    later(1_000);
    await at.services.users.update({ id: userId, realm: MAIN }, { status: "active" }, Date.now());
    const again = await signature(authenticator, userId, path, challenge);
    await expectRefused(await sendSigned(laptop, again), laptop, path, "cancelled");
    expect((await signIn(browser(at), path, authenticator, userId)).status).toBe(303);
  });

  test("T93 a form of another site, or without its page's mark, does nothing", async () => {
    const { authenticator, userId, path, laptop } = await scene();
    const challenge = challengeIn(await laptop.get(path));
    const form = await signature(authenticator, userId, path, challenge);
    const foreign = { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" };
    expect((await laptop.post("/oauth/sign-in/passkey", form, foreign)).status).toBe(403);
    expect((await laptop.post("/oauth/sign-in/passkey", { ...form, csrf: "x" })).status).toBe(403);
    expect(
      (await laptop.post("/oauth/sign-in/passkey", { ...form, to: "https://evil.example" })).status,
    ).toBe(400);
    expect((await sendSigned(laptop, form)).status).toBe(303);
  });

  test("an unfinished sign-in leaves no row, and a finished one is on record as the device's", async () => {
    const { authenticator, userId, path, laptop } = await scene();
    const before = await at.services.records.events({ userId, size: 50 });
    await laptop.get(path);
    expect(await at.services.records.events({ userId, size: 50 })).toEqual(before);
    expect((await signIn(laptop, path, authenticator, userId)).status).toBe(303);
    const [event] = await at.services.records.events({ userId, size: 1 });
    const [device] = await at.services.devices.ofUser(userId);
    expect(event).toMatchObject({ type: "sign_in.redeemed", deviceId: device!.id });
  });
});

test("T62 an address with too many refused passkeys waits; S14 a good one passes all the same", async () => {
  const counted = pageDeployment({ IP_LIMITS: "on" });
  const network = `2001:db8:${Math.floor(Math.random() * 60_000).toString(16)}`;
  const person = browser(counted, { "CF-Connecting-IP": `${network}::1` });
  const rp = await newRp(counted);
  const path = await authorizePath(rp);
  const authenticator: Authenticator = await newAuthenticator();
  const { userId } = await withPasskey(at, rp, mail(), authenticator);
  later(MINUTE);
  const challenge = challengeIn(await person.get(path));
  const form = await signature(authenticator, crypto.randomUUID(), path, challenge);
  const seen: number[] = [];
  for (let turn = 0; turn < 34; turn++) seen.push((await sendSigned(person, form)).status);
  expect([seen.at(0), seen.at(-1)]).toEqual([422, 429]);
  const good = await signature(authenticator, userId, path, challenge);
  expect((await sendSigned(person, good)).status).toBe(303);
});
