import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { authsignalDoors } from "../../../src/doors/authsignal/routes.ts";
import { cotterDoors } from "../../../src/doors/cotter/routes.ts";
import { loginidDoors } from "../../../src/doors/loginid/routes.ts";
import type { Door } from "../../../src/http/door.ts";
import { waitingRoutes } from "../../../src/http/waiting.ts";
import {
  answer,
  inQuery,
  type Key,
  newKey,
  poll as pollPush,
  bearer as token,
  track,
} from "../support/authsignal.ts";
import { deployment, type Json, poll, prompt, refresh, respond } from "../support/cotter.ts";
import { tokenOf, waitOn } from "../support/loginid.ts";
import { type Kind, newWorld, type World } from "../support/realm-world.ts";

// Every address is somebody else's, so that no limit ends the walk before it has been everywhere.
const at = deployment({ IP_LIMITS: "off" });

type Route = { readonly method: string; readonly path: string };

/** Every route of every door, read from the doors themselves: a new one is walked without being named here. */
function allRoutes(): readonly Route[] {
  const doors: readonly Door[] = [
    ...cotterDoors(),
    ...authsignalDoors(),
    ...loginidDoors(),
    { prefix: "", routes: waitingRoutes() },
  ];
  const seen = doors.flatMap(({ prefix, routes }) =>
    routes.routes.map(({ method, path }) => `${method} ${prefix}${path === "/" ? "" : path}`),
  );
  const walked = [...new Set(seen)].filter(
    (one) => !one.startsWith("ALL ") && !one.includes("*") && !one.includes("{"),
  );
  return walked
    .toSorted((a, b) => Number(ENDS.test(a)) - Number(ENDS.test(b)))
    .map((one) => {
      const [method = "", path = ""] = one.split(" ");
      return { method, path };
    });
}

/** Where something may be gone afterwards, so these come last. */
const ENDS = /^DELETE|\/(?:delete|remove|revoke|deactivate|invalidate-all)$/;

/** What a parameter or member of each name is filled with. */
const KINDS: Readonly<Record<string, Kind>> = {
  user: "person",
  user_id: "person",
  userId: "person",
  username: "person",
  identifier: "person",
  client_user_id: "person",
  cotter_user_id: "person",
  email: "person",
  input: "person",
  lastEvaluatedUserId: "person",
  event_id: "event",
  id: "challenge",
  challengeId: "challenge",
  deviceCode: "challenge",
  userAuthenticatorId: "device",
  key: "action",
  idempotencyKey: "action",
  publicKey: "key",
  public_key: "key",
  refresh_token: "token",
  verificationCode: "code",
};

const pick = (list: readonly string[], round: number): string => list[round % list.length] ?? "";

/** The realm whose names are used, and the one that uses them. */
type Walk = { readonly of: World; readonly by: World; readonly own: Key };

const naming = ({ of }: Walk, name: string, round: number): string => {
  const kind = KINDS[name];
  return kind ? pick(of.names[kind], round) : "";
};

function pathOf(walk: Walk, { path }: Route, round: number): string {
  const filled = path.replaceAll(/:(\w+)/g, (_, name: string) => {
    if (name === "type") return "short";
    if (name === "method") return "TRUSTED_DEVICE";
    if (name === "action") return "signIn";
    if (name === "tenant" || name === "api_key_id") return walk.by.client;
    if (path.includes("authenticators") && name === "id") return pick(walk.of.names.device, round);
    if (path.includes("enrolled") && name === "key")
      return encodeURIComponent(pick(walk.of.names.key, round)).replaceAll("%", "%25");
    return encodeURIComponent(naming(walk, name, round));
  });
  const query = ["cotter_user_id", "user_id", "username", "identifier", "challengeId", "email"].map(
    (name) => [name, naming(walk, name, round)] as const,
  );
  const publicKey = round % 2 ? inQuery(walk.own) : btoa(pick(walk.of.names.key, round));
  const all = new URLSearchParams([...query, ["publicKey", publicKey], ["oauth_token", "true"]]);
  // `queryUsers` takes one question at a time.
  if (path === "/v1/users" && round % 2) all.delete("username");
  return `${filled}?${all}`;
}

