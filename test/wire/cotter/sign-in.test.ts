import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Json } from "../support/api.ts";
import { makeApp, ok, withSdk } from "../support/app.ts";
import {
  answerNewest,
  createBody,
  newest,
  pendingBody,
  poll,
  prompt,
  respond,
  seconds,
  startSignIn,
} from "../support/events.ts";
import { ed25519Key } from "../support/keys.ts";
import { makePerson } from "../support/people.ts";
import { place } from "../support/place.ts";
import { SDKS } from "../support/sdk.ts";
import { claims, header, PINNED_KID, verified } from "../support/tokens.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Every member of an Event and its type (Cotter §4.2). */
const eventShape = (clientId: string, userId: string, event: string) => ({
  ID: expect.any(Number),
  CreatedAt: expect.stringMatching(ISO),
  UpdatedAt: expect.stringMatching(ISO),
  DeletedAt: "0001-01-01T00:00:00Z",
  user_id: userId,
  client_user_id: userId,
  issuer: clientId,
  event,
  ip: expect.any(String),
  location: expect.any(String),
  timestamp: expect.stringMatching(/^\d{10}$/),
  method: "TRUSTED_DEVICE",
  new: expect.any(Boolean),
  approved: expect.any(Boolean),
  signature: expect.stringMatching(/^[A-Za-z0-9+/]{86}==$/),
});

const BUNDLE = {
  access_token: expect.stringMatching(/^eyJ/),
  id_token: expect.stringMatching(/^eyJ/),
  refresh_token: expect.stringMatching(/^\S{1,255}$/),
  token_type: "Bearer",
  expires_in: 3600,
  auth_method: "TRUSTED_DEVICE",
};

describe.each(SDKS)("$name: a sign-in on an untrusted device", (sdk) => {
  test("approved: split numbers, the whole Event each time, tokens by the poll alone", async () => {
    const app = await makeApp(place(), {}, sdk);
    const person = await makePerson(app);
    const { userId, key } = person;
    const shape = eventShape(app.clientId, userId, sdk.event);
    const pending = await startSignIn(app, userId, key);
    expect(pending.event).toEqual({
      ...shape,
      new: true,
      approved: false,
      wait_uri: `${app.origin}/challenges/${pending.challengeId}/wait`,
      socket_uri: `${app.origin.replace("http", "ws")}/challenges/${pending.challengeId}/socket?client=${app.clientId}`,
    });
    expect((await poll(app, pending.number)).json).toEqual({ ...shape, new: true, approved: false });

    const shown = await prompt(app, userId);
    expect(shown).toEqual({ ...shape, new: true, approved: false });
    expect(shown.ID).not.toBe(pending.number);
    expect(shown.ID).toBeLessThanOrEqual(2 ** 31 - 1);

    const answered = await respond(app, person, shown, true);
    expect(answered.status).toBe(200);
    expect(answered.json).toEqual({ ...shape, ID: shown.ID, new: false, approved: true });
    expect(await newest(app, userId)).toBeNull();

    const collected = await poll(app, pending.number);
    expect(collected.json).toEqual({
      ...shape,
      ID: pending.number,
      new: false,
      approved: true,
      oauth_token: BUNDLE,
    });
    const { access_token } = collected.body.oauth_token as { access_token: string };
    expect((await verified(app, access_token)).sub).toBe(userId);
  });

  test("denied: the phone sees approved false, the poll ends with 403 'Event is rejected'", async () => {
    const app = await makeApp(place(), {}, sdk);
    const person = await makePerson(app);
    const pending = await startSignIn(app, person.userId, person.key);
    const answered = await respond(app, person, await prompt(app, person.userId), false);
    expect(answered.status).toBe(200);
    expect(answered.body).toMatchObject({ new: false, approved: false });
    expect(answered.body).not.toHaveProperty("oauth_token");
    const polled = await poll(app, pending.number);
    expect([polled.status, polled.json]).toEqual([403, { msg: "Event is rejected" }]);
  });

  test("trusted: /event/create with oauth_token=true signs the device itself in", async () => {
    const app = await makeApp(place(), {}, sdk);
    const person = await makePerson(app);
    const created = await app.cotter("POST", "/event/create", {
      query: { oauth_token: "true" },
      json: createBody(app, person),
    });
    expect(created.status).toBe(200);
    expect(created.json).toEqual({
      ...eventShape(app.clientId, person.userId, sdk.event),
      new: false,
      approved: true,
      oauth_token: BUNDLE,
    });
    const { access_token } = created.body.oauth_token as { access_token: string };
    expect((await verified(app, access_token)).sub).toBe(person.userId);
  });

  test("enrols a second device by QR, which gets no tokens and then signs in by itself", async () => {
    const app = await makeApp(place(), {}, sdk);
    const person = await makePerson(app);
    const newKey = sdk.makeKey();
    const enrolled = await app.cotter("POST", "/event/create", {
      query: { oauth_token: "true" },
      json: createBody(app, person, { newKey }),
    });
    expect(enrolled.status).toBe(200);
    expect(enrolled.json).toEqual({
      ...eventShape(app.clientId, person.userId, "ENROLL_NEW_TRUSTED_DEVICE"),
      new: false,
      approved: true,
    });
    const path = `/user/enrolled/${person.userId}/TRUSTED_DEVICE/${sdk.pathKey(newKey.text)}`;
    expect((await app.cotter("GET", path)).body.enrolled).toBe(true);
    const signedIn = await app.cotter("POST", "/event/create", {
      query: { oauth_token: "true" },
      json: createBody(app, { userId: person.userId, key: newKey }),
    });
    expect([signedIn.status, signedIn.body.oauth_token]).toEqual([200, BUNDLE]);
  });
});

