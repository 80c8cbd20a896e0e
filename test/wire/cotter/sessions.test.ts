import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeApi } from "../support/api.ts";
import { type App, makeApp, ok } from "../support/app.ts";
import { answerNewest, poll, refresh, startSignIn } from "../support/events.ts";
import { makePerson } from "../support/people.ts";
import { place } from "../support/place.ts";
import { claims, verified } from "../support/tokens.ts";

const SITE = "https://shop.example";
const FOREIGN = "https://evil.example";
const NOT_VALID = { msg: "Refresh token is not valid" };

const siteApp = (): Promise<App> => makeApp(place(), { allowed_origins: [SITE] });
const tokenOf = async (app: App): Promise<string> => String((await makePerson(app)).tokens.refresh_token);
const isAlive = async (app: App, token: string): Promise<boolean> =>
  (await refresh(app, token)).status === 200;

describe("POST /token", () => {
  test("RN, IOS: a new bundle at the top level, another refresh token, the same user and method", async () => {
    const app = await makeApp(place());
    const person = await makePerson(app);
    const before = person.tokens;
    const answer = await refresh(app, before.refresh_token);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      access_token: expect.any(String),
      id_token: expect.any(String),
      refresh_token: expect.stringMatching(/^\S{1,255}$/),
      token_type: "Bearer",
      expires_in: 3600,
      auth_method: "TRUSTED_DEVICE",
    });
    expect(answer.body.refresh_token).not.toBe(before.refresh_token);
    const next = await verified(app, answer.body.access_token);
    const last = claims(before.access_token);
    expect(next).toMatchObject({ sub: person.userId, identifier: person.identifier, aud: app.clientId });
    expect(next.jti).not.toBe(last.jti);
    // When the user proved who they are, not when the token was made.
    expect(claims(answer.body.id_token).auth_time).toBe(claims(before.id_token).auth_time);
  });

  test("WEB, FL, PY: POST /token/{key}, with or without the header", async () => {
    const app = await makeApp(place());
    const token = await tokenOf(app);
    const json = { grant_type: "refresh_token", refresh_token: token };
    const byPath = await makeApi(app.origin)("POST", `/api/v0/token/${app.clientId}`, { json });
    expect(byPath.status).toBe(200);
    const next = { ...json, refresh_token: byPath.body.refresh_token };
    expect((await app.cotter("POST", `/token/${app.clientId}`, { json: next })).status).toBe(200);
  });

  test("the previous token gets the current one again for a short while: two tabs, or a lost answer", async () => {
    const app = await makeApp(place());
    const token = await tokenOf(app);
    const [first, second] = [await refresh(app, token), await refresh(app, token)];
    expect([second.status, second.body.refresh_token]).toEqual([200, first.body.refresh_token]);
    expect(await isAlive(app, String(first.body.refresh_token))).toBe(true);
  });

  test("a token older than the previous one is stolen: it and its whole grant end", async () => {
    const app = await makeApp(place());
    const oldest = await tokenOf(app);
    const second = String(ok(await refresh(app, oldest)).body.refresh_token);
    const third = String(ok(await refresh(app, second)).body.refresh_token);
    for (const token of [oldest, third, second]) {
      const answer = await refresh(app, token);
      expect([answer.status, answer.json]).toEqual([400, NOT_VALID]);
    }
  });

  test("what is no refresh token: 400 with the words 'not valid' (Cotter fact 8)", async () => {
    const app = await makeApp(place());
    const [id, mac] = (await tokenOf(app)).split(".");
    const other = (await tokenOf(app)).split(".")[1];
    const forged = ["x", `${id}.${other}`, `${id}.`, `${id}`, `${"0".repeat(64)}.${mac}`, "10457:qm3J"];
    for (const refresh_token of [...forged, "", null]) {
      const answer = await refresh(app, refresh_token);
      expect([refresh_token, answer.status, answer.json]).toEqual([refresh_token, 400, NOT_VALID]);
    }
    // A forged token does nothing to the grant it names.
    expect(await isAlive(app, `${id}.${mac}`)).toBe(true);
  });

  test("another grant type is 400 in {msg}; a path that names another client than the header is 401", async () => {
    const app = await makeApp(place());
    const token = await tokenOf(app);
    const json = { grant_type: "refresh_token", refresh_token: token };
    const other = await app.cotter("POST", "/token", { json: { ...json, grant_type: "password" } });
    expect([other.status, Object.keys(other.body)]).toEqual([400, ["msg"]]);
    const mixed = await app.cotter("POST", `/token/${randomUUID()}`, { json });
    expect([mixed.status, mixed.json]).toEqual([401, { msg: "API_KEY_ID is not valid" }]);
    expect(await isAlive(app, token)).toBe(true);
  });
});

