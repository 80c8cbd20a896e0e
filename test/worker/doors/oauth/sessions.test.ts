import { afterEach, describe, expect, test, vi } from "vitest";
import { revokeDevice } from "../../../../src/core/device/revoke.ts";
import { Outage } from "../../../../src/core/fault.ts";
import { endSession } from "../../../../src/core/grant/end.ts";
import { revokeGrant } from "../../../../src/core/grant/manage.ts";
import type { ChallengeId, GrantId, Realm } from "../../../../src/core/ids.ts";
import { updateUser } from "../../../../src/core/user/update.ts";
import { fresh } from "../../support/cotter.ts";
import { authorizePath, exchangeCode, handedBack, newRp, signInByCode } from "../../support/oauth.ts";
import {
  alsoAt,
  COOKIE,
  codeFor,
  drain,
  isAlive,
  isSignedIn,
  mailbox,
  newDevice,
  refreshes,
  sessionCookie,
  sessionIdOf,
  signedIn,
} from "../../support/oauth-sessions.ts";
import { browser, pageDeployment, readable } from "../../support/page.ts";

const at = pageDeployment();
const { services } = at;
const PAGE = "/oauth/sessions";
const admin = { actor: "admin" };

afterEach(() => void vi.useRealTimers());

const rowsOn = (html: string): readonly string[] =>
  [...html.matchAll(/name="end" value="([0-9a-f]{64})"/g)].map(([, id = ""]) => id);

