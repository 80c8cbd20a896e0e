import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ChallengeSpec } from "../../../../src/core/challenge/state.ts";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import { revokeDevice } from "../../../../src/core/device/revoke.ts";
import { endGrant } from "../../../../src/core/grant/end.ts";
import { revokeGrant, revokeGrants } from "../../../../src/core/grant/manage.ts";
import { MAIN } from "../../../../src/core/ids.ts";
import type { EndedGrant, QueueMessage } from "../../../../src/core/message/queue.ts";
import { deleteUser } from "../../../../src/core/user/delete.ts";
import { updateUser } from "../../../../src/core/user/update.ts";
import { requestContext } from "../../../../src/doors/oauth/request.ts";
import { REFUSED_CALLBACKS } from "../../../vectors/callback-targets.ts";
import { authorizePath, callAs, exchangeCode, handedBack, newRp, type Rp } from "../../support/oauth.ts";
import {
  alsoAt,
  COOKIE,
  codeFor,
  drain,
  isAlive,
  newDevice,
  refreshes,
  type SignedIn,
  sessionCookie,
  sessionIdOf,
  signedIn,
} from "../../support/oauth-sessions.ts";
import { browser, pageDeployment } from "../../support/page.ts";

const at = pageDeployment({ ALLOW_PRIVATE_CALLBACKS: "false" }, () => ({ log: () => undefined }));
const { services } = at;
const ISSUER = services.config.issuer;
const HOOK = "https://shop.example/logged-out";
const admin = { actor: "admin" };

type Post = { readonly url: string; readonly init: RequestInit };
let posts: Post[];
let answer: () => Response;