/** One body for all: what a route does not know it leaves out. Signed by the caller's own key where anything is signed. */
async function bodyOf(walk: Walk, { path }: Route, round: number): Promise<Json> {
  const { by, own } = walk;
  const names = Object.fromEntries(Object.keys(KINDS).map((name) => [name, naming(walk, name, round)]));
  const timestamp = String(Math.floor(Date.now() / 1000));
  const user = naming(walk, "client_user_id", round);
  const publicKey = round % 2 ? own.text : naming(walk, "publicKey", round);
  const isCotterEvent = path.startsWith("/api/v0/event");
  const parts = `${user}${by.client}LOGIN${timestamp}TRUSTED_DEVICEtrue`;
  const isLoginid = !path.startsWith("/api/v0") && !path.startsWith("/v1");
  return {
    ...names,
    ...(round % 2 && isLoginid ? { user_id: undefined } : {}),
    ...(!(round % 2) && isLoginid ? { username: undefined } : {}),
    client_id: by.client,
    issuer: by.client,
    api_key: by.client,
    event: "LOGIN",
    timestamp,
    method: "TRUSTED_DEVICE",
    location: "unknown",
    approved: true,
    enrolled: !(path.includes("user") && round % 2),
    grant_type: "refresh_token",
    publicKey,
    public_key: publicKey,
    algorithm: "EC",
    signature: await own.sign(naming(walk, "challengeId", round)),
    code: isCotterEvent ? await own.sign(parts) : path.includes("codes") ? walk.of.carried.code : own.text,
    authentication_code: { code: walk.of.carried.code, type: "short" },
    credential: { uuid: naming(walk, "userAuthenticatorId", round), name: "mine" },
    purpose: "temporary_authentication",
    no_wait: true,
    action: "signIn",
    state: "BLOCK",
    token: pick(walk.of.names.token, round),
    verificationMethod: "EMAIL_OTP",
    emailVerified: false,
  };
}

/** The scope that a LoginID route asks of a backend's token. */
function scopeOf(path: string): string {
  const last = path.split("/").at(-1) ?? "";
  if (path.includes("/manage/users")) {
    return `users.${{ users: "create", ":user_id": "delete" }[last] ?? last}`;
  }
  if (path.includes("/codes/")) return `codes.${last === "invalidate-all" ? "invalidate" : last}`;
  if (path.endsWith("/force")) return "credentials.force_add";
  if (path.includes("/credentials")) return `credentials.${last === "credentials" ? "list" : last}`;
  return "auth.temporary";
}

async function headersOf({ by }: Walk, { path }: Route, own: string, round: number) {
  if (path.startsWith("/api/v0")) return { API_KEY_ID: by.client };
  if (path.startsWith("/v1/client")) {
    if (round % 2) return { Authorization: `Basic ${btoa(`${by.client}:`)}` };
    return token(own);
  }
  if (path.startsWith("/v1")) return { Authorization: `Basic ${btoa(`${by.tenant.secret}:`)}` };
  if (path.startsWith("/challenges"))
    return { Authorization: `Bearer ${pick([by.push.id, String(by.event.ID)], round)}` };
  return { Authorization: `Bearer ${await tokenOf(by.backend, scopeOf(path))}` };
}

const ROUNDS = 7;

type Heard = {
  readonly route: string;
  readonly status: number;
  readonly sent: string;
  readonly text: string;
};

async function walkAll(walk: Walk): Promise<readonly Heard[]> {
  const heard: Heard[] = [];
  for (const route of allRoutes()) {
    for (let round = 0; round < ROUNDS; round++) {
      const path = pathOf(walk, route, round);
      const hasBody = !["GET", "HEAD"].includes(route.method);
      const body = hasBody ? await bodyOf(walk, route, round) : undefined;
      const headers = await headersOf(walk, route, walk.by.push.token, round);
      const told = await at
        .call(route.method, path, body, headers)
        // A page is not JSON; what matters is whether it tells anything.
        .catch((error: Error) => ({ status: 0, body: { text: error.message } }));
      heard.push({
        route: `${route.method} ${route.path}`,
        status: told.status,
        sent: decodeURIComponent(decodeURIComponent(path)) + JSON.stringify(body ?? {}),
        text: JSON.stringify(told.body),
      });
    }
  }
  return heard;
}

/** What an answer says of this world that the call itself had not said. */
const marksIn = ({ marks }: World, { text, sent }: Heard): readonly string[] =>
  marks.filter((mark) => text.includes(mark) && !sent.includes(mark));

/** Routes that the walk is known to get an answer from, so that it cannot pass by being refused everywhere. */
const KNOWN: readonly string[] = [
  "GET /api/v0/user/:user",
  "GET /api/v0/event/new/:user",
  "GET /api/v0/event/get/:event_id",
  "POST /api/v0/event/create_pending",
  "GET /api/v0/user/enrolled/:user/:method/:key",
  "POST /v1/client/verify/push",
  "POST /v1/client/challenge/qr-code",
  "GET /v1/client/user-authenticators/push",
  "GET /v1/client/user-authenticators/push/challenge",
  "POST /v1/client/user-authenticators/push/sign",
  "POST /v1/validate",
  "GET /v1/users",
  "GET /v1/users/:user",
  "PATCH /v1/users/:user",
  "GET /v1/users/:user/authenticators",
  "GET /v1/users/:user/actions",
  "GET /v1/users/:user/actions/:action/:key",
  "PATCH /v1/users/:user/actions/:action/:key",
  "DELETE /v1/users/:user/authenticators/:id",
  "DELETE /v1/users/:user",
  "POST /manage/users/retrieve",
  "PUT /manage/users/:user_id/activate",
  "POST /codes/:type/generate",
  "POST /credentials/list",
  "GET /credentials",
];