describe("where a person is signed in", () => {
  test("a browser in which nobody is signed in is told that, and nothing else", async () => {
    const seen = await browser(at).get(PAGE);
    expect(seen.status).toBe(200);
    expect(readable(seen.text)).toContain("You are not signed in in this browser.");
    expect(seen.text).not.toContain("<form");
    const forged = browser(at);
    forged.keep(COOKIE, `${"a".repeat(64)}.${"b".repeat(43)}1`);
    expect((await forged.get(PAGE)).text).not.toContain("<form");
  });

  test("shows the browser and the apps by their clients' names, and this browser as such", async () => {
    const rp = await newRp(at, { settings: { brand: { name: "The Shop" } } });
    const other = await newRp(at, { settings: { brand: { name: "The Bank" } } });
    const chrome = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36";
    const first = await signedIn(at, rp, { person: browser(at, { "User-Agent": chrome }) });
    const second = await alsoAt(at, other, first);
    const seen = await first.person.get(PAGE);
    expect(new Set(rowsOn(seen.text))).toEqual(new Set([first.sessionId, first.grantId, second.grantId]));
    const text = readable(seen.text);
    for (const words of [first.address, "The Shop", "The Bank", "Chrome, Linux", "You are here"]) {
      expect(text).toContain(words);
    }
    expect(text.match(/You are here/g)).toHaveLength(1);
    await services.challenges.revoke(second.grantId, "test");
    expect(rowsOn((await first.person.get(PAGE)).text)).not.toContain(second.grantId);
  });

  test("ends one app, and the others go on", async () => {
    const [rp, other] = [await newRp(at), await newRp(at)];
    const first = await signedIn(at, rp);
    const second = await alsoAt(at, other, first);
    await first.person.get(PAGE);
    const done = await first.person.post(PAGE, { end: second.grantId });
    expect([done.status, done.location]).toEqual([303, PAGE]);
    expect(await refreshes(at, other, second)).toBe(false);
    expect(await refreshes(at, rp, first)).toBe(true);
    const [row] = await services.records.events({ userId: first.userId, type: "grant.revoked", size: 1 });
    expect(row).toMatchObject({ actor: `user:${first.userId}`, reason: "signed_out" });
  });

  test("ends another browser and what was approved there, and no more", async () => {
    const rp = await newRp(at);
    const here = await signedIn(at, rp);
    const there = await signedIn(at, rp, { address: here.address });
    expect(there.userId).toBe(here.userId);
    await here.person.get(PAGE);
    await here.person.post(PAGE, { end: there.sessionId });
    expect([await isSignedIn(rp, there.person), await refreshes(at, rp, there)]).toEqual([false, false]);
    expect([await isSignedIn(rp, here.person), await refreshes(at, rp, here)]).toEqual([true, true]);
  });

  test("ends this browser: its cookie is gone", async () => {
    const rp = await newRp(at);
    const here = await signedIn(at, rp);
    await here.person.get(PAGE);
    const done = await here.person.post(PAGE, { end: here.sessionId });
    expect([done.status, sessionCookie(here.person)]).toEqual([200, ""]);
    expect(readable(done.text)).toContain("You are signed out");
    expect(await refreshes(at, rp, here)).toBe(false);
  });

  test("ends all of it, also what is under way", async () => {
    const rp = await newRp(at);
    const here = await signedIn(at, rp);
    const there = await signedIn(at, rp, { address: here.address });
    const underWay = await codeFor(rp, there.person);
    await here.person.get(PAGE);
    // It ends what began in an earlier millisecond.
    await scheduler.wait(2);
    const done = await here.person.post(PAGE, { end: "all" });
    expect([done.status, sessionCookie(here.person)]).toEqual([200, ""]);
    expect(await exchangeCode(at, rp, underWay)).toMatchObject({
      status: 400,
      body: { error: "invalid_grant" },
    });
    for (const one of [here, there]) {
      expect([await isSignedIn(rp, one.person), await refreshes(at, rp, one)]).toEqual([false, false]);
    }
    expect(await services.records.grantsOfUser(here.userId)).toEqual([]);
  });

  test("T20 T106 what is another person's is not there, and nothing happens to it", async () => {
    const rp = await newRp(at);
    const [ana, bob] = [await signedIn(at, rp), await signedIn(at, rp)];
    await ana.person.get(PAGE);
    for (const end of [bob.sessionId, bob.grantId, services.challenges.fresh(), "f".repeat(64), "", "x"]) {
      const refused = await ana.person.post(PAGE, { end });
      expect([end, refused.status, refused.location]).toEqual([end, 404, ""]);
    }
    expect([await isSignedIn(rp, bob.person), await refreshes(at, rp, bob)]).toEqual([true, true]);
    expect(await refreshes(at, rp, ana)).toBe(true);
  });

  test("T106 realms have a cookie and a page of their own", async () => {
    const realm = fresh("realm") as Realm;
    const rp = await newRp(at, { realm });
    const main = await newRp(at);
    const person = browser(at);
    const there = await signedIn(at, rp, { person });
    expect(sessionCookie(person)).toBe("");
    const name = `${COOKIE}.${realm}`;
    const sessionId = sessionIdOf(sessionCookie(person, name));
    expect((await person.get(PAGE)).text).not.toContain("<form");
    const page = `${PAGE}?client_id=${rp.id}`;
    expect(rowsOn((await person.get(page)).text)).toEqual(expect.arrayContaining([sessionId, there.grantId]));
    // The cookie of one realm is nothing in another.
    const swapped = browser(at);
    swapped.keep(COOKIE, sessionCookie(person, name));
    expect((await swapped.get(PAGE)).text).not.toContain("<form");
    expect(await isSignedIn(main, swapped)).toBe(false);
    const done = await person.post(page, { end: sessionId });
    expect([done.status, await refreshes(at, rp, there)]).toEqual([200, false]);
  });

  test("a client that nobody knows, or that is disabled", async () => {
    const rp = await newRp(at);
    await services.clients.disable(rp.id, Date.now());
    for (const id of ["nobody", rp.id, "<script>"]) {
      expect((await browser(at).get(`${PAGE}?client_id=${encodeURIComponent(id)}`)).status).toBe(400);
    }
  });

  test.each([
    ["another site's page", { "Sec-Fetch-Site": "cross-site" }, {}],
    ["no token", {}, { csrf: "" }],
    ["a wrong token", {}, { csrf: "x".repeat(43) }],
  ])("T93 a form from %s ends nothing", async (_, headers, fields) => {
    const rp = await newRp(at);
    const here = await signedIn(at, rp);
    const page = await here.person.get(PAGE);
    expect(page.headers.get("Content-Security-Policy")).toContain("frame-ancestors 'none'");
    expect(page.headers.get("Cache-Control")).toBe("no-store");
    const refused = await here.person.post(PAGE, { end: "all", ...fields }, headers);
    expect(refused.status).toBe(403);
    expect([await isSignedIn(rp, here.person), await refreshes(at, rp, here)]).toEqual([true, true]);
  });
});

