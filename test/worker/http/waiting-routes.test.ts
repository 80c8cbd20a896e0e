import { describe, expect, test } from "vitest";
import type { ChallengeSpec } from "../../../src/core/challenge/state.ts";
import type { ChallengeId, ClientId } from "../../../src/core/ids.ts";
import { ask, counted, envWith, ORIGIN, servicesOf } from "../support/app.ts";
import { approve, deny, denyOf, opened, spec } from "../support/challenges.ts";
import { namespaces } from "../support/namespaces.ts";

const services = servicesOf();
const { handles, challenges, clients } = services;
const PAGE = "https://shop.example";

const bearer = (handle: string, more: Record<string, string> = {}) => ({
  headers: { Authorization: `Bearer ${handle}`, ...more },
});
const upgrade = (handle: string | undefined, protocols = "", more: Record<string, string> = {}) => ({
  headers: {
    Upgrade: "websocket",
    ...(protocols && { "Sec-WebSocket-Protocol": protocols }),
    ...(handle && { Authorization: `Bearer ${handle}` }),
    ...more,
  },
});
const mint = (id: ChallengeId, kind = "wait") => handles.mint(id, kind);

async function waiting(over: Partial<ChallengeSpec> = {}) {
  const id = await opened(over);
  return { id, handle: await mint(id), wait: `/challenges/${id}/wait`, socket: `/challenges/${id}/socket` };
}

async function client(allowedOrigins: readonly string[]): Promise<ClientId> {
  const id = crypto.randomUUID() as ClientId;
  const made = await clients.insert(
    {
      id,
      name: "Shop",
      kind: "public",
      redirectUris: [],
      allowedOrigins,
      grantTypes: [],
      publicKeys: [],
      settings: {},
    },
    undefined,
    Date.now(),
  );
  expect(made).toBe(true);
  return id;
}

/** Opens a challenge under the object of a Cotter number. */
async function numbered(number: string, over: Partial<ChallengeSpec> = {}) {
  const { clientId } = spec(over);
  const [name = ""] = await handles.numberNames("cotter", clientId, number);
  const id = challenges.named(name);
  await opened({ door: "cotter", ...over, id });
  return id;
}
const aNumber = () => String(services.chance.number(2 ** 53 - 1));

async function withoutState(id: ChallengeId): Promise<boolean> {
  return (await challenges.read(id)) === undefined;
}

