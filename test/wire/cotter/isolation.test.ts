import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Server, startServer } from "../server.ts";
import { type Answer, type Call, makeApi } from "../support/api.ts";
import { type App, makeApp, ok } from "../support/app.ts";
import {
  answerNewest,
  createBody,
  newest,
  type Pending,
  pendingBody,
  poll,
  prompt,
  refresh,
  respond,
  respondBody,
  startSignIn,
} from "../support/events.ts";
import { ed25519Key } from "../support/keys.ts";
import { makePerson, methodBody, type Person } from "../support/people.ts";
import { place } from "../support/place.ts";
import { RN } from "../support/sdk.ts";

const unused = () => randomInt(2 ** 40, 2 ** 48 - 1);
const seen = ({ status, text }: Answer) => [status, text];

describe("T20 user B's trusted device answers user A's sign-in", () => {
  async function scene(): Promise<{ app: App; ana: Person; ben: Person; pending: Pending }> {
    const app = await makeApp(place());
    const [ana, ben] = [await makePerson(app), await makePerson(app)];
    return { app, ana, ben, pending: await startSignIn(app, ana.userId) };
  }

  async function unchanged(app: App, ana: Person, pending: Pending): Promise<void> {
    expect(await newest(app, ana.userId)).toMatchObject({ new: true, approved: false });
    expect((await poll(app, pending.number)).body).toMatchObject({ new: true, approved: false });
    await answerNewest(app, ana, true);
    expect((await poll(app, pending.number)).body.oauth_token).toBeDefined();
  }

  test.each([true, false])("T20 in B's own name (approved: %s): not found, state unchanged", async (yes) => {
    const { app, ana, ben, pending } = await scene();
    const shown = await prompt(app, ana.userId);
    const tried = await respond(app, ben, shown, yes);
    expect([tried.status, tried.json]).toEqual([404, { msg: "Event not found" }]);
    await unchanged(app, ana, pending);
  });

  test.each([true, false])("T20 in A's name with B's key (approved: %s): refused, unchanged", async (yes) => {
    const { app, ana, ben, pending } = await scene();
    const shown = await prompt(app, ana.userId);
    const tried = await respond(app, { userId: ana.userId, key: ben.key }, shown, yes);
    expect([tried.status, Object.keys(tried.body)]).toEqual([403, ["msg"]]);
    await unchanged(app, ana, pending);
  });

  test("T20 with A's public key and B's signature, or B's name beside A's: refused, unchanged", async () => {
    const { app, ana, ben, pending } = await scene();
    const shown = await prompt(app, ana.userId);
    const byBen = respondBody(app, { userId: ana.userId, key: ben.key }, shown, true);
    const mixed = { ...byBen, public_key: ana.key.text };
    const path = `/event/respond/${shown.ID}`;
    expect((await app.cotter("POST", path, { json: mixed })).status).toBe(403);
    const named = { ...respondBody(app, ben, shown, true), user_id: ana.userId };
    expect((await app.cotter("POST", path, { json: named })).status).toBe(404);
    await unchanged(app, ana, pending);
  });

  test("T20 B signs nobody but B in, and enrols no device for A", async () => {
    const { app, ana, ben } = await scene();
    const asAna = { userId: ana.userId, key: ben.key };
    for (const json of [createBody(app, asAna), createBody(app, asAna, { newKey: ed25519Key() })]) {
      const tried = await app.cotter("POST", "/event/create", { query: { oauth_token: "true" }, json });
      expect([tried.status, tried.body.oauth_token]).toEqual([403, undefined]);
    }
    const devices = await app.admin("GET", `/admin/users/${ana.userId}/devices`);
    expect(devices.body.devices).toHaveLength(1);
  });
});

describe("T106 ids of another client", () => {
  test("T106 an event's number is unknown to every other client, on every route that takes one", async () => {
    const app = await makeApp(place());
    const other = await makeApp(place());
    const person = await makePerson(app);
    const theirs = await makePerson(other);
    const pending = await startSignIn(app, person.userId);
    for (const query of [{ oauth_token: "true" }, { oauth_token: "false" }]) {
      const [real, none] = [pending.number, unused()].map((number) =>
        other.cotter("GET", `/event/get/${number}`, { query }),
      );
      expect(seen(await real!)).toEqual(seen(await none!));
      expect((await real!).status).toBe(404);
    }
    const shown = { ...(await prompt(app, person.userId)) };
    const tries = [pending.number, Number(shown.ID), unused()].map((ID) =>
      respond(other, theirs, { ...shown, ID }, true),
    );
    const answers = (await Promise.all(tries)).map(seen);
    expect(answers).toEqual(answers.map(() => [404, JSON.stringify({ msg: "Event not found" })]));
    expect((await poll(app, pending.number)).body).toMatchObject({ new: true, approved: false });
  });

  test("T106 a refresh token is 'not valid' to every other client, as an unknown one is", async () => {
    const app = await makeApp(place());
    const other = await makeApp(place());
    const { tokens } = await makePerson(app);
    const unknown = `${randomBytes(32).toString("hex")}.${randomBytes(32).toString("base64url")}`;
    expect(seen(await refresh(other, tokens.refresh_token))).toEqual(seen(await refresh(other, unknown)));
  });
});