describe("the cookie of a session", () => {
  const attributes = (cookie: string) => cookie.split("; ").slice(1).sort();
  const cookieSet = (headers: Headers, name: string) =>
    headers.getSetCookie().find((set) => set.startsWith(`${name}=`)) ?? "";

  test("is for this host alone, not for scripts, and not sent along from other sites", async () => {
    const rp = await newRp(at);
    const here = await signedIn(at, rp);
    const seen = await here.person.get(PAGE);
    expect(attributes(cookieSet(seen.headers, COOKIE))).toEqual([
      "HttpOnly",
      "Max-Age=1209600",
      "Path=/",
      "SameSite=Lax",
    ]);
    const gone = await here.person.post(PAGE, { end: "all" });
    expect(cookieSet(gone.headers, COOKIE)).toMatch(/^countersign_session=; Max-Age=0; Path=\//);
  });

  test("has the prefix __Host- and Secure where the issuer is https", async () => {
    const secure = pageDeployment({ ISSUER: "https://id.example" });
    const rp = await newRp(secure);
    const here = await signedIn(secure, rp);
    const name = `__Host-${COOKIE}`;
    expect(sessionCookie(here.person, name)).not.toBe("");
    expect(sessionCookie(here.person)).toBe("");
    const seen = await here.person.get(PAGE);
    expect(attributes(cookieSet(seen.headers, name))).toEqual([
      "HttpOnly",
      "Max-Age=1209600",
      "Path=/",
      "SameSite=Lax",
      "Secure",
    ]);
    // Without the prefix a neighbour's host could have set it.
    const tossed = browser(secure);
    tossed.keep(COOKIE, sessionCookie(here.person, name));
    expect((await tossed.get(PAGE)).text).not.toContain("<form");
    const gone = await here.person.post(PAGE, { end: "all" });
    expect(cookieSet(gone.headers, name)).toContain("Max-Age=0");
    expect(cookieSet(gone.headers, name)).toContain("Secure");
  });
});

describe("what ends a session ends what was approved in it", () => {
  test("T84 a cookie that was stolen and comes back ends the session and its grants, and their clients hear of it", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const rp = await newRp(at);
    const here = await signedIn(at, rp);
    const stolen = sessionCookie(here.person);
    await here.person.get(PAGE);
    expect(sessionCookie(here.person)).not.toBe(stolen);
    vi.setSystemTime(Date.now() + 31_000);
    const thief = browser(at);
    thief.keep(COOKIE, stolen);
    const seen = await thief.get(PAGE);
    expect(seen.text).not.toContain("<form");
    expect(seen.text).not.toContain(here.address);
    expect(sessionCookie(thief)).toBe("");
    expect([await isSignedIn(rp, here.person), await refreshes(at, rp, here)]).toEqual([false, false]);
    await drain(at);
    const rows = await services.records.events({ userId: here.userId, size: 20 });
    expect(rows.map(({ type }) => type)).toContain("refresh_reused");
    expect(await services.records.grantsOfUser(here.userId)).toEqual([]);
  });

  test("T84 inside of 30 s the cookie before is a second tab, and gets the same one", async () => {
    const rp = await newRp(at);
    const here = await signedIn(at, rp);
    const tab = browser(at);
    tab.keep(COOKIE, sessionCookie(here.person));
    await Promise.all([here.person.get(PAGE), tab.get(PAGE)]);
    expect(sessionCookie(tab)).toBe(sessionCookie(here.person));
    expect([await isSignedIn(rp, tab), await isSignedIn(rp, here.person)]).toEqual([true, true]);
  });

  test("the operator ends a browser's session", async () => {
    const rp = await newRp(at);
    const here = await signedIn(at, rp);
    expect((await revokeGrant(services, here.userId, here.sessionId, admin)).ok).toBe(true);
    expect([await isSignedIn(rp, here.person), await refreshes(at, rp, here)]).toEqual([false, false]);
  });

  test("T11 a locked person gets no code, and none that was given is exchanged", async () => {
    const rp = await newRp(at);
    const here = await signedIn(at, rp);
    const code = await codeFor(rp, here.person);
    await updateUser(services, here.userId, { status: "locked", identifiers: {} }, admin);
    expect(await isSignedIn(rp, here.person)).toBe(false);
    expect((await exchangeCode(at, rp, code)).body.error).toBe("invalid_grant");
    await updateUser(services, here.userId, { status: "active", identifiers: {} }, admin);
    expect(await isSignedIn(rp, here.person)).toBe(false);
    expect((await exchangeCode(at, rp, code)).body.error).toBe("invalid_grant");
  });

  test("T25 T33 the removal of the device that approved the sign-in ends the session and its grants", async () => {
    const rp = await newRp(at, { settings: { match_code: "off" } });
    const { address, userId } = await signedIn(at, rp);
    const { id: deviceId, approve } = await newDevice(at, rp, userId);
    const person = browser(at);
    const to = await authorizePath(rp, { scope: "openid offline_access" });
    await person.get(to);
    const begun = await person.post("/oauth/sign-in", { to, identifier: address, way: "device" });
    const id = /sign-in\/([0-9a-f]{64})/.exec(begun.location)?.[1] as ChallengeId;
    await approve(id);
    const entered = await person.get(begun.location);
    const led = await person.get(entered.location);
    const { code = "" } = handedBack(led.location);
    const { body } = await exchangeCode(at, rp, code);
    const underWay = await codeFor(rp, person);
    const session = await services.records.grant(userId, sessionIdOf(sessionCookie(person)));
    expect(session).toMatchObject({ deviceId });
    await revokeDevice(services, { userId, deviceId, reason: "test", ...admin });
    expect(await isSignedIn(rp, person)).toBe(false);
    expect((await exchangeCode(at, rp, underWay)).body.error).toBe("invalid_grant");
    const info = await at.ask("/oauth/userinfo", {
      headers: { Authorization: `Bearer ${body.access_token}` },
    });
    expect(info.status).toBe(401);
  });

  test("a code that was given before the sign-out is exchanged by nobody", async () => {
    const rp = await newRp(at);
    const here = await signedIn(at, rp);
    const code = await codeFor(rp, here.person);
    await here.person.get(PAGE);
    await here.person.post(PAGE, { end: here.sessionId });
    const late = await exchangeCode(at, rp, code);
    expect([late.status, late.body.error]).toEqual([400, "invalid_grant"]);
    expect(await services.records.grantsOfUser(here.userId)).toEqual([]);
  });

  test("race: a sign-out and the exchange of a code leave nothing alive", async () => {
    const rp = await newRp(at);
    for (let turn = 0; turn < 4; turn++) {
      const here = await signedIn(at, rp);
      const codes = [await codeFor(rp, here.person), await codeFor(rp, here.person)];
      await here.person.get(PAGE);
      const [, ...exchanged] = await Promise.all([
        here.person.post(PAGE, { end: here.sessionId }),
        ...codes.map((code) => exchangeCode(at, rp, code)),
      ]);
      for (const { status, body } of exchanged) {
        if (status !== 200) continue;
        const form = { ...here, tokens: body };
        expect(await refreshes(at, rp, form)).toBe(false);
      }
      expect(await services.records.grantsOfUser(here.userId)).toEqual([]);
    }
  });

  test("where D1 fails on the way, the queue ends the rest", async () => {
    const rp = await newRp(at);
    const here = await signedIn(at, rp);
    const listing = await services.records.grant(here.userId, here.sessionId);
    const records = {
      ...services.records,
      grantsOfUser: async () => {
        throw new Outage("the database cannot be used now");
      },
    };
    at.queued.length = 0;
    await endSession({ ...services, records, log: () => undefined }, listing!, {
      ...admin,
      reason: "signed_out",
    });
    expect(at.queued).toContainEqual(
      expect.objectContaining({ kind: "revoke_grants", sessionId: here.sessionId, reason: "signed_out" }),
    );
    expect(await isAlive(at, here.grantId)).toBe(true);
    await drain(at);
    expect(await isAlive(at, here.grantId)).toBe(false);
  });
});