describe("who may wait", () => {
  test("T49 no handle, a forged one, another's, of another kind or in the URL: 401 and no object is woken", async () => {
    const mine = await waiting();
    const other = await waiting();
    const forged = `${mine.handle.slice(0, -2)}${mine.handle.endsWith("AA") ? "BB" : "AA"}`;
    const counting = counted(namespaces.CHALLENGES);
    const raw = envWith({ CHALLENGES: counting.namespace });
    const attempts: readonly [string, RequestInit][] = [
      ["", {}],
      ["", bearer(forged)],
      ["", bearer(other.handle)],
      ["", bearer(await mint(mine.id, "refresh"))],
      ["", bearer(mine.id)],
      ["", bearer("null")],
      ["", { headers: { Authorization: `Basic ${mine.handle}` } }],
      ["", { headers: { Cookie: `handle=${mine.handle}` } }],
      [`?handle=${mine.handle}`, {}],
      [`?access_token=${mine.handle}`, {}],
      [`?authorization=Bearer%20${mine.handle}`, {}],
    ];
    for (const [query, init] of attempts) {
      const answer = await ask(`${mine.wait}${query}`, init, raw);
      expect(answer.status, JSON.stringify([query, init])).toBe(401);
      expect(answer.headers.get("WWW-Authenticate")).toContain("Bearer");
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
      const socket = await ask(
        `${mine.socket}${query}`,
        { headers: { Upgrade: "websocket", ...(init.headers as Record<string, string>) } },
        raw,
      );
      expect(socket.status, JSON.stringify([query, init])).toBe(401);
      expect(socket.webSocket).toBeNull();
    }
    expect(counting.woken()).toBe(0);
    // The same namespace does count: the right handle wakes the object.
    await services.challenges.apply(mine.id, deny);
    expect((await ask(mine.wait, bearer(mine.handle), raw)).status).toBe(200);
    expect(counting.woken()).toBeGreaterThan(0);
  });

  test.each(["wait", "device_code", "auth_req_id"])("a genuine handle of kind %s may wait", async (kind) => {
    const { id, wait } = await waiting();
    await challenges.apply(id, deny);
    expect((await ask(wait, bearer(await mint(id, kind)))).status).toBe(200);
  });

  test("T49 an id that is malformed, forged or unknown: 404, and nothing comes to be", async () => {
    const fresh = challenges.fresh();
    const forged = "0".repeat(64);
    for (const id of ["nonsense", forged, fresh.toUpperCase()]) {
      expect((await ask(`/challenges/${id}/wait`, bearer("x"))).status, id).toBe(404);
    }
    expect((await ask(`/challenges/${fresh}/wait`, bearer(await mint(fresh)))).status).toBe(404);
    expect((await ask(`/challenges/${fresh}/socket`, upgrade(await mint(fresh)))).status).toBe(404);
    expect(await withoutState(fresh)).toBe(true);
  });

  test("T49 a page of a foreign origin: 403 before anything is said, on both ways of waiting", async () => {
    const clientId = await client([PAGE]);
    const { id, handle, wait, socket } = await waiting({ clientId });
    await challenges.apply(id, denyOf(clientId));
    const foreign = { Origin: "https://evil.example" };
    for (const origin of ["https://evil.example", "null", `${PAGE}.evil.example`, "http://shop.example"]) {
      const answer = await ask(wait, bearer(handle, { Origin: origin }));
      expect(answer.status, origin).toBe(403);
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBeNull();
      expect(await answer.text()).not.toContain("denied");
    }
    const refused = await ask(socket, upgrade(handle, "countersign.v1", foreign));
    expect(refused.status).toBe(403);
    expect(refused.webSocket).toBeNull();
    expect((await ask(wait, bearer("x", foreign))).status).toBe(401);
  });

  test("a page of the client's origin or of the issuer's own may wait, and only the former is echoed", async () => {
    const clientId = await client([PAGE]);
    const { id, handle, wait, socket } = await waiting({ clientId });
    await challenges.apply(id, denyOf(clientId));
    const answer = await ask(wait, bearer(handle, { Origin: PAGE }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
    expect(answer.headers.get("Vary")).toContain("Origin");
    expect(answer.headers.get("Access-Control-Allow-Credentials")).toBeNull();
    expect((await ask(wait, bearer(handle, { Origin: ORIGIN }))).status).toBe(200);
    expect((await ask(socket, upgrade(handle, "", { Origin: PAGE }))).status).toBe(101);
  });

  test("a disabled client's pages may not wait", async () => {
    const clientId = await client(["*"]);
    const { handle, wait, id } = await waiting({ clientId });
    await challenges.apply(id, denyOf(clientId));
    expect((await ask(wait, bearer(handle, { Origin: PAGE }))).status).toBe(200);
    await clients.disable(clientId, Date.now());
    // Another isolate's cache: this one may remember the client for 30 s (settled question 31).
    expect((await ask(wait, bearer(handle, { Origin: PAGE }), envWith({}))).status).toBe(403);
  });

  test("a preflight passes from everywhere, without credentials", async () => {
    const { wait } = await waiting();
    const headers = {
      Origin: PAGE,
      "Access-Control-Request-Method": "GET",
      "Access-Control-Request-Headers": "authorization",
    };
    const answer = await ask(wait, { method: "OPTIONS", headers });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
    expect(answer.headers.get("Access-Control-Allow-Headers")).toContain("Authorization");
    expect(answer.headers.get("Access-Control-Allow-Credentials")).toBeNull();
  });
});

describe("a number as a handle", () => {
  test("T49 Cotter's own number may wait; another number, another client's or another door's may not", async () => {
    const number = aNumber();
    const id = await numbered(number);
    await challenges.apply(id, deny);
    const wait = `/challenges/${id}/wait`;
    expect((await ask(wait, bearer(number))).status).toBe(200);
    for (const wrong of [aNumber(), `0${number}`, `${number}0`, `-${number}`, `${number}.0`, "1e15"]) {
      expect((await ask(wait, bearer(wrong))).status, wrong).toBe(401);
    }
    const elsewhere = aNumber();
    const foreign = await numbered(elsewhere, { clientId: "other" as ClientId });
    expect((await ask(`/challenges/${foreign}/wait`, bearer(number))).status).toBe(401);
    const notCotters = aNumber();
    const standard = await numbered(notCotters, { door: "oauth" });
    expect((await ask(`/challenges/${standard}/wait`, bearer(notCotters))).status).toBe(401);
    const plain = await waiting();
    expect((await ask(plain.wait, bearer(number))).status).toBe(401);
  });

  test("T49 a number that names nothing is 404, opens no socket and leaves no state", async () => {
    const number = aNumber();
    const [name = ""] = await handles.numberNames("cotter", spec().clientId, number);
    const id = challenges.named(name);
    expect((await ask(`/challenges/${id}/wait`, bearer(number))).status).toBe(404);
    const socket = await ask(`/challenges/${id}/socket`, upgrade(number));
    expect(socket.status).toBe(404);
    expect(socket.webSocket).toBeNull();
    expect(await withoutState(id)).toBe(true);
  });

  test("T49 where the address says whose number it is, a wrong one wakes nothing", async () => {
    const clientId = await client([PAGE]);
    const number = aNumber();
    const id = await numbered(number, { clientId });
    const counting = counted(namespaces.CHALLENGES);
    const raw = envWith({ CHALLENGES: counting.namespace });
    const socket = (of: string) => `/challenges/${id}/socket?client=${of}`;
    for (const [path, handle] of [
      [socket(clientId), aNumber()],
      [socket("other"), number],
      [`/challenges/${challenges.fresh()}/socket?client=${clientId}`, number],
    ] as const) {
      expect((await ask(path, upgrade(handle), raw)).status, path).toBe(401);
    }
    expect(
      (await ask(socket(clientId), upgrade(number, "", { Origin: "https://evil.example" }), raw)).status,
    ).toBe(403);
    expect(counting.woken()).toBe(0);
    const opened = await ask(socket(clientId), upgrade(number, "", { Origin: PAGE }), raw);
    expect([opened.status, counting.woken()]).toEqual([101, 1]);
    opened.webSocket?.accept();
    opened.webSocket?.close();
    // What is no client's id says nothing: then the challenge is asked.
    const unread = await ask(socket("a/b"), upgrade(number), raw);
    expect([unread.status, counting.woken()]).toEqual([101, 3]);
    unread.webSocket?.accept();
    unread.webSocket?.close();
  });

  test("T49 the right number of an event that is forgotten opens no socket and leaves no state", async () => {
    const number = aNumber();
    const { clientId } = spec();
    const [name = ""] = await handles.numberNames("cotter", clientId, number);
    const id = challenges.named(name);
    const socket = await ask(`/challenges/${id}/socket?client=${clientId}`, upgrade(number));
    expect([socket.status, socket.webSocket, await withoutState(id)]).toEqual([404, null, true]);
  });

  test.each([
    ["unread", "203.0.113.7", ""],
    ["of a client that is told", "203.0.113.9", `?client=${spec().clientId}`],
  ])(
    "T49 misses are counted, %s: an address that guesses is shut out, others are not",
    async (_, guesser, query) => {
      const raw = envWith({ IP_LIMITS: "on" });
      const number = aNumber();
      const id = await numbered(number);
      await challenges.apply(id, deny);
      const from = (ip: string, handle: string) =>
        ask(`/challenges/${id}/wait${query}`, bearer(handle, { "CF-Connecting-IP": ip }), raw);
      const statuses = new Set<number>();
      // 30 in a minute; 70 cannot all fall into two minutes' allowances.
      for (let guess = 0; guess < 70; guess++) statuses.add((await from(guesser, aNumber())).status);
      expect([...statuses].sort()).toEqual([401, 429]);
      expect((await from("203.0.113.8", number)).status).toBe(200);
    },
  );
});

describe("what a wait says", () => {
  test("T50 how it stands and nothing more: no token, no user, before and after the approval", async () => {
    const { id, handle, wait, socket } = await waiting();
    const keys = ["expires_at", "id", "state"];
    const listeners = await Promise.all([ask(socket, upgrade(handle)), ask(socket, upgrade(handle))]);
    const heard = listeners.map(({ webSocket }) => listen(webSocket!));
    const held = ask(`${wait}?timeout=60`, bearer(handle));
    await challenges.apply(id, approve);
    const answer = await held;
    const body = await answer.json<Record<string, string>>();
    expect(Object.keys(body).sort()).toEqual(keys);
    expect(body).toMatchObject({ id, state: "approved" });
    expect(new Date(body.expires_at ?? "").toISOString()).toBe(body.expires_at);
    for (const frames of await Promise.all(heard)) {
      expect(frames.map(({ state }) => state).at(-1)).toBe("approved");
      expect(frames.at(-1)).toMatchObject({ type: "settled", id });
      for (const { type: _, ...frame } of frames) expect(Object.keys(frame).sort()).toEqual(keys);
    }
    expect((await ask(wait)).status).toBe(401);
    expect((await ask(socket, upgrade(undefined))).status).toBe(401);
  });

  test("a wait that nothing ends says pending", async () => {
    const { handle, wait, id } = await waiting();
    const answer = await ask(wait, bearer(handle, { Prefer: "wait=1" }));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ id, state: "pending" });
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
  });

  test.each(["0", "121", "-1", "1.5", "abc", "", "1e1", "99999", "25&timeout=25"])(
    "T107 timeout=%s is 400",
    async (timeout) => {
      const { id, handle, wait } = await waiting();
      await challenges.apply(id, deny);
      expect((await ask(`${wait}?timeout=${timeout}`, bearer(handle))).status).toBe(400);
    },
  );

  test.each(["wait=0", "wait=121", "wait=soon", "respond-async, wait=-5"])(
    "T107 Prefer: %s is 400",
    async (prefer) => {
      const { id, handle, wait } = await waiting();
      await challenges.apply(id, deny);
      expect((await ask(wait, bearer(handle, { Prefer: prefer }))).status).toBe(400);
    },
  );

  test.each([
    ["?timeout=1", ""],
    ["?timeout=120", ""],
    ["", "wait=120"],
    ["", 'respond-async, wait="10"'],
    ["", "respond-async"],
  ])("waits as asked by %j and %j", async (query, prefer) => {
    const { id, handle, wait } = await waiting();
    await challenges.apply(id, deny);
    const answer = await ask(`${wait}${query}`, bearer(handle, prefer ? { Prefer: prefer } : {}));
    expect(await answer.json()).toMatchObject({ state: "denied" });
  });

  test.each(["HEAD", "POST", "PUT", "DELETE", "PATCH"])("T107 %s is 405", async (method) => {
    const { handle, wait, socket } = await waiting();
    for (const path of [wait, socket]) {
      const answer = await ask(path, { method, ...bearer(handle) });
      expect(answer.status).toBe(405);
      expect(answer.headers.get("Allow")).toBe("GET");
    }
  });
});