describe("DELETE /token/{key}", () => {
  test("ends the grant of the body's token: 200 with JSON", async () => {
    const app = await makeApp(place());
    const token = await tokenOf(app);
    const ended = await app.cotter("DELETE", `/token/${app.clientId}`, { json: { refresh_token: token } });
    expect([ended.status, ended.json]).toEqual([200, { success: true }]);
    expect((await refresh(app, token)).json).toEqual(NOT_VALID);
  });

  test("WEB logs out without a body: 200 with JSON", async () => {
    const app = await siteApp();
    const ended = await app.cotter("DELETE", `/token/${app.clientId}`, { headers: { Origin: SITE } });
    expect([ended.status, ended.json]).toEqual([200, { success: true }]);
  });

  test("T89 another client's token: 200 without effect; an unknown token: 200", async () => {
    const app = await makeApp(place());
    const other = await makeApp(place());
    const token = await tokenOf(app);
    for (const refresh_token of [token, "unknown", `${"a".repeat(64)}.${"b".repeat(43)}`]) {
      const ended = await other.cotter("DELETE", `/token/${other.clientId}`, { json: { refresh_token } });
      expect([ended.status, ended.json]).toEqual([200, { success: true }]);
    }
    expect(await isAlive(app, token)).toBe(true);
  });
});

describe("the cookie of a page (Cotter §10.15)", () => {
  const cookieOf = (header: string | null) => /^rft\.[^=]+=([^;]*);/.exec(header ?? "")?.[1];

  async function withCookie(): Promise<{ app: App; token: string; cookie: string }> {
    const app = await siteApp();
    const set = ok(
      await app.cotter("POST", `/token/${app.clientId}`, {
        json: { grant_type: "refresh_token", refresh_token: await tokenOf(app) },
        headers: { Origin: SITE },
      }),
    );
    const header = set.headers.get("Set-Cookie");
    expect(header).toMatch(/; HttpOnly/);
    expect(header).toMatch(/; Secure/);
    expect(header).toMatch(/; SameSite=None/);
    expect(header).toMatch(/; Path=\/api\/v0\/token/);
    expect(cookieOf(header)).toBe(encodeURIComponent(String(set.body.refresh_token)));
    return { app, token: String(set.body.refresh_token), cookie: `rft.${app.clientId}=${cookieOf(header)}` };
  }

  const byCookie = (app: App, cookie: string, origin?: string) =>
    app.cotter("POST", `/token/${app.clientId}`, {
      json: { grant_type: "refresh_token" },
      headers: { Cookie: cookie, ...(origin ? { Origin: origin } : {}) },
    });

  test("refreshes for a page of the client, and no other", async () => {
    const { app, cookie } = await withCookie();
    for (const origin of [FOREIGN, "null", undefined]) {
      const answer = await byCookie(app, cookie, origin);
      expect([answer.status, answer.json]).toEqual([400, NOT_VALID]);
      expect(answer.headers.get("Set-Cookie")).toBeNull();
    }
    const answer = await byCookie(app, cookie, SITE);
    expect(answer.status).toBe(200);
    expect(cookieOf(answer.headers.get("Set-Cookie"))).not.toBe(cookie.slice(cookie.indexOf("=") + 1));
  });

  test("is not set for an app without a page", async () => {
    const app = await siteApp();
    const answer = await refresh(app, await tokenOf(app));
    expect([answer.status, answer.headers.get("Set-Cookie")]).toEqual([200, null]);
  });

  test("gives way to the body's token, in refreshing and in signing out", async () => {
    const { app, token, cookie } = await withCookie();
    const headers = { Cookie: cookie, Origin: SITE };
    const mine = await tokenOf(app);
    const json = { grant_type: "refresh_token", refresh_token: mine };
    const refreshed = ok(await app.cotter("POST", `/token/${app.clientId}`, { json, headers }));
    expect(String(refreshed.body.refresh_token).split(".")[0]).toBe(mine.split(".")[0]);
    const out = { json: { refresh_token: refreshed.body.refresh_token }, headers };
    ok(await app.cotter("DELETE", `/token/${app.clientId}`, out));
    expect(await isAlive(app, token)).toBe(true);
    expect(await isAlive(app, String(refreshed.body.refresh_token))).toBe(false);
  });

  test("signs out for a page of the client, which loses it; a foreign page can do neither", async () => {
    const { app, token, cookie } = await withCookie();
    const out = (origin: string) =>
      app.cotter("DELETE", `/token/${app.clientId}`, { headers: { Cookie: cookie, Origin: origin } });
    const foreign = await out(FOREIGN);
    expect([foreign.status, foreign.headers.get("Set-Cookie")]).toEqual([200, null]);
    const next = ok(await refresh(app, token));
    const mine = await out(SITE);
    expect(mine.status).toBe(200);
    expect(mine.headers.get("Set-Cookie")).toMatch(/^rft\.[^=]+=; Max-Age=0; Path=\/api\/v0\/token/);
    expect((await refresh(app, next.body.refresh_token)).json).toEqual(NOT_VALID);
  });
});

test("T45 a grant belongs to the client that redeemed: another client's refresh is refused and ends it", async () => {
  const app = await makeApp(place());
  const other = await makeApp(place());
  const person = await makePerson(app);
  const pending = await startSignIn(app, person.userId);
  await answerNewest(app, person, true);
  const bundle = ok(await poll(app, pending.number)).body.oauth_token as Record<string, string>;
  const stolen = await refresh(other, bundle.refresh_token);
  expect([stolen.status, stolen.json]).toEqual([400, NOT_VALID]);
  expect((await refresh(app, bundle.refresh_token)).json).toEqual(NOT_VALID);
});
