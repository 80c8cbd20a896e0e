import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Answer, Call, Json } from "../support/api.ts";
import { type App, makeApp, ok } from "../support/app.ts";
import {
  createBody,
  newest,
  pendingBody,
  poll,
  prompt,
  refresh,
  respondBody,
  startSignIn,
} from "../support/events.ts";
import { ed25519Key } from "../support/keys.ts";
import { makePerson, methodBody, type Person } from "../support/people.ts";
import { place } from "../support/place.ts";

type Route = {
  readonly method: string;
  readonly path: string;
  readonly body: Json;
  readonly members: readonly string[];
};

type Scene = {
  readonly app: App;
  readonly person: Person;
  readonly number: number;
  readonly routes: readonly Route[];
  /** Everything that a request could have changed. */
  state(): Promise<unknown>;
};

/** Routes with bodies that miss success by one thing only, so that a guard taken out would let them through. */
async function scene(): Promise<Scene> {
  const app = await makeApp(place());
  const person = await makePerson(app);
  const { number } = await startSignIn(app, person.userId);
  const shown = await prompt(app, person.userId);
  const forged = { userId: person.userId, key: { ...person.key, sign: ed25519Key().sign } };
  const device = ["method", "enrolled", "code"];
  const event = ["issuer", "event", "timestamp", "method", "code", "public_key", "approved"];
  const token = { grant_type: "refresh_token", refresh_token: "not.a-token" };
  const routes: Route[] = [
    {
      method: "POST",
      path: "/user/create",
      body: { identifier: person.identifier },
      members: ["identifier"],
    },
    {
      method: "PUT",
      path: `/user/methods?cotter_user_id=${person.userId}`,
      body: methodBody(app, ed25519Key()),
      members: device,
    },
    { method: "PUT", path: `/user/${person.userId}`, body: methodBody(app, ed25519Key()), members: device },
    { method: "POST", path: "/event/create?oauth_token=true", body: createBody(app, forged), members: event },
    {
      method: "POST",
      path: "/event/create_pending",
      body: { ...pendingBody(app, person.userId), issuer: randomUUID() },
      members: ["client_user_id", "event", "method", "issuer"],
    },
    {
      method: "POST",
      path: `/event/respond/${shown.ID}`,
      body: respondBody(app, forged, shown, true),
      members: event,
    },
    { method: "POST", path: "/token", body: token, members: ["grant_type", "refresh_token"] },
    { method: "POST", path: `/token/${app.clientId}`, body: token, members: ["grant_type", "refresh_token"] },
  ];
  const state = async () => {
    const user = `/admin/users/${person.userId}`;
    const [devices, grants, users, audit] = await Promise.all([
      app.admin("GET", `${user}/devices`),
      app.admin("GET", `${user}/grants`),
      app.admin("GET", user),
      app.admin("GET", `/admin/audit?client_id=${app.clientId}`),
    ]);
    const done = (audit.body.events as { type: string }[]).filter(
      ({ type }) => !/refused|limited/.test(type),
    );
    return {
      parts: [devices.json, grants.json, users.json, done.map(({ type }) => type)],
      prompt: await newest(app, person.userId),
      event: (await poll(app, number)).body,
    };
  };
  return { app, person, number, routes, state };
}

/** A refusal in the door's shape: a 4xx, `{msg}` and nothing else. */
function refused(what: string, answer: Answer): void {
  const shape = [what, Math.floor(answer.status / 100), Object.keys(answer.body), typeof answer.body.msg];
  expect(shape, answer.text.slice(0, 200)).toEqual([what, 4, ["msg"], "string"]);
  expect(answer.text).not.toMatch(/\.ts:\d|\bat [A-Z]\w+\.|zod|drizzle|D1_|SQLITE/);
}

const send = (app: App, route: Route, call: Call): Promise<Answer> =>
  app.cotter(route.method, route.path, call);

const asJson = { "Content-Type": "application/json" };
const label = (route: Route, what: string) =>
  `${route.method} ${route.path.replace(/[0-9a-f-]{36}/g, "{id}")}: ${what}`;

