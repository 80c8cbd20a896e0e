import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { freshEmail, makeApp, ok } from "../support/app.ts";
import { ed25519Key } from "../support/keys.ts";
import { createUser, makePerson, methodBody } from "../support/people.ts";
import { place } from "../support/place.ts";
import { SDKS } from "../support/sdk.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const ZERO_UUID = "00000000-0000-0000-0000-000000000000";

/** Every member of a User and its type (Cotter §4.1): what an SDK decodes as required may not be missing. */
const userShape = (clientId: string) => ({
  ID: expect.stringMatching(UUID),
  created_at: expect.stringMatching(ISO),
  updated_at: expect.stringMatching(ISO),
  update_at: expect.stringMatching(ISO),
  deleted_at: "0001-01-01T00:00:00Z",
  issuer: clientId,
  client_user_id: expect.any(String),
  enrolled: expect.any(Array),
  default_method: null,
  identifier: expect.any(String),
  identifiers: null,
});

const freshPhone = () => `+1555${Math.floor(1e6 + Math.random() * 8.9e6)}`;

describe.each(SDKS)("$name: POST /user/create", (sdk) => {
  test("registers an identifier: 200, a User, client_user_id = ID (Cotter facts 2 and 3)", async () => {
    const app = await makeApp(place(), {}, sdk);
    const identifier = freshEmail();
    const made = await app.cotter("POST", "/user/create", { json: { identifier } });
    expect(made.status).toBe(200);
    expect(made.json).toEqual({ ...userShape(app.clientId), identifier, enrolled: [] });
    expect(made.body.client_user_id).toBe(made.body.ID);
  });

  test("the same identifier again is 409 'User already exists', once the user is there", async () => {
    const app = await makeApp(place(), {}, sdk);
    const { identifier } = await makePerson(app);
    const again = await app.cotter("POST", "/user/create", { json: { identifier } });
    expect([again.status, again.json]).toEqual([409, { msg: "User already exists" }]);
  });

  test("C5 a sign-up that nobody finished may be begun again, and is then another user", async () => {
    const app = await makeApp(place(), {}, sdk);
    const identifier = freshEmail();
    const ids = [await createUser(app, identifier), await createUser(app, identifier)];
    expect(new Set(ids).size).toBe(2);
  });

  test("S7 what was said through another client stands in nobody's way", async () => {
    const [app, other] = [await makeApp(place(), {}, sdk), await makeApp(place(), {}, sdk)];
    const { identifier, userId } = await makePerson(app);
    expect(await createUser(other, identifier)).not.toBe(userId);
  });
});

describe("POST /user/create, older forms", () => {
  test("RN legacy: client_user_id with identifiers; the app's own name is kept", async () => {
    const app = await makeApp(place());
    const client_user_id = `u-${randomUUID()}`;
    const identifier = freshEmail();
    const made = await app.cotter("POST", "/user/create", {
      json: { client_user_id, identifiers: [identifier] },
    });
    expect(made.status).toBe(200);
    expect(made.body).toMatchObject({ client_user_id, identifier });
    ok(await app.cotter("PUT", `/user/${made.body.ID}`, { json: methodBody(app, ed25519Key()) }));
    const again = await app.cotter("POST", "/user/create", { json: { client_user_id, identifiers: [] } });
    expect([again.status, again.body.msg]).toEqual([409, "User already exists"]);
  });

  test("IOS: an empty client_user_id beside the identifier", async () => {
    const app = await makeApp(place());
    const json = { client_user_id: "", identifier: freshEmail() };
    const made = await app.cotter("POST", "/user/create", { json });
    expect(made.status).toBe(200);
    expect(made.body.client_user_id).toBe(made.body.ID);
  });

  test("nobody can take another user's ID as client_user_id", async () => {
    const app = await makeApp(place());
    const { userId } = await makePerson(app);
    const json = { client_user_id: userId, identifier: freshEmail() };
    expect((await app.cotter("POST", "/user/create", { json })).status).toBe(409);
  });

  test("no name at all is refused, and tokens are never given on sign-up (Cotter §10.10)", async () => {
    const app = await makeApp(place());
    const nameless = await app.cotter("POST", "/user/create", { json: { client_user_id: "" } });
    expect([nameless.status, typeof nameless.body.msg]).toEqual([400, "string"]);
    const identifier = freshEmail();
    const eager = await app.cotter("POST", "/user/create", {
      query: { oauth_token: "true" },
      json: { identifier },
    });
    expect(eager.status).toBe(403);
    const looked = await app.cotter("GET", "/user", { query: { identifier } });
    expect(looked.body.ID).toBe(ZERO_UUID);
  });
});

