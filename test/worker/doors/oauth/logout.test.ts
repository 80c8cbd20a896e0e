import { decodeJwt } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Realm } from "../../../../src/core/ids.ts";
import type { TokenClaims } from "../../../../src/core/keys/token.ts";
import { fresh } from "../../support/cotter.ts";
import { authorizePath, CALLBACK, exchangeCode, newRp, type Rp, signInByCode } from "../../support/oauth.ts";
import {
  alsoAt,
  COOKIE,
  codeFor,
  isAlive,
  isSignedIn,
  mailbox,
  refreshes,
  type SignedIn,
  sessionCookie,
  signedIn,
} from "../../support/oauth-sessions.ts";
import { browser, pageDeployment, readable, type Seen } from "../../support/page.ts";

const at = pageDeployment();
const { services } = at;
const ISSUER = services.config.issuer;
const BYE = "https://shop.example/bye?from=sign";
const APP_BYE = "com.example.app:/bye";

afterEach(() => void vi.useRealTimers());

const newClient = (over: Parameters<typeof newRp>[1] = {}) =>
  newRp(at, { settings: { post_logout_redirect_uris: [BYE, APP_BYE] }, ...over });

const logoutPath = (query: Readonly<Record<string, string>>): string =>
  `/oauth/logout?${new URLSearchParams(query)}`;
const hintOf = ({ tokens }: SignedIn) => ({ id_token_hint: tokens.id_token ?? "" });

/** Who is still there: the browser, and the client's tokens. */
const left = async (rp: Rp, here: SignedIn) => [
  await isSignedIn(rp, here.person),
  await refreshes(at, rp, here),
];
const GONE = [false, false];
const THERE = [true, true];

const asks = (seen: Seen): boolean =>
  seen.status === 200 && seen.location === "" && seen.text.includes('name="decision"');

/** Presses a button of the page that asks, with everything that its form holds. */
async function press(
  { person }: Pick<SignedIn, "person">,
  page: Seen,
  decision: string,
  over: Readonly<Record<string, string>> = {},
  headers: object = {},
): Promise<Seen> {
  const hidden = [...page.text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(
    ([, name = "", value = ""]) => [name, value.replaceAll("&amp;", "&")],
  );
  return await person.post(
    "/oauth/logout/answer",
    { ...Object.fromEntries(hidden), decision, ...over },
    headers,
  );
}

describe("a client signs its user out", () => {
  test("with an ID token of whoever is signed in: at once, and back with the state", async () => {
    const [rp, other] = [await newClient(), await newRp(at)];
    const here = await signedIn(at, rp);
    const also = await alsoAt(at, other, here);
    const state = ` ?&=#%"<>\u00e4\u4f60`;
    const query = { ...hintOf(here), client_id: rp.id, post_logout_redirect_uri: BYE, state };
    const led = await here.person.get(logoutPath(query));
    expect(led.status).toBe(303);
    expect(led.location.startsWith(`${BYE}&state=`)).toBe(true);
    expect(Object.fromEntries(new URL(led.location).searchParams)).toEqual({ from: "sign", state });
    expect(sessionCookie(here.person)).toBe("");
    expect([await left(rp, here), await left(other, also)]).toEqual([GONE, GONE]);
    const rows = await services.records.events({ userId: here.userId, type: "grant.revoked", size: 9 });
    expect(rows.map(({ actor, reason }) => [actor, reason])).toEqual(
      Array.from({ length: 3 }, () => [`user:${here.userId}`, "signed_out"]),
    );
  });

  test("by the hint alone, which names the client; without an address the page says that it is done", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const led = await here.person.get(logoutPath({ ...hintOf(here), post_logout_redirect_uri: APP_BYE }));
    expect([led.status, led.location]).toEqual([303, APP_BYE]);
    const there = await signedIn(at, rp);
    const done = await there.person.get(logoutPath(hintOf(there)));
    expect([done.status, done.location]).toEqual([200, ""]);
    expect(readable(done.text)).toContain("You are signed out");
    expect(done.text).not.toContain("<a ");
    expect([await left(rp, here), await left(rp, there)]).toEqual([GONE, GONE]);
  });

  test("by a hint that expired long ago", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const rp = await newClient();
    const here = await signedIn(at, rp);
    vi.setSystemTime(Date.now() + 10 * 86_400_000);
    await here.person.get(logoutPath(hintOf(here)));
    expect(await left(rp, here)).toEqual(GONE);
  });

  test("another browser of the same person goes on", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const there = await signedIn(at, rp, { address: here.address });
    await here.person.get(logoutPath(hintOf(here)));
    expect([await left(rp, here), await left(rp, there)]).toEqual([GONE, THERE]);
  });

  test("by a form, which brings no cookie from another site: the browser comes once more", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const body = new URLSearchParams({
      ...hintOf(here),
      post_logout_redirect_uri: BYE,
      state: "s",
      other: "x",
    });
    const headers = { "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site" };
    const first = await at.ask("/oauth/logout", { method: "POST", headers, body: body.toString() });
    expect(first.status).toBe(303);
    const again = first.headers.get("Location") ?? "";
    expect(again.startsWith("/oauth/logout?")).toBe(true);
    expect(again).not.toContain("other");
    const led = await here.person.get(again);
    expect([led.status, led.location]).toEqual([303, `${BYE}&state=s`]);
    expect(await left(rp, here)).toEqual(GONE);
    for (const text of ["client_id=a&client_id=a", "a=%ff"]) {
      expect((await at.ask("/oauth/logout", { method: "POST", headers, body: text })).status).toBe(400);
    }
    const json = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
    expect((await at.ask("/oauth/logout", json)).status).toBe(400);
  });

  test("where nobody is signed in there is nothing to ask", async () => {
    const rp = await newClient();
    const query = { client_id: rp.id, post_logout_redirect_uri: BYE };
    expect((await browser(at).get(logoutPath(query))).location).toBe(BYE);
    const plain = await browser(at).get("/oauth/logout");
    expect([plain.status, plain.location]).toEqual([200, ""]);
  });
});