describe("T107 bad requests to every Cotter route", () => {
  test("T107 wrong content types, a megabyte, bad UTF-8, broken and deep JSON: 4xx in {msg}, nothing changed", async () => {
    const { app, person, routes, state } = await scene();
    const before = await state();
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    for (const route of [...routes, { ...routes.at(-1)!, method: "DELETE" }]) {
      const text = JSON.stringify(route.body);
      const padded = JSON.stringify({ ...route.body, padding: "x".repeat(1_048_576) });
      const bodies: [string, Call][] = [
        ["no content type", { raw: new TextEncoder().encode(text) }],
        ["text/plain", { raw: text, headers: { "Content-Type": "text/plain" } }],
        ["form", { raw: "a=b", headers: { "Content-Type": "application/x-www-form-urlencoded" } }],
        ["multipart", { raw: "--x--", headers: { "Content-Type": "multipart/form-data; boundary=x" } }],
        ["a megabyte", { raw: padded, headers: asJson }],
        [
          "bad UTF-8",
          { raw: new Uint8Array([...Buffer.from('{"a":"'), 0xc3, 0x28, 0x22, 0x7d]), headers: asJson },
        ],
        ["cut off", { raw: text.slice(0, -1), headers: asJson }],
        ["a trailing comma", { raw: `${text.slice(0, -1)},}`, headers: asJson }],
        ["deep", { raw: `{"a":${deep}`, headers: asJson }],
        ["deep list", { raw: deep, headers: asJson }],
        ...["null", "[]", '"text"', "1e999", "true", "NaN", "{"].map((raw): [string, Call] => [
          raw,
          { raw, headers: asJson },
        ]),
      ];
      for (const [what, call] of bodies) refused(label(route, what), await send(app, route, call));
    }
    // An empty body is a sign-out without a token, and a mistake everywhere else.
    for (const route of routes)
      refused(label(route, "empty"), await send(app, route, { raw: "", headers: asJson }));
    expect(await state()).toEqual(before);
    expect(ok(await refresh(app, person.tokens.refresh_token)).status).toBe(200);
  });

  test("T107 members of a wrong type or size: 4xx in {msg}, nothing changed", async () => {
    const { app, routes, state } = await scene();
    const before = await state();
    const wrong: unknown[] = [
      [],
      ["x"],
      [["x"]],
      {},
      { $ne: null },
      { toString: "x" },
      1e308,
      -1,
      2 ** 53,
      0.1,
      "x".repeat(20_000),
      "\u0000",
      "\ud800",
      "' OR 1=1 --",
      "../../etc/passwd",
    ];
    for (const route of routes) {
      for (const member of route.members) {
        for (const value of wrong) {
          // A word that is merely not known to anybody is a new name on sign-up, not a mistake.
          if (route.path === "/user/create" && typeof value === "string" && /^[ -~]{1,100}$/.test(value))
            continue;
          const answer = await send(app, route, { json: { ...route.body, [member]: value } });
          refused(label(route, `${member} = ${JSON.stringify(value).slice(0, 40)}`), answer);
        }
      }
    }
    expect(await state()).toEqual(before);
  });

  test("T107 prototype members, huge numbers as text, and unknown members change nothing", async () => {
    const { app, routes, state } = await scene();
    const before = await state();
    for (const route of routes) {
      const text = JSON.stringify(route.body).slice(0, -1);
      for (const tail of ['"__proto__":{"approved":true}', '"constructor":{}', `"n":${"9".repeat(5_000)}`]) {
        const answer = await send(app, route, { raw: `${text},${tail}}`, headers: asJson });
        refused(label(route, tail.slice(0, 30)), answer);
      }
    }
    expect(await state()).toEqual(before);
  });

  test("T107 repeated parameters: 400 in {msg}", async () => {
    const { app, person, number, state } = await scene();
    const before = await state();
    const body = methodBody(app, ed25519Key());
    const calls: [string, string, Call?][] = [
      ["GET", `/user?identifier=${person.identifier}&identifier=x`],
      [
        "GET",
        `/user/methods?cotter_user_id=${person.userId}&cotter_user_id=x&method=TRUSTED_DEVICE&public_key=x`,
      ],
      ["GET", `/event/new?cotter_user_id=${person.userId}&cotter_user_id=x`],
      ["GET", `/event/get/${number}?oauth_token=true&oauth_token=false`],
      [
        "PUT",
        `/user/methods?cotter_user_id=${person.userId}&cotter_user_id=${person.userId}`,
        { json: body },
      ],
      ["POST", "/event/create?oauth_token=false&oauth_token=true", { json: createBody(app, person) }],
    ];
    for (const [method, path, call] of calls) {
      const answer = await app.cotter(method, path, call);
      refused(`${method} ${path}`, answer);
      expect(answer.status).toBe(400);
    }
    expect(await state()).toEqual(before);
  });

  test("T107 paths and queries of any bytes: never a 5xx, always JSON", async () => {
    const { app, person, state } = await scene();
    const before = await state();
    const words = [
      ..."%00 %ff %c3%28 %ZZ % %2e%2e%2f %F0%9F%98%80 %u0041 %0d%0aX:1 '%20OR%201 ١٢٣ 1e5 0x10 -0 99999999999999999999".split(
        " ",
      ),
      "x".repeat(4_000),
      "%25".repeat(500),
      "A".repeat(4_096),
    ];
    for (const word of words) {
      const paths: [string, string, Call?][] = [
        ["GET", `/user?identifier=${word}`],
        ["GET", `/user/${word}`],
        ["GET", `/user/enrolled/${word}/TRUSTED_DEVICE/${word}`],
        ["GET", `/user/enrolled/${person.userId}/${word}/${word}`],
        ["GET", `/user/methods?cotter_user_id=${word}&method=${word}&public_key=${word}`],
        ["PUT", `/user/${word}`, { json: methodBody(app, ed25519Key()) }],
        ["GET", `/event/new/${word}`],
        ["GET", `/event/new?cotter_user_id=${word}`],
        ["GET", `/event/get/${word}?oauth_token=${word}`],
        ["POST", `/event/respond/${word}`, { json: respondBody(app, person, { ID: 1 }, true) }],
        ["POST", `/token/${word}`, { json: {} }],
        ["DELETE", `/token/${word}`],
        ["GET", `/${word}`],
      ];
      for (const [method, path, call] of paths) {
        const answer = await app.cotter(method, path, call);
        const what = `${method} ${path.slice(0, 80)}`;
        expect([what, answer.json !== undefined], answer.text.slice(0, 200)).toEqual([what, true]);
        if (answer.status !== 200) refused(what, answer);
      }
    }
    expect(await state()).toEqual(before);
  });

  test("T107 headers of any content name no client: 401 in {msg}", async () => {
    const { app } = await scene();
    for (const API_KEY_ID of [
      "x".repeat(4_000),
      "a b",
      "../x",
      "%00",
      "{}",
      "null",
      `${app.clientId},${app.clientId}`,
    ]) {
      const answer = await app.cotter("GET", "/user?identifier=x", { headers: { API_KEY_ID } });
      refused(API_KEY_ID.slice(0, 20), answer);
      expect(answer.status).toBe(401);
    }
  });
});