/** Collects frames until the other side closes with 1000. */
function listen(socket: WebSocket): Promise<readonly Record<string, string>[]> {
  socket.accept();
  const frames: Record<string, string>[] = [];
  return new Promise((done, fail) => {
    socket.addEventListener("message", ({ data }) => {
      frames.push(JSON.parse(String(data)));
    });
    socket.addEventListener("close", ({ code }) =>
      code === 1000 ? done(frames) : fail(new Error(`closed with ${code}`)),
    );
  });
}

describe("the socket", () => {
  test.each([
    ["with the sub-protocol", "countersign.v1", "countersign.v1"],
    ["without one", "", null],
  ])("passes the whole chain of middleware %s", async (_, protocols, selected) => {
    const { id, handle, socket } = await waiting();
    const answer = await ask(socket, upgrade(handle, protocols));
    expect(answer.status).toBe(101);
    expect(answer.headers.get("Sec-WebSocket-Protocol")).toBe(selected);
    expect(answer.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
    const frames = listen(answer.webSocket!);
    await challenges.apply(id, deny);
    const [first, ...rest] = await frames;
    expect(first).toMatchObject({ id, state: "pending" });
    expect(rest.at(-1)).toMatchObject({ type: "settled", state: "denied" });
  });

  test("takes the handle as a sub-protocol and selects the other one", async () => {
    const { handle, socket } = await waiting();
    const answer = await ask(socket, upgrade(undefined, `countersign.v1, countersign.handle.${handle}`));
    expect(answer.status).toBe(101);
    expect(answer.headers.get("Sec-WebSocket-Protocol")).toBe("countersign.v1");
    answer.webSocket?.accept();
    answer.webSocket?.close();
  });

  test("T49 a forged handle as a sub-protocol is 401", async () => {
    const { socket } = await waiting();
    const { handle } = await waiting();
    const answer = await ask(socket, upgrade(undefined, `countersign.v1, countersign.handle.${handle}`));
    expect(answer.status).toBe(401);
  });

  test("without an upgrade it is 426", async () => {
    const { handle, socket } = await waiting();
    const answer = await ask(socket, bearer(handle));
    expect(answer.status).toBe(426);
    expect(answer.headers.get("Upgrade")).toBe("websocket");
  });
});

test("T51 waits from one address are capped, wherever in its /64 they come from, and say when to come again", async () => {
  const counting = counted(namespaces.CHALLENGES);
  const raw = envWith({ IP_LIMITS: "on", CHALLENGES: counting.namespace });
  const { wait, handle, id } = await waiting();
  await challenges.apply(id, deny);
  const from = (ip: string, token: string) => ask(wait, bearer(token, { "CF-Connecting-IP": ip }), raw);
  const answers: Response[] = [];
  // 600 in a minute; 1,300 cannot all fall into two minutes' allowances.
  for (let call = 0; call < 1_300; call++) answers.push(await from(`2001:db8:1:2::${(call % 9) + 1}`, "x"));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(600);
  for (const { headers } of refused) expect(Number(headers.get("Retry-After"))).toBeGreaterThan(0);
  expect(counting.woken()).toBe(0);
  expect((await from("2001:db8:1:3::1", handle)).status).toBe(200);
  expect((await ask(wait, bearer(handle, { "X-Forwarded-For": "2001:db8:1:2::1" }), raw)).status).toBe(200);
});