beforeEach(() => {
  posts = [];
  at.queued.length = 0;
  answer = () => new Response(null, { status: 200 });
  vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
    posts.push({ url: String(url), init });
    return answer();
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const newClient = (settings: ClientSettings = {}) =>
  newRp(at, { settings: { backchannel_logout_uri: HOOK, ...settings } });

const tokenIn = ({ init }: Post): string => new URLSearchParams(String(init.body)).get("logout_token") ?? "";

/** What the client finds when it checks a token as section 2.6 says. */
async function read(post: Post, rp: Rp) {
  const jwks = (await (await at.ask("/.well-known/jwks.json")).json()) as JSONWebKeySet;
  const checks = { issuer: ISSUER, audience: rp.id, typ: "logout+jwt", algorithms: ["ES256"] };
  return (await jwtVerify(tokenIn(post), createLocalJWKSet(jwks), checks)).payload;
}

/** The grants that clients were told of, by what the queue brought. */
async function told(): Promise<readonly unknown[]> {
  await drain(at);
  return await Promise.all(
    posts.map(
      async (post) =>
        JSON.parse(atob(tokenIn(post).split(".")[1]?.replace(/-/g, "+").replace(/_/g, "/") ?? "")).sid,
    ),
  );
}

const signOutAt = ({ person, tokens }: SignedIn) =>
  person.get(`/oauth/logout?${new URLSearchParams({ id_token_hint: tokens.id_token ?? "" })}`);

describe("the metadata", () => {
  test("name the endpoint that signs out, and what is told behind the back", async () => {
    const said = await (await at.ask("/.well-known/openid-configuration")).json();
    expect(said).toMatchObject({
      end_session_endpoint: `${ISSUER}/oauth/logout`,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    });
  });
});

describe("a logout token", () => {
  test("says who was signed out of which session, and is no other kind of token", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    await signOutAt(here);
    await drain(at);
    expect(posts).toHaveLength(1);
    const [post] = posts as [Post];
    expect(post.url).toBe(HOOK);
    expect(post.init).toMatchObject({ method: "POST", redirect: "manual" });
    expect(new Headers(post.init.headers).get("Content-Type")).toBe("application/x-www-form-urlencoded");
    expect([...new URLSearchParams(String(post.init.body)).keys()]).toEqual(["logout_token"]);
    const claims = await read(post, rp);
    expect(claims).toEqual({
      iss: ISSUER,
      aud: rp.id,
      sub: here.userId,
      sid: here.grantId,
      iat: claims.iat,
      exp: (claims.iat ?? 0) + 120,
      jti: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      events: { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    expect(decodeProtectedHeader(tokenIn(post))).toEqual({
      alg: "ES256",
      typ: "logout+jwt",
      kid: expect.any(String),
    });
    for (const kind of ["access", "id"] as const) {
      expect((await services.verifier.verify(tokenIn(post), { kind })).ok).toBe(false);
    }
  });

  test("is signed as the client's ID tokens are, since it is checked as they are", async () => {
    const rp = await newClient({ id_token_signed_response_alg: "RS256" });
    const here = await signedIn(at, rp);
    await signOutAt(here);
    await drain(at);
    const [post] = posts as [Post];
    const { alg } = decodeProtectedHeader(here.tokens.id_token ?? "");
    expect([alg, decodeProtectedHeader(tokenIn(post)).alg]).toEqual(["RS256", "RS256"]);
    for (const kind of ["access", "id"] as const) {
      expect((await services.verifier.verify(tokenIn(post), { kind })).ok).toBe(false);
    }
  });

  test("is signed when it is sent: the queue holds none, and a repeat is known by its jti", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    await signOutAt(here);
    const message = at.queued.find((one) => (one as QueueMessage).kind === "tell_ended");
    expect(message).toEqual({
      kind: "tell_ended",
      door: "oauth",
      grant: { id: here.grantId, userId: here.userId, clientId: rp.id },
    });
    at.queued.push(message);
    await drain(at);
    expect(posts).toHaveLength(2);
    const [first, second] = await Promise.all(posts.map((post) => read(post, rp)));
    expect(first?.jti).toBe(second?.jti);
  });

  test("goes to each client of the session that wants it, once", async () => {
    const [rp, other, silent] = [await newClient(), await newClient(), await newRp(at)];
    const here = await signedIn(at, rp);
    const also = await alsoAt(at, other, here);
    await alsoAt(at, silent, here);
    await signOutAt(here);
    expect(new Set(await told())).toEqual(new Set([here.grantId, also.grantId]));
  });

  test("reaches a client without refresh tokens, also when its access token is over", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const rp = await newClient();
    const here = await signedIn(at, rp, { scope: "openid" });
    expect(here.tokens.refresh_token).toBeUndefined();
    vi.setSystemTime(Date.now() + 2 * 86_400_000);
    await signOutAt(here);
    expect(await told()).toEqual([here.grantId]);
  });
});

describe("a client is told whenever a grant of its ends by another's word", () => {
  const ENDINGS: readonly (readonly [string, (here: SignedIn) => Promise<unknown>])[] = [
    ["its user signs out in the browser", signOutAt],
    [
      "its user ends it on the page",
      async ({ person, grantId }) => {
        await person.get("/oauth/sessions");
        await person.post("/oauth/sessions", { end: grantId });
      },
    ],
    [
      "its user signs out everywhere",
      async ({ person }) => {
        await person.get("/oauth/sessions");
        await scheduler.wait(2);
        await person.post("/oauth/sessions", { end: "all" });
      },
    ],
    ["the operator ends it", ({ userId, grantId }) => revokeGrant(services, userId, grantId, admin)],
    [
      "the operator ends its session",
      ({ userId, sessionId }) => revokeGrant(services, userId, sessionId, admin),
    ],
    ["the operator ends all", ({ userId }) => revokeGrants(services, userId, admin)],
    [
      "its user is locked",
      ({ userId }) => updateUser(services, userId, { status: "locked", identifiers: {} }, admin),
    ],
    ["its user is deleted", ({ userId }) => deleteUser(services, userId, admin)],
  ];

  test.each(ENDINGS)("%s", async (_, act) => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    await act(here);
    expect(await isAlive(at, here.grantId)).toBe(false);
    expect(await told()).toEqual([here.grantId]);
  });

  test("the device that approved it is removed", async () => {
    const rp = await newClient({ match_code: "off" });
    const { address, userId } = await signedIn(at, rp);
    const device = await newDevice(at, rp, userId);
    const person = browser(at);
    const to = await authorizePath(rp, { scope: "openid" });
    await person.get(to);
    const begun = await person.post("/oauth/sign-in", { to, identifier: address, way: "device" });
    const id = services.challenges.parse(/sign-in\/([0-9a-f]{64})/.exec(begun.location)?.[1] ?? "");
    await device.approve(id!);
    const led = await person.get((await person.get(begun.location)).location);
    await exchangeCode(at, rp, handedBack(led.location).code ?? "");
    const [born] = await services.records.grantsOfUser(userId, {
      sessionId: sessionIdOf(sessionCookie(person)),
    });
    at.queued.length = 0;
    await revokeDevice(services, { userId, deviceId: device.id, reason: "test", ...admin });
    expect(await told()).toEqual([born?.id]);
  });

  test("T84 its refresh token comes back too late", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const rp = await newClient();
    const here = await signedIn(at, rp);
    expect(await refreshes(at, rp, here)).toBe(true);
    vi.setSystemTime(Date.now() + 31_000);
    expect(await refreshes(at, rp, here)).toBe(false);
    expect(await told()).toEqual([here.grantId]);
  });

  test("T84 the cookie of its session comes back too late", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const stolen = browser(at);
    stolen.keep(COOKIE, sessionCookie(here.person));
    await here.person.get("/oauth/sessions");
    vi.setSystemTime(Date.now() + 31_000);
    await stolen.get("/oauth/sessions");
    expect(new Set(await told())).toEqual(new Set([here.grantId]));
  });

  test("T45 another client has polled for its tokens", async () => {
    const grantTypes = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"] as const;
    const settings = { backchannel_logout_uri: HOOK };
    const [rp, thief] = [await newRp(at, { grantTypes, settings }), await newRp(at, { grantTypes })];
    const { userId } = await signedIn(at, await newRp(at));
    const id = services.challenges.fresh();
    const now = Date.now();
    const user = await services.users.byId(userId, MAIN);
    const proof = services.proofs.vouch(user!.user, {
      kind: "client",
      clientId: rp.id,
      decision: "approve",
      digest: id,
      amr: [],
    });
    if (!proof.ok) throw new Error(proof.error.code);
    const spec: ChallengeSpec = {
      id,
      door: "oauth",
      clientId: rp.id,
      purpose: "sign_in",
      userId,
      scope: "openid",
      requiresClaim: false,
      nonce: "n",
      context: requestContext({ kind: "device_code" }),
      subject: {},
      origin: {},
      createdAt: now,
      expiresAt: now + 60_000,
      redeemWindow: 60_000,
      replayWindow: 30_000,
    };
    expect((await services.challenges.openSettled(spec, proof.value)).ok).toBe(true);
    const form = {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: await services.handles.mint(id, "device_code"),
    };
    expect((await callAs(at, rp, "/oauth/token", form)).status).toBe(200);
    expect((await callAs(at, thief, "/oauth/token", form)).body.error).toBe("invalid_grant");
    expect((await callAs(at, thief, "/oauth/token", form)).body.error).toBe("invalid_grant");
    expect(await isAlive(at, id)).toBe(false);
    expect(await told()).toEqual([id]);
  });

  test("T46 its code comes again", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const code = await codeFor(rp, here.person);
    await exchangeCode(at, rp, code);
    const grants = await services.records.grantsOfUser(here.userId, { sessionId: here.sessionId });
    await exchangeCode(at, rp, code);
    const [ended] = grants.filter(({ id }) => id !== here.grantId);
    expect(await told()).toEqual([ended?.id]);
  });
});