describe("tokens of a sign-in (Cotter §4.5-4.7)", () => {
  test("carry every claim with its type, under the pinned kid", async () => {
    const app = await makeApp(place());
    const person = await makePerson(app);
    const pending = await startSignIn(app, person.userId);
    await answerNewest(app, person, true);
    const bundle = (await poll(app, pending.number)).body.oauth_token as Record<string, string>;
    for (const token of [bundle.access_token, bundle.id_token]) {
      expect(header(token)).toEqual({ alg: "ES256", typ: "JWT", kid: PINNED_KID });
    }
    const shared = {
      sub: person.userId,
      client_user_id: person.userId,
      identifier: person.identifier,
      identifier_verified: false,
      aud: app.clientId,
      iss: app.origin,
      iat: expect.any(Number),
      exp: expect.any(Number),
      jti: expect.any(String),
    };
    const access = await verified(app, bundle.access_token);
    expect(access).toEqual({
      ...shared,
      authentication_method: "TRUSTED_DEVICE",
      type: "client_access_token",
      scope: "access",
      sid: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(Number(access.exp) - Number(access.iat)).toBe(3600);
    const id = await verified(app, bundle.id_token);
    expect(id).toEqual({
      ...shared,
      type: "client_id_token",
      // A number crashes Flutter (Cotter fact 7).
      auth_time: expect.stringMatching(/^\d{10}$/),
    });
    expect(id.jti).not.toBe(access.jti);
  });

  test("are not given to a poll that does not ask, and not by /event/create without the parameter", async () => {
    const app = await makeApp(place());
    const person = await makePerson(app);
    const pending = await startSignIn(app, person.userId);
    await answerNewest(app, person, true);
    const bare = await app.cotter("GET", `/event/get/${pending.number}`);
    expect([bare.status, bare.body.approved, bare.body.oauth_token]).toEqual([200, true, undefined]);
    expect((await poll(app, pending.number)).body.oauth_token).toEqual(BUNDLE);
    const json = createBody(app, person, { timestamp: seconds(5) });
    const created = await app.cotter("POST", "/event/create", { json });
    expect([created.status, created.body.approved, created.body.oauth_token]).toEqual([200, true, undefined]);
  });

  test("S8 an app's own name is signed as it was sent, and is in the tokens once the operator has vouched for it", async () => {
    const app = await makeApp(place());
    const clientUserId = `u-${randomUUID()}`;
    const names = { client_user_id: clientUserId, identifiers: [] };
    const { ID } = (await app.cotter("POST", "/user/create", { json: names })).body;
    const key = ed25519Key();
    const json = { method: "TRUSTED_DEVICE", enrolled: true, code: key.text, algorithm: "ED25519" };
    const first = ok(await app.cotter("PUT", `/user/${ID}`, { query: { oauth_token: "true" }, json }));
    expect(first.body.client_user_id).toBe(clientUserId);
    const said = claims((first.body.oauth_token as Record<string, string>).access_token);
    expect(said).toMatchObject({ sub: ID, client_user_id: ID });
    await app.admin("PATCH", `/admin/users/${ID}`, { json: { external_id: clientUserId } });
    const person = { userId: clientUserId, key };
    const pending = await startSignIn(app, clientUserId);
    expect((await respond(app, person, await prompt(app, clientUserId), true)).status).toBe(200);
    const bundle = (await poll(app, pending.number)).body.oauth_token as Record<string, string>;
    expect(claims(bundle.access_token)).toMatchObject({ client_user_id: clientUserId });
    expect(claims(bundle.access_token).sub).not.toBe(clientUserId);
  });
});

describe("numbers (Cotter §10.1)", () => {
  test("an event has a random number of 53 bits; Android's has 31", async () => {
    const app = await makeApp(place());
    const [android] = SDKS.filter(({ name }) => name === "AND");
    const { userId } = await makePerson(app);
    const wide = await Promise.all([1, 2, 3, 4].map(async () => (await startSignIn(app, userId)).number));
    expect(wide.every(Number.isSafeInteger)).toBe(true);
    // One in 2^22 of them is this small: four at once never are.
    expect(Math.max(...wide)).toBeGreaterThan(2 ** 31);
    expect(new Set(wide).size).toBe(4);
    const native = withSdk(app, android!);
    const narrow = await Promise.all([1, 2, 3].map(async () => (await startSignIn(native, userId)).number));
    expect(Math.max(...narrow)).toBeLessThan(2 ** 31);
  });

  test("what awaits nobody is the literal null, and an unknown user's too (Cotter fact 5)", async () => {
    const app = await makeApp(place());
    const { userId } = await makePerson(app);
    for (const path of [
      `/event/new/${userId}`,
      `/event/new/${randomUUID()}`,
      `/event/new?cotter_user_id=${userId}`,
      `/event/new?client_user_id=${userId}`,
      "/event/new",
    ]) {
      const asked = await app.cotter("GET", path);
      expect([path, asked.status, asked.text]).toEqual([path, 200, "null"]);
    }
  });

  test("FL: /event/new takes either name in the query", async () => {
    const app = await makeApp(place());
    const { userId } = await makePerson(app);
    await startSignIn(app, userId);
    const shown = await prompt(app, userId);
    for (const name of ["cotter_user_id", "client_user_id"]) {
      const asked = await app.cotter("GET", "/event/new", { query: { [name]: userId } });
      expect(asked.body.ID).toBe(shown.ID);
    }
  });

  test("an unknown number, and what is no number: 404 in {msg}", async () => {
    const app = await makeApp(place());
    for (const id of ["1481203377", "0", "-1", "1e3", "9007199254740993", "abc", "01"]) {
      const polled = await app.cotter("GET", `/event/get/${id}`, { query: { oauth_token: "true" } });
      expect([id, polled.status, polled.json]).toEqual([id, 404, { msg: "Event not found" }]);
    }
  });

  test("the respond number is no poll number, and the poll number no respond number", async () => {
    const app = await makeApp(place());
    const person = await makePerson(app);
    const pending = await startSignIn(app, person.userId);
    const shown = await prompt(app, person.userId);
    expect((await poll(app, Number(shown.ID))).status).toBe(404);
    expect((await respond(app, person, { ...shown, ID: pending.number }, true)).status).toBe(404);
    expect((await newest(app, person.userId))?.ID).toBe(shown.ID);
  });
});

describe("a request that may not pass", () => {
  test("C10 create: the identical request again gets the same event and session, and mints nothing", async () => {
    const app = await makeApp(place());
    const person = await makePerson(app);
    const call = { query: { oauth_token: "true" }, json: createBody(app, person) };
    const first = ok(await app.cotter("POST", "/event/create", call)).body;
    const again = ok(await app.cotter("POST", "/event/create", call)).body;
    const tokenOf = ({ oauth_token }: Json) => (oauth_token as Json).refresh_token;
    expect([again.ID, tokenOf(again)]).toEqual([first.ID, tokenOf(first)]);
    const grants = await app.admin("GET", `/admin/users/${person.userId}/grants`);
    // One of the enrolment, one of the sign-in.
    expect(grants.body.grants).toHaveLength(2);
  });

  test("create: an approval's signature signs nobody in (Cotter §10.6)", async () => {
    const app = await makeApp(place());
    const person = await makePerson(app);
    await startSignIn(app, person.userId);
    const shown = await prompt(app, person.userId);
    const answered = await respond(app, person, shown, true);
    expect(answered.status).toBe(200);
    const json = createBody(app, person, { timestamp: String(shown.timestamp) });
    const replayed = await app.cotter("POST", "/event/create", { query: { oauth_token: "true" }, json });
    expect([replayed.status, replayed.body.msg]).toEqual([403, "Signature was used before"]);
  });

  test("create: stale or early by more than five minutes, wrong issuer, reserved name, unsigned parts", async () => {
    const app = await makeApp(place());
    const other = await makeApp(place());
    const person = await makePerson(app);
    const refused: [string, number, object][] = [
      ["stale", 403, createBody(app, person, { timestamp: seconds(-320) })],
      ["early", 403, createBody(app, person, { timestamp: seconds(320) })],
      ["issuer", 403, createBody(other, person)],
      ["reserved", 400, createBody(app, person, { changes: { event: "ENROLL_NEW_TRUSTED_DEVICE" } })],
      ["event", 403, createBody(app, person, { changes: { event: "LOGOUT" } })],
      ["event", 400, createBody(app, person, { changes: { event: "LOG/IN" } })],
      ["approved", 400, createBody(app, person, { changes: { approved: false } })],
      ["method", 400, createBody(app, person, { changes: { method: "PIN" } })],
      ["code", 403, createBody(app, person, { changes: { code: ed25519Key().sign("anything") } })],
      ["public_key", 403, createBody(app, person, { changes: { public_key: ed25519Key().text } })],
      ["public_key", 403, createBody(app, person, { changes: { public_key: `${person.key.text}\n` } })],
      ["user", 404, createBody(app, person, { changes: { client_user_id: randomUUID() } })],
    ];
    for (const [what, status, json] of refused) {
      const tried = await app.cotter("POST", "/event/create", { query: { oauth_token: "true" }, json });
      expect([what, tried.status, Object.keys(tried.body)]).toEqual([what, status, ["msg"]]);
    }
    const grants = await app.admin("GET", `/admin/users/${person.userId}/grants`);
    expect(grants.body.grants).toHaveLength(1);
  });

  test("QR: a changed new key, an unfit new key, and a key that is somebody's are refused", async () => {
    const app = await makeApp(place());
    const person = await makePerson(app);
    const other = await makePerson(app);
    const newKey = ed25519Key();
    const unfit = { ...newKey, text: `${newKey.text}JUNK` };
    const refused: [number, object][] = [
      [403, createBody(app, person, { newKey, changes: { new_device_public_key: ed25519Key().text } })],
      [400, createBody(app, person, { newKey: unfit })],
      [400, createBody(app, person, { newKey, changes: { new_device_algorithm: "DSA" } })],
      [400, createBody(app, person, { newKey, changes: { new_device_public_key: null } })],
      [409, createBody(app, person, { newKey: other.key })],
    ];
    for (const [status, json] of refused) {
      expect((await app.cotter("POST", "/event/create", { json })).status).toBe(status);
    }
    const listed = await app.admin("GET", `/admin/users/${person.userId}/devices`);
    expect(listed.body.devices).toHaveLength(1);
  });

  test("IOS: the algorithm of a scanned key may be spelled ECDSA", async () => {
    const [ios] = SDKS.filter(({ name }) => name === "IOS");
    const app = await makeApp(place(), {}, ios!);
    const person = await makePerson(app);
    const json = createBody(app, person, {
      newKey: ios!.makeKey(),
      changes: { new_device_algorithm: "ECDSA" },
    });
    expect((await app.cotter("POST", "/event/create", { json })).status).toBe(200);
  });

  test("respond: only what was shown can be answered, and only with the key that signed", async () => {
    const app = await makeApp(place());
    const other = await makeApp(place());
    const person = await makePerson(app);
    await startSignIn(app, person.userId);
    const shown = await prompt(app, person.userId);
    const later = String(Number(shown.timestamp) + 1);
    const refused: [string, number, object][] = [
      ["timestamp", 403, { ...shown, timestamp: later }],
      ["event", 403, { ...shown, event: "PAYMENT" }],
      ["number", 404, { ...shown, ID: (Number(shown.ID) % (2 ** 31 - 2)) + 1 }],
    ];
    for (const [what, status, changed] of refused) {
      const tried = await respond(app, person, changed as typeof shown, true);
      expect([what, tried.status, Object.keys(tried.body)]).toEqual([what, status, ["msg"]]);
    }
    expect((await respond(app, person, shown, true, { issuer: other.clientId })).status).toBe(403);
    // Signed as an approval, sent as a denial, and the reverse.
    expect((await respond(app, person, shown, true, { approved: false })).status).toBe(403);
    expect((await respond(app, person, shown, false, { approved: true })).status).toBe(403);
    expect((await newest(app, person.userId))?.ID).toBe(shown.ID);
    expect((await respond(app, person, shown, true)).status).toBe(200);
  });

  test("respond: a second answer is 409 and changes nothing", async () => {
    const app = await makeApp(place());
    const person = await makePerson(app);
    const pending = await startSignIn(app, person.userId);
    const shown = await prompt(app, person.userId);
    expect((await respond(app, person, shown, false)).status).toBe(200);
    const second = await respond(app, person, shown, true);
    expect([second.status, second.json]).toEqual([409, { msg: "Event is already answered" }]);
    expect((await poll(app, pending.number)).status).toBe(403);
  });

  test("create_pending: unknown user 404; foreign issuer 403; reserved, shapeless or missing members 400", async () => {
    const app = await makeApp(place());
    const { userId } = await makePerson(app);
    const body = pendingBody(app, userId);
    const refused: [number, object][] = [
      [404, pendingBody(app, randomUUID())],
      [404, { ...body, client_user_id: "" }],
      [403, { ...body, issuer: randomUUID() }],
      [400, { ...body, event: "ENROLL_NEW_TRUSTED_DEVICE" }],
      [400, { ...body, event: "" }],
      [400, { ...body, event: undefined }],
      [400, { ...body, method: "OTP" }],
    ];
    for (const [status, json] of refused) {
      expect((await app.cotter("POST", "/event/create_pending", { json })).status).toBe(status);
    }
    expect(await newest(app, userId)).toBeNull();
  });
});

test("one inbox: an app of another client answers what this one asked, where this one says so (contract, doors)", async () => {
  const app = await makeApp(place());
  const [alone, other] = [
    await makeApp(place()),
    await makeApp(place(), { settings: { approve_through: [app.clientId] } }),
  ];
  const person = await makePerson(app);
  await startSignIn(alone, person.userId);
  expect(await newest(app, person.userId)).toBeNull();
  const pending = await startSignIn(other, person.userId);
  const shown = await prompt(app, person.userId);
  expect(shown.issuer).toBe(other.clientId);
  expect((await respond(app, person, shown, true)).status).toBe(200);
  const bundle = (await poll(other, pending.number)).body.oauth_token as Record<string, string>;
  expect(claims(bundle.access_token)).toMatchObject({ sub: person.userId, aud: other.clientId });
});

test("two prompts never ask for the same signature: the signing second always grows (Cotter §10.6)", async () => {
  const app = await makeApp(place());
  const person = await makePerson(app);
  const signed: number[] = [];
  for (let round = 0; round < 3; round++) {
    await startSignIn(app, person.userId);
    signed.push(Number((await prompt(app, person.userId)).timestamp));
  }
  expect(signed).toEqual([...new Set(signed)].sort((a, b) => a - b));
});
