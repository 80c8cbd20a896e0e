import { randomBytes, randomUUID } from "node:crypto";
import { describe, expect, inject, test } from "vitest";
import { makeApi } from "../support/api.ts";
import { type App, freshEmail, makeApp, ok } from "../support/app.ts";
import { openHostedPage } from "../support/hosted-page.ts";
import { ed25519Key } from "../support/keys.ts";
import { newestTo, sentTo } from "../support/outbox.ts";
import { createUser, makePerson, methodBody } from "../support/people.ts";
import { place } from "../support/place.ts";

const TOKENS = { oauth_token: "true" };
const HOME = { "CF-Connecting-IP": "192.0.2.10", "User-Agent": "okhttp/4.12.0" };
const AWAY = { "CF-Connecting-IP": "198.51.100.20", "User-Agent": "okhttp/4.12.0" };
const BACKEND = {
  "CF-Connecting-IP": "203.0.113.30",
  "User-Agent": "node",
  API_SECRET_KEY: "the back end's",
};
const REDIRECT = "http://localhost:8080";

const enrol = (app: App, name: string, headers: Readonly<Record<string, string>>, key = ed25519Key()) =>
  app.cotter("PUT", `/user/${name}`, { query: TOKENS, json: methodBody(app, key), headers });

describe("T212 C4 C5 a sign-up is its caller's, wherever it goes on", () => {
  test("T212 C4 a back end creates from one address, the app enrols from another", async () => {
    const app = await makeApp(place());
    const client_user_id = `u-${randomUUID()}`;
    const json = { client_user_id, identifiers: [] };
    const made = ok(await app.cotter("POST", "/user/create", { json, headers: BACKEND }));
    const enrolled = await enrol(app, String(made.body.ID), HOME);
    expect(enrolled.status).toBe(200);
    expect(enrolled.body).toMatchObject({ ID: made.body.ID, client_user_id, enrolled: ["TRUSTED_DEVICE"] });
    expect(enrolled.body.oauth_token).toBeDefined();
    const listed = await app.admin("GET", "/admin/audit", { query: { user_id: String(made.body.ID) } });
    const types = (listed.body.events as readonly { readonly type: string }[]).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(["user.created", "device.enrolled"]));
  });

  test("T212 C5 the address of the phone changes between the two calls", async () => {
    const app = await makeApp(place());
    const json = { identifier: freshEmail() };
    const made = ok(await app.cotter("POST", "/user/create", { json, headers: HOME }));
    expect((await enrol(app, String(made.body.ID), AWAY)).status).toBe(200);
  });

  test("T212 C5 an abandoned sign-up may be begun again: another user, and the first id stays its caller's", async () => {
    const app = await makeApp(place());
    const identifier = freshEmail();
    const [left, begun] = [await createUser(app, identifier), await createUser(app, identifier)];
    expect(begun).not.toBe(left);
    expect((await enrol(app, begun, AWAY)).status).toBe(200);
    expect((await app.cotter("GET", "/user", { query: { identifier } })).body.ID).toBe(begun);
    // The first to finish has the name; whoever comes later is told so, and nothing is made.
    expect((await enrol(app, left, HOME)).status).toBe(409);
  });

  test("T212 C4 C5 a stranger, at the very address and with the same program, finds no sign-up to take", async () => {
    const app = await makeApp(place());
    const client_user_id = `u-${randomUUID()}`;
    const identifier = freshEmail();
    const json = { client_user_id, identifier };
    const made = ok(await app.cotter("POST", "/user/create", { json, headers: HOME }));
    for (const name of [client_user_id, encodeURIComponent(identifier), randomUUID()]) {
      expect([name, (await enrol(app, name, HOME)).status]).toEqual([name, 404]);
      expect((await app.cotter("GET", `/user/${name}`, { headers: HOME })).status).toBe(404);
    }
    const other = await makeApp(place());
    expect((await enrol(other, String(made.body.ID), HOME)).status).toBe(404);
    expect((await enrol(app, String(made.body.ID), HOME)).status).toBe(200);
    // From then on everybody is told the id by the name, and it opens nothing.
    expect((await enrol(app, String(made.body.ID), HOME)).status).toBe(409);
  });

  test("T212 C5 a stranger who finishes first under another's name has a word, and the proof takes it", async () => {
    const app = await makeApp(place(), { redirect_uris: [REDIRECT] });
    const stranger = await makePerson(app);
    const { identifier } = stranger;
    expect((await app.cotter("POST", "/user/create", { json: { identifier } })).status).toBe(409);
    const owner = await proven(app, identifier, {});
    expect(owner.ID).not.toBe(stranger.userId);
    const query = { identifier };
    expect((await app.cotter("GET", "/user", { query })).body.ID).toBe(owner.ID);
    const refresh = { grant_type: "refresh_token", refresh_token: stranger.tokens.refresh_token };
    expect((await app.cotter("POST", "/token", { json: refresh })).status).toBe(400);
  });
});

/** Proves the address on the hosted page as the app has it opened; answers the user of the exchange. C3: the answer goes to localhost. */
async function proven(app: App, address: string, headers: Readonly<Record<string, string>>) {
  const verifier = randomBytes(32).toString("base64url");
  const page = await openHostedPage(app, REDIRECT, "EMAIL", verifier);
  const outbox = makeApi(inject("origin"));
  const [last] = await sentTo(outbox, address);
  await page.giveAddress(address);
  const location = await page.giveCode((await newestTo(outbox, address, last)).code);
  expect(location.startsWith(`${REDIRECT}?code=`)).toBe(true);
  const given = new URL(location).searchParams;
  const json = {
    code_verifier: verifier,
    authorization_code: given.get("code"),
    challenge_id: Number(given.get("challenge_id")),
    redirect_url: REDIRECT,
  };
  const identity = ok(await app.cotter("POST", "/verify/get_identity", { query: TOKENS, json, headers }));
  return identity.body.user as { readonly ID: string; readonly enrolled: readonly string[] };
}

describe("T213 C6 sign up with a device, then prove one's own address", () => {
  test.each(["cookie", "session"])(
    "T213 C6 by what the app holds (%s): the same user, device and session",
    async (how) => {
      const app = await makeApp(place(), { redirect_uris: [REDIRECT] });
      const identifier = freshEmail();
      const made = ok(await app.cotter("POST", "/user/create", { json: { identifier } }));
      const Cookie = made.headers
        .getSetCookie()
        .map((one) => one.split(";")[0])
        .join("; ");
      const { body } = ok(await enrol(app, String(made.body.ID), HOME));
      const tokens = body.oauth_token as { readonly access_token: string; readonly refresh_token: string };
      const shown = how === "cookie" ? { Cookie } : { Authorization: `Bearer ${tokens.access_token}` };
      const user = await proven(app, identifier, shown);
      expect(user).toMatchObject({ ID: made.body.ID, enrolled: ["TRUSTED_DEVICE"] });
      const json = { grant_type: "refresh_token", refresh_token: tokens.refresh_token };
      expect((await app.cotter("POST", "/token", { json })).status).toBe(200);
    },
  );
});

test("T211 C3 a client of http://localhost may be registered, as the Python SDK needs; its neighbours may not", async () => {
  const app = await makeApp(place());
  for (const [uri, status] of [
    ["http://localhost:8080", 201],
    ["http://localhost.evil.example", 400],
    ["http://localhost@evil.example", 400],
  ] as const) {
    const json = { name: "PY", kind: "public", redirect_uris: [uri] };
    expect([uri, (await app.admin("POST", "/admin/clients", { json })).status]).toEqual([uri, status]);
  }
});