describe("nobody is told", () => {
  test.each(["refresh_token", "access_token"])("when the client itself revokes its %s", async (which) => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    await callAs(at, rp, "/oauth/revoke", { token: here.tokens[which] ?? "" });
    expect(await isAlive(at, here.grantId)).toBe(false);
    expect(await told()).toEqual([]);
  });

  test("of a browser's session, which no client holds a token of", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    await revokeGrant(services, here.userId, here.grantId, admin);
    posts = [];
    at.queued.length = 0;
    await signOutAt(here);
    expect(await told()).toEqual([]);
  });

  test("when the client is disabled, or has changed its mind before the message came", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    await signOutAt(here);
    await services.clients.disable(rp.id, Date.now());
    expect(await told()).toEqual([]);
    const grant: EndedGrant = { id: here.grantId, userId: here.userId, clientId: (await newRp(at)).id };
    at.queued.push({ kind: "tell_ended", door: "oauth", grant });
    expect([await drain(at), posts]).toEqual([["done"], []]);
  });
});

describe("a delivery", () => {
  const once = async (attempts: number) => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    at.queued.length = 0;
    at.queued.push({
      kind: "tell_ended",
      door: "oauth",
      grant: { id: here.grantId, userId: here.userId, clientId: rp.id },
    });
    return await drain(at, attempts);
  };

  test.each([
    [200, "done"],
    [204, "done"],
    [400, "done"],
    [302, "done"],
    [404, "done"],
    [429, 10],
    [500, 10],
    [503, 10],
  ])("that is answered %i: %s", async (status, fate) => {
    answer = () => new Response(null, { status, headers: { Location: "https://evil.example/" } });
    expect(await once(1)).toEqual([fate]);
    expect(posts.map(({ url }) => url)).toEqual([HOOK]);
  });

  test("comes again, later each time", async () => {
    answer = () => {
      throw new Error("no connection");
    };
    const waits = [];
    for (const attempts of [1, 2, 3, 4, 5]) waits.push(...(await once(attempts)));
    expect(waits).toEqual([10, 60, 300, 1_800, 7_200]);
  });

  test("T97 goes to public https addresses alone, also one that was kept under looser rules", async () => {
    for (const url of REFUSED_CALLBACKS) {
      const rp = await newClient({ backchannel_logout_uri: url });
      const grant = { id: services.challenges.fresh(), userId: crypto.randomUUID(), clientId: rp.id };
      at.queued.push({ kind: "tell_ended", door: "oauth", grant });
      expect([url, await drain(at)]).toEqual([url, ["done"]]);
    }
    expect(posts).toEqual([]);
  });

  test("is asked for again by whoever repeats an ending that an outage had cut short", async () => {
    const rp = await newClient();
    const here = await signedIn(at, rp);
    const listing = await services.records.grant(here.userId, here.grantId);
    const events = {
      send: async () => {
        throw new Error("the queue cannot be used now");
      },
    };
    const asked = { ...admin, reason: "admin_revoked" };
    await expect(endGrant({ ...services, events }, listing!, asked)).rejects.toThrow("the queue");
    expect(await isAlive(at, here.grantId)).toBe(false);
    await revokeGrant(services, here.userId, here.grantId, admin);
    expect(await told()).toEqual([here.grantId]);
  });
});