describe("GET /user", () => {
  test("an unknown identifier is 200 with the zero-UUID user (Cotter fact 1)", async () => {
    const app = await makeApp(place());
    const looked = await app.cotter("GET", "/user", { query: { identifier: freshEmail() } });
    expect(looked.status).toBe(200);
    expect(looked.json).toEqual({
      ...userShape(app.clientId),
      ID: ZERO_UUID,
      created_at: "0001-01-01T00:00:00Z",
      updated_at: "0001-01-01T00:00:00Z",
      update_at: "0001-01-01T00:00:00Z",
      client_user_id: "",
      identifier: "",
      enrolled: [],
    });
  });

  test("finds a user with their method; issuer is the asking client", async () => {
    const app = await makeApp(place());
    const settings = { names_from: [app.clientId], approve_through: [app.clientId] };
    const other = await makeApp(place(), { settings });
    const stranger = await makeApp(place());
    const { userId, identifier } = await makePerson(app);
    const unknown = await stranger.cotter("GET", "/user", { query: { identifier } });
    expect(unknown.body.ID).toBe(ZERO_UUID);
    const looked = await other.cotter("GET", "/user", { query: { identifier } });
    expect(looked.json).toEqual({
      ...userShape(other.clientId),
      ID: userId,
      client_user_id: userId,
      identifier,
      enrolled: ["TRUSTED_DEVICE"],
      default_method: "TRUSTED_DEVICE",
    });
  });

  test("IOS: a phone number's + that arrives as a blank is understood", async () => {
    const app = await makeApp(place());
    const phone = freshPhone();
    const made = await app.cotter("POST", "/user/create", { json: { identifier: phone } });
    ok(await app.cotter("PUT", `/user/${made.body.ID}`, { json: methodBody(app, ed25519Key()) }));
    for (const spelled of [`/user?identifier=${phone}`, `/user?identifier=%2B${phone.slice(1)}`]) {
      const looked = await app.cotter("GET", spelled);
      expect(looked.body).toMatchObject({ ID: made.body.ID, identifier: phone });
    }
  });

  test("without the parameter: 400 in {msg}", async () => {
    const app = await makeApp(place());
    const looked = await app.cotter("GET", "/user");
    expect([looked.status, Object.keys(looked.body)]).toEqual([400, ["msg"]]);
  });
});

describe("GET /user/{client_user_id}", () => {
  test("finds by ID, by the app's own name, and by an escaped identifier", async () => {
    const app = await makeApp(place());
    const client_user_id = `u-${randomUUID()}`;
    const identifier = freshEmail();
    const made = await app.cotter("POST", "/user/create", { json: { client_user_id, identifier } });
    for (const name of [client_user_id, encodeURIComponent(identifier)]) {
      expect((await app.cotter("GET", `/user/${name}`)).status).toBe(404);
    }
    ok(await app.cotter("PUT", `/user/${made.body.ID}`, { json: methodBody(app, ed25519Key()) }));
    for (const name of [String(made.body.ID), client_user_id, encodeURIComponent(identifier)]) {
      const looked = await app.cotter("GET", `/user/${name}`);
      expect([looked.status, looked.body.ID]).toEqual([200, made.body.ID]);
    }
  });

  test("S13 an anonymous caller is told no address but the one that they asked by", async () => {
    const app = await makeApp(place());
    const { userId, identifier } = await makePerson(app);
    expect((await app.cotter("GET", `/user/${userId}`)).body.identifier).toBe("");
    expect((await app.cotter("GET", `/user/${encodeURIComponent(identifier)}`)).body.identifier).toBe(
      identifier,
    );
  });

  test("an unknown one is 404 in {msg}", async () => {
    const app = await makeApp(place());
    const looked = await app.cotter("GET", `/user/${randomUUID()}`);
    expect([looked.status, looked.json]).toEqual([404, { msg: "User not found" }]);
  });
});

test("a missing or unknown API_KEY_ID is 401; a wrong API_SECRET_KEY is ignored", async () => {
  const app = await makeApp(place());
  const identifier = freshEmail();
  for (const API_KEY_ID of [randomUUID(), "", "not a client id"]) {
    const refused = await app.cotter("GET", "/user", { query: { identifier }, headers: { API_KEY_ID } });
    expect([refused.status, refused.json]).toEqual([401, { msg: "API_KEY_ID is not valid" }]);
  }
  const headers = { API_SECRET_KEY: "no secret of anybody" };
  expect((await app.cotter("GET", "/user", { query: { identifier }, headers })).status).toBe(200);
});