describe("T93 without a hint of whoever is signed in, the person is asked", () => {
  const cases = async (): Promise<readonly (readonly [string, Readonly<Record<string, string>>])[]> => {
    const rp = await newClient();
    const other = await signedIn(at, rp);
    const token = other.tokens.id_token ?? "";
    const signed = (claims: TokenClaims, typ = "JWT") => services.keyring.sign("standard", { typ }, claims);
    const now = Math.floor(Date.now() / 1_000);
    const own = { iss: ISSUER, aud: rp.id, sub: other.userId, iat: now, exp: now + 60 };
    return [
      ["no hint", {}],
      ["a client alone", { client_id: rp.id }],
      ["another user's hint", { id_token_hint: token }],
      ["a hint with another signature", { id_token_hint: `${token.slice(0, -8)}AAAAAAAA` }],
      ["an access token", { id_token_hint: other.tokens.access_token ?? "" }],
      ["no token at all", { id_token_hint: "x" }],
      ["a token of another issuer", { id_token_hint: await signed({ ...own, iss: "https://x.example" }) }],
      ["a token of a vendor's door", { id_token_hint: await signed({ ...own, type: "client_id_token" }) }],
      ["a logout token", { id_token_hint: await signed(own, "logout+jwt") }],
    ];
  };

  test("whatever else comes along, and nothing is done meanwhile", async () => {
    for (const [what, query] of await cases()) {
      const rp = await newClient();
      const here = await signedIn(at, rp);
      const page = await here.person.get(logoutPath(query));
      expect([what, asks(page)]).toEqual([what, true]);
      expect(page.headers.get("Content-Security-Policy")).toContain("frame-ancestors 'none'");
      expect(page.headers.get("Cache-Control")).toBe("no-store");
      expect([what, ...(await left(rp, here))]).toEqual([what, ...THERE]);
    }
  });

  test("the answer signs out, and leads back", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const query = { client_id: rp.id, post_logout_redirect_uri: BYE, state: "s t" };
    const page = await here.person.get(logoutPath(query));
    expect(readable(page.text)).toContain(here.address);
    // Chromium holds redirects to it too.
    expect(page.headers.get("Content-Security-Policy")).toContain("https://shop.example");
    const done = await press(here, page, "sign_out");
    expect([done.status, done.location]).toEqual([303, `${BYE}&state=s%20t`]);
    expect(sessionCookie(here.person)).toBe("");
    expect(await left(rp, here)).toEqual(GONE);
  });

  test("whoever stays is shown where they are signed in", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const page = await here.person.get(logoutPath({ client_id: rp.id, post_logout_redirect_uri: BYE }));
    const stayed = await press(here, page, "stay");
    expect([stayed.status, stayed.location]).toEqual([303, `/oauth/sessions?client_id=${rp.id}`]);
    expect((await press(here, page, "dance")).status).toBe(400);
    expect(await left(rp, here)).toEqual(THERE);
  });

  test.each([
    ["another site's page", { "Sec-Fetch-Site": "cross-site" }, {}],
    ["a page of another origin", { Origin: "https://evil.example" }, {}],
    ["no token", {}, { csrf: "" }],
    ["a wrong token", {}, { csrf: "x".repeat(43) }],
  ])("T93 an answer from %s does nothing", async (_, headers, fields) => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const page = await here.person.get(logoutPath({ client_id: rp.id }));
    expect((await press(here, page, "sign_out", fields, headers)).status).toBe(403);
    expect(await left(rp, here)).toEqual(THERE);
  });

  test("the answer is about the session that was shown: whoever has signed in meanwhile is asked anew", async () => {
    const rp = await newClient();
    const ana = await signedIn(at, rp);
    const page = await ana.person.get(logoutPath({ client_id: rp.id }));
    const address = mailbox();
    await signInByCode(at, await authorizePath(rp, { prompt: "login" }), address, ana.person);
    const asked = await press(ana, page, "sign_out", { csrf: ana.person.csrf() });
    expect(asks(asked)).toBe(true);
    expect(readable(asked.text)).toContain(address);
    expect(await isSignedIn(rp, ana.person)).toBe(true);
    expect((await press(ana, asked, "sign_out")).status).toBe(200);
    expect(await isSignedIn(rp, ana.person)).toBe(false);
  });
});

