import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { freshEmail, makeApp, ok } from "../support/app.ts";
import { newest, prompt, respond, startSignIn } from "../support/events.ts";
import { ed25519Key } from "../support/keys.ts";
import { createUser, makePerson, methodBody } from "../support/people.ts";
import { place } from "../support/place.ts";
import { RN, SDKS } from "../support/sdk.ts";
import { verified } from "../support/tokens.ts";

const TOKENS = { oauth_token: "true" };

/** The three spellings of `{key}`: RN and AND keep the padding, IOS strips it, FL uses the standard alphabet (Cotter §3.1). */
const spellings = SDKS.map(({ name, pathKey }) => ({ name, pathKey }));

describe.each(SDKS)("$name: the first device", (sdk) => {
  test("PUT /user/methods with oauth_token=true: the User, enrolled, with tokens", async () => {
    const app = await makeApp(place(), {}, sdk);
    const userId = await createUser(app);
    const key = sdk.makeKey();
    const enrolled = await app.cotter("PUT", "/user/methods", {
      query: { cotter_user_id: userId, ...TOKENS },
      json: methodBody(app, key),
    });
    expect(enrolled.status).toBe(200);
    expect(enrolled.body).toMatchObject({
      ID: userId,
      enrolled: ["TRUSTED_DEVICE"],
      default_method: "TRUSTED_DEVICE",
      oauth_token: { token_type: "Bearer", expires_in: 3600, auth_method: "TRUSTED_DEVICE" },
    });
    const { access_token } = enrolled.body.oauth_token as { access_token: string };
    expect((await verified(app, access_token)).sub).toBe(userId);
  });

  test("PUT /user/{client_user_id} without the parameter: enrolled, no tokens", async () => {
    const app = await makeApp(place(), {}, sdk);
    const userId = await createUser(app);
    const enrolled = await app.cotter("PUT", `/user/${userId}`, { json: methodBody(app, sdk.makeKey()) });
    expect(enrolled.status).toBe(200);
    expect(enrolled.body).toMatchObject({ ID: userId, enrolled: ["TRUSTED_DEVICE"] });
    expect(enrolled.body).not.toHaveProperty("oauth_token");
  });

  test("is found by every spelling of its key in a path, and by the query", async () => {
    const app = await makeApp(place(), {}, sdk);
    const { userId, key } = await makePerson(app);
    const yes = { enrolled: true, method: "TRUSTED_DEVICE" };
    for (const { pathKey } of spellings) {
      const found = await app.cotter("GET", `/user/enrolled/${userId}/TRUSTED_DEVICE/${pathKey(key.text)}`);
      expect([found.status, found.json]).toEqual([200, yes]);
    }
    const asked = await app.cotter("GET", "/user/methods", {
      query: { cotter_user_id: userId, method: "TRUSTED_DEVICE", public_key: key.text },
    });
    expect([asked.status, asked.json]).toEqual([200, yes]);
  });

  test("is removed by its exact key, never with tokens, and cannot be removed twice", async () => {
    const app = await makeApp(place(), {}, sdk);
    const { userId, key } = await makePerson(app);
    const json = { method: "TRUSTED_DEVICE", enrolled: false, code: key.text, ...sdk.onRemoval };
    const removal = { query: TOKENS, json };
    const removed = await app.cotter("PUT", `/user/${userId}`, removal);
    expect(removed.status).toBe(200);
    expect(removed.body).toMatchObject({ ID: userId, enrolled: [], default_method: null });
    expect(removed.body).not.toHaveProperty("oauth_token");
    const path = `/user/enrolled/${userId}/TRUSTED_DEVICE/${sdk.pathKey(key.text)}`;
    expect((await app.cotter("GET", path)).json).toEqual({ enrolled: false, method: "TRUSTED_DEVICE" });
    const again = await app.cotter("PUT", `/user/${userId}`, removal);
    expect([again.status, Object.keys(again.body)]).toEqual([404, ["msg"]]);
  });
});

