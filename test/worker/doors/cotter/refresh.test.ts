import { afterEach, describe, expect, test, vi } from "vitest";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import {
  claimsOf,
  type Deployment,
  deployment,
  fresh,
  type Json,
  newClient,
  newPerson,
  newPhone,
  refresh,
} from "../../support/cotter.ts";
import { withId } from "../../support/people.ts";
import { until } from "../../support/until.ts";

const sent: QueueMessage[] = [];
const at: Deployment = deployment({}, (services) => ({
  events: {
    send: async (message) => {
      sent.push(message);
      await services.events.send(message);
    },
  },
}));

async function signedIn(settings: ClientSettings = {}) {
  const client = await newClient(at, settings);
  const person = await newPerson(at, client);
  return { client, person, r1: String(person.tokens.refresh_token) };
}

const later = (seconds: number) => vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + seconds * 1000 });

afterEach(() => {
  vi.useRealTimers();
  sent.length = 0;
});

describe("refreshing", () => {
  test("a refresh answers a new bundle about the same user, and never an old refresh token", async () => {
    const { client, person, r1 } = await signedIn();
    const answer = await refresh(at, client, r1);
    expect(answer.status).toBe(200);
    expect(answer.body.refresh_token).not.toBe(r1);
    const before = claimsOf(person.tokens.access_token);
    const after = claimsOf(answer.body.access_token);
    expect(after).toMatchObject({ sub: before.sub, aud: before.aud, identifier: before.identifier });
    expect(after.jti).not.toBe(before.jti);
    expect(claimsOf(answer.body.id_token).auth_time).toBe(claimsOf(person.tokens.id_token).auth_time);
    expect(answer.headers.get("Cache-Control")).toContain("no-store");
  });

  test("T226 C2 the predecessor gets the same successor for as long as that is unused, and keeps the session alive", async () => {
    const { client, r1 } = await signedIn({ refresh_token_days: 1 });
    const r2 = String((await refresh(at, client, r1)).body.refresh_token);
    for (const wait of [31, 3_600, 20 * 3_600, 20 * 3_600, 20 * 3_600]) {
      later(wait);
      const again = await refresh(at, client, r1);
      expect([wait, again.status, again.body.refresh_token]).toEqual([wait, 200, r2]);
      expect(claimsOf(again.body.access_token).iat).toBe(Math.floor(Date.now() / 1_000));
    }
    const r3 = String((await refresh(at, client, r2)).body.refresh_token);
    expect([r1, r2]).not.toContain(r3);
    expect((await refresh(at, client, r2)).body.refresh_token).toBe(r3);
    later(25 * 3_600);
    expect((await refresh(at, client, r2)).status).toBe(400);
  });

  test("T226 C2 once the successor was used, its predecessor ends the grant, at any time and in twenty calls at once", async () => {
    const { client, person, r1 } = await signedIn();
    const r2 = String((await refresh(at, client, r1)).body.refresh_token);
    later(90);
    const [r3] = await Promise.all([
      refresh(at, client, r2),
      ...Array.from({ length: 19 }, () => refresh(at, client, r2)),
    ]);
    expect(r3?.status).toBe(200);
    const reused = await refresh(at, client, r1);
    expect([reused.status, reused.body.msg]).toEqual([400, "Refresh token is not valid"]);
    for (const token of [r2, r3?.body.refresh_token])
      expect((await refresh(at, client, token)).status).toBe(400);
    expect(sent.map((message) => message.kind).sort()).toEqual(["grant_ended", "webhook"]);
    vi.useRealTimers();
    await until(async () => expect(await at.services.records.grantsOfUser(person.id as never)).toEqual([]));
  });

  test("T226 C2 another client's call, a sign-out and a removed device end it for the predecessor too", async () => {
    const ends = [
      async (_: string, r1: string) => void (await refresh(at, await newClient(at), r1)),
      async (client: string, r1: string) =>
        void (await at.call(
          "DELETE",
          `/api/v0/token/${client}`,
          { refresh_token: r1 },
          { API_KEY_ID: client },
        )),
    ];
    for (const end of ends) {
      const { client, r1 } = await signedIn();
      const r2 = (await refresh(at, client, r1)).body.refresh_token;
      later(60);
      await end(client, r1);
      for (const token of [r1, r2]) expect((await refresh(at, client, token)).status).toBe(400);
      vi.useRealTimers();
    }
  });

  test("T84 C2 strict: the first token after the grace ends the grant, with its successor, on record and told to the webhook", async () => {
    const { client, person, r1 } = await signedIn({ refresh_rotation: "strict" });
    const r2 = String((await refresh(at, client, r1)).body.refresh_token);
    later(31);
    const reused = await refresh(at, client, r1);
    expect([reused.status, reused.body.msg]).toEqual([400, "Refresh token is not valid"]);
    expect((await refresh(at, client, r2)).status).toBe(400);
    expect(sent.map((message) => message.kind).sort()).toEqual(["grant_ended", "webhook"]);
    vi.useRealTimers();
    await until(async () => {
      const events = await at.services.records.events({ type: "refresh_reused", size: 50 });
      expect(events.filter((event) => event.userId === person.id)).toHaveLength(1);
      expect(await at.services.records.grantsOfUser(person.id as never)).toHaveLength(0);
    });
  });

  test("T84 a token two generations old ends the grant even inside the grace", async () => {
    const { client, r1 } = await signedIn();
    const r2 = String((await refresh(at, client, r1)).body.refresh_token);
    const r3 = String((await refresh(at, client, r2)).body.refresh_token);
    expect((await refresh(at, client, r1)).status).toBe(400);
    expect((await refresh(at, client, r3)).status).toBe(400);
  });

  test("T85 race: twenty refreshes with one token all get the same successor, and the grant lives", async () => {
    const { client, r1 } = await signedIn();
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(at, client, r1)));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    const successors = new Set(answers.map((answer) => answer.body.refresh_token));
    expect(successors.size).toBe(1);
    const [r2] = successors;
    expect((await refresh(at, client, r2)).status).toBe(200);
    later(31);
    expect((await refresh(at, client, r1)).status).toBe(400);
  });

  test("T86 a repeat inside the grace gets the new token, never the old one", async () => {
    const { client, r1 } = await signedIn();
    const r2 = (await refresh(at, client, r1)).body.refresh_token;
    later(29);
    const again = await refresh(at, client, r1);
    expect([again.status, again.body.refresh_token]).toEqual([200, r2]);
    expect(again.body.refresh_token).not.toBe(r1);
  });

  test("a token of another client is refused and ends the grant; a forged one does nothing", async () => {
    const { client, r1 } = await signedIn();
    const forged = `${r1.slice(0, -1)}${r1.endsWith("A") ? "B" : "A"}`;
    for (const token of [forged, `${"0".repeat(64)}.${"A".repeat(43)}`, "10457:abc", "", "x".repeat(255)]) {
      const answer = await refresh(at, client, token);
      expect([token, answer.status]).toEqual([token, 400]);
      expect(String(answer.body.msg)).toContain("not valid");
    }
    const r2 = (await refresh(at, client, r1)).body.refresh_token;
    expect((await refresh(at, await newClient(at), r2)).status).toBe(400);
    expect((await refresh(at, client, r2)).status).toBe(400);
  });

  test("a grant ends with its lifetime", async () => {
    const client = await newClient(at, { refresh_token_days: 1 });
    const person = await newPerson(at, client);
    later(86_401);
    expect((await refresh(at, client, person.tokens.refresh_token)).status).toBe(400);
  });

  test("T89 signing out ends the grant; another client's call and an unknown token are 200 without effect", async () => {
    const { client, person, r1 } = await signedIn();
    const other = await newClient(at);
    const signOut = (by: string, token: string) =>
      at.call("DELETE", `/api/v0/token/${by}`, { refresh_token: token }, { API_KEY_ID: by });
    expect((await signOut(other, r1)).status).toBe(200);
    expect((await signOut(client, `${"0".repeat(64)}.${"A".repeat(43)}`)).status).toBe(200);
    const refreshed = await refresh(at, client, r1);
    expect(refreshed.status).toBe(200);
    const next = String(refreshed.body.refresh_token);
    expect(await signOut(client, next)).toMatchObject({ status: 200, body: { success: true } });
    expect((await refresh(at, client, next)).status).toBe(400);
    expect(await at.services.records.grantsOfUser(person.id as never)).toHaveLength(0);
  });

  test("removing the device that opened a grant ends it, and answers no tokens", async () => {
    const { client, person, r1 } = await signedIn();
    const removed = await at.call(
      "PUT",
      `/api/v0/user/${person.id}?oauth_token=true`,
      { method: "TRUSTED_DEVICE", enrolled: false, code: person.phone.publicKey, algorithm: null },
      { API_KEY_ID: client },
    );
    expect([removed.status, removed.body.oauth_token, removed.body.enrolled]).toEqual([200, undefined, []]);
    expect((await refresh(at, client, r1)).status).toBe(400);
  });
});