describe("T82 a sign-out leads nowhere that is not registered", () => {
  test.each([
    ["another address", "https://evil.example/bye"],
    ["a longer address", `${BYE}&more`],
    ["a shorter address", "https://shop.example/bye"],
    ["a fragment", `${BYE}#a`],
    ["upper case in the host", "https://SHOP.example/bye?from=sign"],
    ["credentials in front", "https://shop.example@evil.example/bye?from=sign"],
    ["a trailing dot", "https://shop.example./bye?from=sign"],
    ["an encoded slash", "https://shop.example%2Fbye?from=sign"],
    ["a walk through the path", "https://shop.example/x/../bye?from=sign"],
    ["a script", "javascript:alert(1)"],
    ["a blank before it", ` ${BYE}`],
    ["an address for codes", CALLBACK],
  ])("T82 %s", async (_, uri) => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const done = await here.person.get(logoutPath({ ...hintOf(here), post_logout_redirect_uri: uri }));
    expect([done.status, done.location]).toEqual([200, ""]);
    expect(done.text).not.toContain("evil.example");
    expect(done.text).not.toContain("<a ");
    expect(await left(rp, here)).toEqual(GONE);
    const asked = { client_id: rp.id, post_logout_redirect_uri: uri };
    expect((await browser(at).get(logoutPath(asked))).location).toBe("");
    // The form cannot bring one either.
    const there = await signedIn(at, rp);
    const page = await there.person.get(logoutPath(asked));
    const pressed = await press(there, page, "sign_out", { post_logout_redirect_uri: uri });
    expect([pressed.status, pressed.location]).toEqual([200, ""]);
  });

  test("T82 one that is registered for another client, or that names no client", async () => {
    const [rp, other] = [await newRp(at), await newClient()];
    const here = await signedIn(at, rp);
    const query = { ...hintOf(here), post_logout_redirect_uri: BYE };
    const mixed = await here.person.get(logoutPath({ ...query, client_id: other.id }));
    expect([mixed.status, mixed.location]).toEqual([400, ""]);
    expect(await isAlive(at, here.sessionId)).toBe(true);
    expect((await here.person.get(logoutPath({ post_logout_redirect_uri: BYE }))).location).toBe("");
    const own = await here.person.get(logoutPath(query));
    expect([own.status, own.location]).toEqual([200, ""]);
    expect((await browser(at).get(logoutPath({ post_logout_redirect_uri: BYE }))).location).toBe("");
  });

  test.each(["id_token_hint", "client_id", "post_logout_redirect_uri", "state"])(
    "T82 %s twice: nothing is done",
    async (name) => {
      const rp = await newClient();
      const here = await signedIn(at, rp);
      const query: Record<string, string> = {
        ...hintOf(here),
        client_id: rp.id,
        post_logout_redirect_uri: BYE,
        state: "s",
      };
      const again = `${logoutPath(query)}&${new URLSearchParams({ [name]: query[name] ?? "" })}`;
      const refused = await here.person.get(again);
      expect([refused.status, refused.location]).toEqual([400, ""]);
      expect(await left(rp, here)).toEqual(THERE);
    },
  );

  test("a client that nobody knows or that is disabled, and a state that is too long", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const gone = await newClient();
    await services.clients.disable(gone.id, Date.now());
    for (const query of [
      { client_id: "nobody" },
      { client_id: gone.id, post_logout_redirect_uri: BYE },
      { ...hintOf(here), state: "s".repeat(2_049) },
    ]) {
      const refused = await here.person.get(logoutPath(query));
      expect([refused.status, refused.location]).toEqual([400, ""]);
    }
    expect(await left(rp, here)).toEqual(THERE);
  });

  test("logout_hint and ui_locales ask for nothing", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const query = { logout_hint: here.userId, ui_locales: "de", client_id: rp.id };
    expect(asks(await here.person.get(logoutPath(query)))).toBe(true);
  });
});