describe("who may enrol without a signature (Cotter §10.4)", () => {
  test("a second device may not: 409, and nothing is enrolled", async () => {
    const app = await makeApp(place());
    const { userId } = await makePerson(app);
    const stranger = ed25519Key();
    const tried = await app.cotter("PUT", "/user/methods", {
      query: { cotter_user_id: userId, ...TOKENS },
      json: methodBody(app, stranger),
    });
    expect([tried.status, tried.body.oauth_token]).toEqual([409, undefined]);
    const listed = await app.admin("GET", `/admin/users/${userId}/devices`);
    expect(listed.body.devices).toHaveLength(1);
  });

  test("the same key again is answered, without tokens", async () => {
    const app = await makeApp(place());
    const { userId, key } = await makePerson(app);
    const again = await app.cotter("PUT", "/user/methods", {
      query: { cotter_user_id: userId, ...TOKENS },
      json: methodBody(app, key),
    });
    expect(again.status).toBe(200);
    expect(again.body.enrolled).toEqual(["TRUSTED_DEVICE"]);
    expect(again.body).not.toHaveProperty("oauth_token");
  });

  test("C4 C5 S3 whoever holds the id that the sign-up answered may, from another address and program; by a name nobody may", async () => {
    const app = await makeApp(place());
    const identifier = freshEmail();
    const userId = await createUser(app, identifier);
    const call = { query: TOKENS, json: methodBody(app, ed25519Key()) };
    const named = await app.cotter("PUT", `/user/${encodeURIComponent(identifier)}`, call);
    expect([named.status, named.body.oauth_token]).toEqual([404, undefined]);
    const headers = { "User-Agent": "the phone's own program" };
    const enrolled = await app.cotter("PUT", `/user/${userId}`, { ...call, headers });
    expect(enrolled.status).toBe(200);
    expect(enrolled.body.oauth_token).toBeDefined();
  });

  test("RN legacy, IOS legacy: by the app's own name, with the cookie that the sign-up answered", async () => {
    const app = await makeApp(place());
    const client_user_id = `u-${randomUUID()}`;
    const made = await app.cotter("POST", "/user/create", { json: { client_user_id, identifiers: [] } });
    const Cookie = String(made.headers.get("Set-Cookie")).split(";")[0] ?? "";
    const call = { json: methodBody(app, ed25519Key()) };
    expect((await app.cotter("PUT", `/user/${client_user_id}`, call)).status).toBe(404);
    const headers = { Cookie };
    expect((await app.cotter("PUT", `/user/u-${randomUUID()}`, { ...call, headers })).status).toBe(404);
    const foreign = { Cookie, Origin: "https://elsewhere.example" };
    expect((await app.cotter("PUT", `/user/${client_user_id}`, { ...call, headers: foreign })).status).toBe(
      404,
    );
    expect((await app.cotter("PUT", `/user/${client_user_id}`, { ...call, headers })).status).toBe(200);
  });

  test("a user whose only device was removed may not: the window is closed for good", async () => {
    const app = await makeApp(place());
    const { userId, key } = await makePerson(app);
    const removal = { method: "TRUSTED_DEVICE", enrolled: false, code: key.text, algorithm: null };
    ok(await app.cotter("PUT", `/user/${userId}`, { json: removal }));
    for (const next of [ed25519Key(), key]) {
      const tried = await app.cotter("PUT", `/user/${userId}`, { json: methodBody(app, next) });
      expect(tried.status).toBe(403);
    }
  });

  test("a user whom the operator made may not, before somebody signed up", async () => {
    const app = await makeApp(place());
    const made = await app.admin("POST", "/admin/users", {
      json: { email: `b-${randomUUID()}@example.com` },
    });
    const tried = await app.cotter("PUT", `/user/${made.body.user_id}`, {
      query: TOKENS,
      json: methodBody(app, ed25519Key()),
    });
    expect([made.status, tried.status]).toEqual([201, 403]);
  });

  test("a key that is somebody's device already: 409", async () => {
    const app = await makeApp(place());
    const { key } = await makePerson(app);
    const userId = await createUser(app);
    const tried = await app.cotter("PUT", `/user/${userId}`, { json: methodBody(app, key) });
    expect(tried.status).toBe(409);
  });

  test("an unknown user: 404; another method: 400; a key that is not canonical: 400", async () => {
    const app = await makeApp(place());
    const json = methodBody(app, ed25519Key());
    expect((await app.cotter("PUT", `/user/${randomUUID()}`, { json })).status).toBe(404);
    expect((await app.cotter("PUT", "/user/methods", { json })).status).toBe(404);
    const userId = await createUser(app);
    const pin = { ...json, method: "PIN", code: "123456" };
    expect((await app.cotter("PUT", `/user/${userId}`, { json: pin })).status).toBe(400);
    const { text } = ed25519Key();
    for (const code of [`${text}\n`, `${text}AAAA`, text.slice(0, -1), text.replace("=", "")]) {
      const tried = await app.cotter("PUT", `/user/${userId}`, { json: { ...json, code } });
      expect([code, tried.status, typeof tried.body.msg]).toEqual([code, 400, "string"]);
    }
    expect((await app.cotter("PUT", `/user/${userId}`, { json })).status).toBe(200);
  });
});