/** Every row of D1 that belongs to the realm or to one of its users; the trail of refusals is not theirs. */
async function rowsOf({ realm }: World): Promise<Readonly<Record<string, unknown>>> {
  const mine = "select id from users where realm = ?1";
  const queries: Readonly<Record<string, string>> = {
    users: "select * from users where realm = ?1 order by id",
    identifiers: "select * from identifiers where realm = ?1 order by kind, normal, owner",
    devices: "select * from devices where realm = ?1 order by id",
    grants: `select * from grants where user_id in (${mine}) order by id`,
    actions: `select * from actions where user_id in (${mine}) order by code, idempotency_key`,
    authenticators: `select * from authenticators where user_id in (${mine}) order by id`,
    profiles: `select * from client_profiles where user_id in (${mine}) order by user_id, client_id`,
    codes: `select * from user_codes where user_id in (${mine}) order by code_hash`,
  };
  const rows = Object.entries(queries).map(async ([table, sql]) => {
    const { results } = await env.DB.prepare(sql).bind(realm).all();
    return [table, results] as const;
  });
  return Object.fromEntries(await Promise.all(rows));
}

/** Signs in at every door with what has been waiting, so that no object of the realm can have changed either. */
async function finishAll(world: World) {
  const shown = (await prompt(at, world.client, world.person)) as Json;
  const approved = shown && (await respond(at, world.client, world.person, shown, true));
  const polled = await poll(at, world.client, world.event);
  const pushed = await answer(at, world.actionPhone, world.push.id, true);
  const verified = await pollPush(at, world.push.token, world.push.id);
  const { username, code } = world.carried;
  const asked = { client_id: world.client, username, purpose: "temporary_authentication", code };
  const authorized = await at.call("POST", "/codes/short/authorize", asked, {
    Authorization: `Bearer ${await tokenOf(world.backend, "codes.authorize")}`,
  });
  const waited = await waitOn(
    at,
    { id: world.client },
    world.carried,
    code,
    {},
    { Authorization: `Bearer ${await tokenOf(world.backend, "auth.temporary")}` },
  );
  return {
    cotter: [approved?.status, polled.status, typeof polled.body.oauth_token],
    refresh: (await refresh(at, world.client, world.person.tokens.refresh_token)).status,
    authsignal: [pushed.status, verified.body.isVerified],
    loginid: [authorized.status, waited.status],
    track: (await track(at, world.tenant, world.actionUser, "later")).status,
  };
}

describe("T106 two realms in one deployment", () => {
  const shared = { actionUser: `same-${crypto.randomUUID().slice(0, 8)}` };
  let one: World;
  let other: World;
  let own: Key;

  beforeAll(async () => {
    [one, other, own] = [await newWorld(at, shared), await newWorld(at, shared), await newKey()];
  });

  test("T106 both have a user of the same name, and it is not the same user", async () => {
    expect(one.actionUser).toBe(other.actionUser);
    expect(one.names.person[3]).not.toBe(other.names.person[3]);
  });

  test("T106 every route with the other realm's ids tells nothing of it and changes nothing there", async () => {
    const before = await rowsOf(one);
    expect(before).toMatchObject({
      users: expect.arrayContaining([expect.objectContaining({ realm: one.realm })]),
    });
    const heard = await walkAll({ of: one, by: other, own });
    const told = heard.flatMap((call) => marksIn(one, call).map((mark) => `${call.route}: ${mark}`));
    expect(told).toEqual([]);
    expect(heard.filter(({ status }) => status >= 500)).toEqual([]);
    expect(await rowsOf(one)).toEqual(before);
    expect(await finishAll(one)).toEqual({
      cotter: [200, 200, "object"],
      refresh: 200,
      authsignal: [200, true],
      loginid: [200, 200],
      track: 200,
    });
  });

  test("T106 the same walk with one's own ids is answered at the doors' main routes", async () => {
    const heard = await walkAll({ of: other, by: other, own: other.actionPhone.key });
    const answered = new Set(heard.filter(({ status }) => status === 200).map(({ route }) => route));
    expect([...answered]).toEqual(expect.arrayContaining([...KNOWN]));
    const knew = new Set(heard.filter((one) => marksIn(other, one).length > 0).map(({ route }) => route));
    expect([...knew]).toEqual(
      expect.arrayContaining(["GET /api/v0/user/:user", "PUT /manage/users/:user_id/activate"]),
    );
  });
});