describe("sign-outs side by side", () => {
  test("two tabs sign out at once, and both are led back", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const tab = browser(at);
    tab.keep(COOKIE, sessionCookie(here.person));
    const path = logoutPath({ ...hintOf(here), post_logout_redirect_uri: BYE });
    const led = await Promise.all([here.person.get(path), tab.get(path)]);
    expect(led.map(({ location }) => location)).toEqual([BYE, BYE]);
    expect(await left(rp, here)).toEqual(GONE);
  });

  test("a tab whose cookie has been turned meanwhile signs out all the same", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const rp = await newClient();
    for (const later of [0, 31_000]) {
      const here = await signedIn(at, rp);
      const tab = browser(at);
      tab.keep(COOKIE, sessionCookie(here.person));
      await codeFor(rp, here.person);
      vi.setSystemTime(Date.now() + later);
      await tab.get(logoutPath(hintOf(here)));
      expect(await left(rp, here)).toEqual(GONE);
    }
  });

  test("T84 a stolen cookie is shown no name, and ends the session", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const thief = browser(at);
    thief.keep(COOKIE, sessionCookie(here.person));
    await codeFor(rp, here.person);
    vi.setSystemTime(Date.now() + 31_000);
    const seen = await thief.get(logoutPath({ client_id: rp.id }));
    expect(seen.text).not.toContain(here.address);
    expect(await left(rp, here)).toEqual(GONE);
  });

  test("race: a sign-out and a new code leave nothing alive", async () => {
    const rp = await newClient();
    for (let turn = 0; turn < 4; turn++) {
      const here = await signedIn(at, rp);
      const tab = browser(at);
      tab.keep(COOKIE, sessionCookie(here.person));
      const [, code] = await Promise.all([
        here.person.get(logoutPath(hintOf(here))),
        codeFor(rp, tab).catch(() => undefined),
      ]);
      if (code !== undefined) {
        expect((await exchangeCode(at, rp, code)).body.error).toBe("invalid_grant");
      }
      expect(await services.records.grantsOfUser(here.userId)).toEqual([]);
    }
  });

  test("T106 a client of another realm reaches only its own realm's session", async () => {
    const realm = fresh("realm") as Realm;
    const [rp, main] = [await newClient({ realm }), await newClient()];
    const here = await signedIn(at, main);
    const query = { client_id: rp.id, post_logout_redirect_uri: BYE };
    expect((await here.person.get(logoutPath(query))).location).toBe(BYE);
    expect(await left(main, here)).toEqual(THERE);
    const there = await signedIn(at, rp, { person: here.person });
    expect(decodeJwt(there.tokens.access_token ?? "").realm).toBe(realm);
    await here.person.get(logoutPath(hintOf(there)));
    expect([await left(rp, there), await left(main, here)]).toEqual([GONE, THERE]);
  });
});