describe("T106 ids of another deployment", () => {
  let second: Server | undefined;
  const secret = () => randomBytes(32).toString("base64url");

  beforeAll(async () => {
    const vars = { KEY_ENCRYPTION_KEY: `1:${secret()}`, HANDLE_KEY: `1:${secret()}`, PEPPER: secret() };
    second = await startServer({ vars });
  });
  afterAll(async () => {
    await second?.stop();
    second?.remove();
  });

  /** The same client id here and there, so that nothing but the deployment differs. */
  async function twins(): Promise<{ here: App; there: App }> {
    const client_id = randomUUID();
    const here = await makeApp(place(), { client_id });
    const there = await makeApp({ ...place(), origin: second!.origin }, { client_id });
    return { here, there };
  }

  test("T106 every route answers for them as for what never was", async () => {
    const { here, there } = await twins();
    const mine = await makePerson(here);
    const person = await makePerson(there);
    const pending = await startSignIn(there, person.userId);
    const shown = await prompt(there, person.userId);
    const key = { text: person.key.text, path: RN.pathKey(person.key.text) };
    const stranger = { ...person, userId: randomUUID(), key: ed25519Key() };
    const none = { text: stranger.key.text, path: RN.pathKey(stranger.key.text) };

    /** The same call with an id of the other deployment, and with one that nobody ever had. */
    const pairs: [string, string, [string, Call?], [string, Call?]][] = [
      [
        "identifier",
        "GET",
        ["/user", { query: { identifier: person.identifier } }],
        ["/user", { query: { identifier: "x@example.com" } }],
      ],
      ["user", "GET", [`/user/${person.userId}`], [`/user/${stranger.userId}`]],
      [
        "enrol",
        "PUT",
        [`/user/${person.userId}`, { json: methodBody(here, ed25519Key()) }],
        [`/user/${stranger.userId}`, { json: methodBody(here, ed25519Key()) }],
      ],
      [
        "enrol by query",
        "PUT",
        ["/user/methods", { query: { cotter_user_id: person.userId }, json: methodBody(here, person.key) }],
        [
          "/user/methods",
          { query: { cotter_user_id: stranger.userId }, json: methodBody(here, stranger.key) },
        ],
      ],
      [
        "remove",
        "PUT",
        [`/user/${mine.userId}`, { json: { ...methodBody(here, person.key), enrolled: false } }],
        [`/user/${mine.userId}`, { json: { ...methodBody(here, stranger.key), enrolled: false } }],
      ],
      [
        "enrolled",
        "GET",
        [`/user/enrolled/${person.userId}/TRUSTED_DEVICE/${key.path}`],
        [`/user/enrolled/${stranger.userId}/TRUSTED_DEVICE/${none.path}`],
      ],
      [
        "methods",
        "GET",
        [
          "/user/methods",
          { query: { cotter_user_id: person.userId, method: "TRUSTED_DEVICE", public_key: key.text } },
        ],
        [
          "/user/methods",
          { query: { cotter_user_id: stranger.userId, method: "TRUSTED_DEVICE", public_key: none.text } },
        ],
      ],
      [
        "create",
        "POST",
        ["/event/create", { json: createBody(here, person) }],
        ["/event/create", { json: createBody(here, stranger) }],
      ],
      [
        "create by a foreign key",
        "POST",
        ["/event/create", { json: createBody(here, { userId: mine.userId, key: person.key }) }],
        ["/event/create", { json: createBody(here, { userId: mine.userId, key: stranger.key }) }],
      ],
      [
        "create_pending",
        "POST",
        ["/event/create_pending", { json: pendingBody(here, person.userId) }],
        ["/event/create_pending", { json: pendingBody(here, stranger.userId) }],
      ],
      ["new", "GET", [`/event/new/${person.userId}`], [`/event/new/${stranger.userId}`]],
      [
        "poll",
        "GET",
        [`/event/get/${pending.number}?oauth_token=true`],
        [`/event/get/${unused()}?oauth_token=true`],
      ],
      [
        "respond",
        "POST",
        [`/event/respond/${shown.ID}`, { json: respondBody(here, mine, shown, true) }],
        [`/event/respond/${randomInt(1, 2 ** 31 - 1)}`, { json: respondBody(here, mine, shown, true) }],
      ],
      [
        "refresh",
        "POST",
        ["/token", { json: { grant_type: "refresh_token", refresh_token: person.tokens.refresh_token } }],
        ["/token", { json: { grant_type: "refresh_token", refresh_token: "10457:qm3Jt0r7" } }],
      ],
      [
        "sign out",
        "DELETE",
        [`/token/${here.clientId}`, { json: { refresh_token: person.tokens.refresh_token } }],
        [`/token/${here.clientId}`, { json: { refresh_token: "10457:qm3Jt0r7" } }],
      ],
    ];
    for (const [what, method, foreign, never] of pairs) {
      const [real, none] = [await here.cotter(method, ...foreign), await here.cotter(method, ...never)];
      expect([what, ...seen(real)]).toEqual([what, ...seen(none)]);
      expect(real.status).toBeLessThan(500);
    }
    const wait = makeApi(here.origin);
    const headers = { Authorization: `Bearer ${pending.number}` };
    const [real, never] = [pending.challengeId, randomBytes(32).toString("hex")].map((id) =>
      wait("GET", `/challenges/${id}/wait?timeout=1`, { headers }),
    );
    expect(seen(await real!)).toEqual(seen(await never!));
    expect((await real!).status).toBe(404);

    // Where they belong they are alive, and here nothing was touched.
    expect((await poll(there, pending.number)).body).toMatchObject({ new: true, approved: false });
    expect(ok(await refresh(there, person.tokens.refresh_token)).status).toBe(200);
    expect(ok(await refresh(here, mine.tokens.refresh_token)).status).toBe(200);
    expect(await newest(here, mine.userId)).toBeNull();
  });
});