test("one identifier in two spellings signs one user up", async () => {
  const client = await newClient(at);
  const name = fresh("Flo");
  const created = { client_user_id: name, identifiers: [`${name}@Example.com`, `${name}@example.com`] };
  const user = await at.call("POST", "/api/v0/user/create", created, { API_KEY_ID: client });
  expect(user.status).toBe(200);
  const signUp = await at.services.inboxes.signUpOf(`user:${user.body.ID}` as never);
  expect(signUp?.identifiers).toHaveLength(1);
});

describe("enrolling the first device", () => {
  const enrol = async (
    by: Deployment,
    client: string,
    id: unknown,
    key: string,
    headers: Record<string, string> = {},
  ) =>
    by.call(
      "PUT",
      `/api/v0/user/methods?cotter_user_id=${id}&oauth_token=true`,
      { method: "TRUSTED_DEVICE", enrolled: true, code: key, algorithm: "ED25519" },
      { API_KEY_ID: client, ...headers },
    );
  const KEY = "gTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=";

  test("S3 whoever holds the new user's id enrols, from wherever, for ten minutes; no name leads there before", async () => {
    const client = await newClient(at);
    const identifier = `${fresh("bo")}@example.com`;
    const names = { identifier, client_user_id: fresh("bo") };
    const create = async () =>
      (await at.call("POST", "/api/v0/user/create", names, { API_KEY_ID: client, "User-Agent": "app/1" }))
        .body.ID;
    const id = await create();
    for (const name of [identifier, names.client_user_id]) {
      expect((await enrol(at, client, encodeURIComponent(name), KEY, { "User-Agent": "app/1" })).status).toBe(
        404,
      );
      const looked = await at.call("GET", `/api/v0/user/${encodeURIComponent(name)}`, undefined, {
        API_KEY_ID: client,
      });
      expect([looked.status, JSON.stringify(looked.body).includes(String(id))]).toEqual([404, false]);
    }
    const other = await newClient(at);
    expect((await enrol(at, other, id, KEY)).status).toBe(404);
    const moved = { "User-Agent": "app/2", "CF-Connecting-IP": "203.0.113.9" };
    expect((await enrol(at, client, id, KEY, moved)).status).toBe(200);
    const taken = await at.call("POST", "/api/v0/user/create", names, { API_KEY_ID: client });
    expect(taken.status).toBe(409);
  });

  test("S12 a sign-up that nobody finishes leaves nothing, takes no name and ends with its window", async () => {
    const client = await newClient(at);
    const names = { identifier: `${fresh("bo")}@example.com` };
    const before = await at.services.records.events({ clientId: client, size: 9 });
    const create = () => at.call("POST", "/api/v0/user/create", names, { API_KEY_ID: client });
    const [first, second] = [(await create()).body.ID, (await create()).body.ID];
    expect(first).not.toBe(second);
    expect(await at.services.records.events({ clientId: client, size: 9 })).toEqual(before);
    expect(await withId(at, first)).toBeUndefined();
    expect((await enrol(at, client, second, (await newPhone()).publicKey)).status).toBe(200);
    const late = await enrol(at, client, first, (await newPhone()).publicKey);
    expect([late.status, late.body.oauth_token]).toEqual([409, undefined]);
    later(601);
    expect((await enrol(at, client, first, (await newPhone()).publicKey)).status).toBe(404);
  });

  test("the same key again is answered without tokens, another key is refused, also after a removal", async () => {
    const { client, person } = await signedIn();
    const again = await enrol(at, client, person.id, person.phone.publicKey);
    expect([again.status, again.body.oauth_token]).toEqual([200, undefined]);
    const { publicKey } = { publicKey: "7UkoxijRwsbq6QM4kFmVYSlZJzpcY/k2NsFGFKyHN9E=" };
    expect((await enrol(at, client, person.id, publicKey)).status).toBe(409);
    await at.call(
      "PUT",
      `/api/v0/user/${person.id}`,
      { method: "TRUSTED_DEVICE", enrolled: false, code: person.phone.publicKey },
      { API_KEY_ID: client },
    );
    expect((await enrol(at, client, person.id, publicKey)).status).toBe(403);
  });

  test("T47 a call that dies after it took the window leaves it to the same phone, and to no other", async () => {
    const client = await newClient(at);
    const created = { identifier: `${fresh("eve")}@example.com` };
    const user = await at.call("POST", "/api/v0/user/create", created, { API_KEY_ID: client });
    const gone = async () => {
      throw new Error("the isolate is gone");
    };
    const dying = deployment({}, (services) => ({
      users: { ...services.users, insertWithDevice: gone },
      inboxes: { ...services.inboxes, restoreEnrolment: gone },
    }));
    const [mine, other] = [(await newPhone()).publicKey, (await newPhone()).publicKey];
    expect((await enrol(dying, client, user.body.ID, mine)).status).toBe(500);
    expect((await enrol(at, client, user.body.ID, other)).status).toBe(403);
    const again = await enrol(at, client, user.body.ID, mine);
    expect(again.status).toBe(200);
    expect(again.body.oauth_token).toBeDefined();
  });

  test("race: two keys at once for one new user, one device", async () => {
    const client = await newClient(at);
    const user = await at.call(
      "POST",
      "/api/v0/user/create",
      { identifier: `${fresh("cy")}@example.com` },
      { API_KEY_ID: client },
    );
    const keys = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
        const raw = (await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer;
        return btoa(String.fromCharCode(...new Uint8Array(raw)));
      }),
    );
    const answers = await Promise.all(keys.map((key) => enrol(at, client, user.body.ID, key)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    expect(await at.services.devices.ofUser(String(user.body.ID) as never)).toHaveLength(1);
    const tokens = answers.flatMap((answer) =>
      answer.body.oauth_token ? [answer.body.oauth_token as Json] : [],
    );
    expect(tokens).toHaveLength(1);
  });
});