test("what is unknown or unreadable is simply not enrolled", async () => {
  const app = await makeApp(place());
  const { userId, key } = await makePerson(app);
  const other = await makePerson(app);
  const no = { enrolled: false, method: "TRUSTED_DEVICE" };
  const paths = [
    `/user/enrolled/${userId}/TRUSTED_DEVICE/${RN.pathKey(other.key.text)}`,
    `/user/enrolled/${other.userId}/TRUSTED_DEVICE/${RN.pathKey(key.text)}`,
    `/user/enrolled/${userId}/BIOMETRIC/${RN.pathKey(key.text)}`,
    `/user/enrolled/${userId}/TRUSTED_DEVICE/%21%21`,
    `/user/enrolled/${randomUUID()}/TRUSTED_DEVICE/${RN.pathKey(key.text)}`,
    "/user/methods",
  ];
  for (const path of paths) {
    const asked = await app.cotter("GET", path);
    expect([path, asked.status, asked.json]).toEqual([path, 200, no]);
  }
});

test("removing needs the user's own key: another user's removes nothing", async () => {
  const app = await makeApp(place());
  const ana = await makePerson(app);
  const ben = await makePerson(app);
  const json = { method: "TRUSTED_DEVICE", enrolled: false, code: ben.key.text };
  expect((await app.cotter("PUT", `/user/${ana.userId}`, { json })).status).toBe(404);
  for (const { userId, key } of [ana, ben]) {
    const path = `/user/enrolled/${userId}/TRUSTED_DEVICE/${RN.pathKey(key.text)}`;
    expect((await app.cotter("GET", path)).body.enrolled).toBe(true);
  }
});

test("a removed device's tokens stop refreshing, and it can answer nothing any more", async () => {
  const app = await makeApp(place());
  const { userId, key, tokens } = await makePerson(app);
  await startSignIn(app, userId);
  const json = { method: "TRUSTED_DEVICE", enrolled: false, code: key.text };
  ok(await app.cotter("PUT", `/user/${userId}`, { json }));
  const refreshed = await app.cotter("POST", "/token", {
    json: { grant_type: "refresh_token", refresh_token: tokens.refresh_token },
  });
  expect([refreshed.status, refreshed.body.msg]).toEqual([400, "Refresh token is not valid"]);
  const shown = await prompt(app, userId);
  expect((await respond(app, { userId, key }, shown, true)).status).toBe(403);
  expect((await newest(app, userId))?.ID).toBe(shown.ID);
});