describe("a browser in which somebody signs in again", () => {
  const again = async (
    rp: Awaited<ReturnType<typeof newRp>>,
    person: ReturnType<typeof browser>,
    address: string,
  ) => await signInByCode(at, await authorizePath(rp, { prompt: "login" }), address, person);

  test("keeps what the same person had approved, and a sign-out ends that too", async () => {
    const rp = await newRp(at);
    const here = await signedIn(at, rp);
    expect(handedBack(await again(rp, here.person, here.address))).toHaveProperty("code");
    const next: GrantId = sessionIdOf(sessionCookie(here.person));
    expect(next).not.toBe(here.sessionId);
    expect([await isAlive(at, here.sessionId), await isAlive(at, here.grantId)]).toEqual([false, true]);
    await here.person.get(PAGE);
    await here.person.post(PAGE, { end: next });
    expect(await refreshes(at, rp, here)).toBe(false);
  });

  test("is signed out first when it is somebody else", async () => {
    const rp = await newRp(at);
    const ana = await signedIn(at, rp);
    await again(rp, ana.person, mailbox());
    expect([await isAlive(at, ana.sessionId), await refreshes(at, rp, ana)]).toEqual([false, false]);
    expect(await isSignedIn(rp, ana.person)).toBe(true);
  });
});
