import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeApi } from "../support/api.ts";
import { type App, makeApp } from "../support/app.ts";
import { answerNewest, newest, type Pending, poll, prompt, respond, startSignIn } from "../support/events.ts";
import { listen } from "../support/listener.ts";
import { makePerson, type Person } from "../support/people.ts";
import { place } from "../support/place.ts";
import { upgrade } from "../support/upgrade.ts";

const SITE = "https://shop.example";

async function scene(): Promise<{ app: App; person: Person; pending: Pending }> {
  const app = await makeApp(place(), { allowed_origins: [SITE] });
  const person = await makePerson(app);
  return { app, person, pending: await startSignIn(app, person.userId) };
}

const wait = (app: App, path: string, headers: Record<string, string> = {}) =>
  makeApi(app.origin)("GET", path, { headers });

const bearer = (handle: string | number) => ({ Authorization: `Bearer ${handle}` });

describe("waiting for a sign-in", () => {
  test("the socket says pending at once, then how it ended, then closes with 1000", async () => {
    const { app, person, pending } = await scene();
    const listener = listen(pending.socketUri, pending.number);
    await listener.heard(1);
    expect(listener.protocol()).toBe("countersign.v1");
    expect(JSON.parse(listener.frames[0] ?? "")).toEqual({
      id: pending.challengeId,
      state: "pending",
      expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    listener.send("ping");
    expect((await listener.heard(2))[1]).toBe("pong");
    await answerNewest(app, person, true);
    expect(await listener.settled).toEqual({
      type: "settled",
      id: pending.challengeId,
      state: "approved",
      expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(await listener.closed).toBe(1000);
    expect(listener.frames).toHaveLength(4);
  });

  test("the long-poll answers when the state changes, or with pending at its time-out", async () => {
    const { app, person, pending } = await scene();
    const path = `/challenges/${pending.challengeId}/wait`;
    const idle = await wait(app, `${path}?timeout=1`, bearer(pending.number));
    expect([idle.status, idle.body.state]).toEqual([200, "pending"]);
    const held = wait(app, `${path}?timeout=30`, bearer(pending.number));
    await answerNewest(app, person, true);
    const told = await held;
    expect([told.status, told.json]).toEqual([
      200,
      { id: pending.challengeId, state: "approved", expires_at: expect.any(String) },
    ]);
  });

  test("T07 a denial: the waiter is told, and nothing is prompted again by itself", async () => {
    const { app, person, pending } = await scene();
    const listener = listen(pending.socketUri, pending.number);
    const held = wait(app, `/challenges/${pending.challengeId}/wait?timeout=30`, bearer(pending.number));
    await listener.heard(1);
    const shown = await prompt(app, person.userId);
    expect((await respond(app, person, shown, false)).status).toBe(200);
    expect((await listener.settled).state).toBe("denied");
    expect((await held).body.state).toBe("denied");
    // Neither polling, nor waiting again, nor looking into the inbox brings a prompt back.
    for (let round = 0; round < 5; round++) {
      expect((await poll(app, pending.number)).status).toBe(403);
      const again = listen(pending.socketUri, pending.number);
      expect((await again.settled).state).toBe("denied");
      expect(await newest(app, person.userId)).toBeNull();
    }
    const audit = await app.admin("GET", `/admin/audit?user_id=${person.userId}`);
    const denials = (audit.body.events as { type: string; data: { timeline: { what: string }[] } }[]).filter(
      ({ type }) => type === "sign_in.denied",
    );
    expect(denials).toHaveLength(1);
    const steps = denials[0]?.data.timeline.map(({ what }) => what) ?? [];
    expect(steps.filter((what) => what === "denied")).toHaveLength(1);
  });
});

describe("who may wait", () => {
  /** Every way to ask without the right handle, and its status; the socket must say the same. */
  test("T49 no handle, a handle in the query, a guessed one, another challenge's: refused", async () => {
    const { app, person, pending } = await scene();
    const other = await makeApp(place());
    const foreign = await startSignIn(other, (await makePerson(other)).userId);
    const shown = await prompt(app, person.userId);
    const id = pending.challengeId;
    const forged = `${id}.${randomBytes(32).toString("base64url")}`;
    const unknown = randomBytes(32).toString("hex");
    const cases: [string, number, string, Record<string, string>][] = [
      ["no handle", 401, id, {}],
      ["in the query", 401, `${id}?handle=${pending.number}&access_token=${pending.number}`, {}],
      ["a guessed number", 401, id, bearer(1481203377)],
      ["a forged handle", 401, id, bearer(forged)],
      ["junk", 401, id, bearer("null")],
      ["another client's number", 401, id, bearer(foreign.number)],
      ["the phone's number", 401, id, bearer(Number(shown.ID))],
      ["its own id", 401, id, bearer(id)],
      ["a guessed id", 404, unknown, bearer(pending.number)],
      ["no id", 404, "nothing", bearer(pending.number)],
      ["another challenge", 401, foreign.challengeId, bearer(pending.number)],
    ];
    for (const [what, status, target, headers] of cases) {
      const [challenge, query] = target.split("?");
      const tail = query === undefined ? "" : `?${query}`;
      const waited = await wait(app, `/challenges/${challenge}/wait${tail}`, headers);
      expect([what, waited.status]).toEqual([what, status]);
      expect(waited.headers.get("Content-Type")).toBe("application/problem+json");
      const handle = headers.Authorization?.slice("Bearer ".length);
      const protocols = ["countersign.v1", ...(handle ? [`countersign.handle.${handle}`] : [])];
      const socket = await upgrade(`${app.origin}/challenges/${challenge}/socket${tail}`, {
        "Sec-WebSocket-Protocol": protocols.join(", "),
      });
      expect([what, socket.status]).toEqual([what, status]);
      for (const text of [waited.text, socket.text]) expect(text).not.toContain("pending");
    }
  });

  test("T49 a page of a foreign origin may not wait, even with the handle; the client's own may", async () => {
    const { app, pending } = await scene();
    const path = `/challenges/${pending.challengeId}/wait?timeout=1`;
    const offer = {
      "Sec-WebSocket-Protocol": `countersign.v1, countersign.handle.${pending.number}`,
    };
    for (const Origin of ["https://evil.example", "null", `${SITE}.evil.example`]) {
      const waited = await wait(app, path, { ...bearer(pending.number), Origin });
      expect([Origin, waited.status]).toEqual([Origin, 403]);
      expect(waited.headers.get("Access-Control-Allow-Origin")).toBeNull();
      expect((await upgrade(pending.socketUri, { ...offer, Origin })).status).toBe(403);
    }
    const mine = await wait(app, path, { ...bearer(pending.number), Origin: SITE });
    expect([mine.status, mine.headers.get("Access-Control-Allow-Origin")]).toEqual([200, SITE]);
    const socket = await upgrade(pending.socketUri, { ...offer, Origin: SITE });
    expect([socket.status, socket.protocol]).toEqual([101, "countersign.v1"]);
  });
});

test("T50 two listeners: both are told, neither is sent a token or a name; the id alone hears nothing", async () => {
  const { app, person, pending } = await scene();
  const listeners = [listen(pending.socketUri, pending.number), listen(pending.socketUri, pending.number)];
  await Promise.all(listeners.map((listener) => listener.heard(1)));
  const eavesdropper = await upgrade(pending.socketUri, { "Sec-WebSocket-Protocol": "countersign.v1" });
  expect(eavesdropper.status).toBe(401);
  const held = wait(app, `/challenges/${pending.challengeId}/wait?timeout=30`, bearer(pending.number));
  await answerNewest(app, person, true);
  for (const listener of listeners) expect((await listener.settled).state).toBe("approved");
  const bundle = (await poll(app, pending.number)).body.oauth_token as Record<string, string>;
  const late = listen(pending.socketUri, pending.number);
  expect((await late.settled).state).toBe("redeemed");

  const heard = [...listeners, late].flatMap(({ frames }) => frames);
  const said = [...heard, (await held).text, eavesdropper.text].join("\n");
  expect(heard).toHaveLength(3 + 3 + 2);
  const secrets = [
    ...[bundle.access_token, bundle.id_token, bundle.refresh_token],
    ...[person.userId, person.identifier, person.key.text, String(pending.number), app.clientId],
  ];
  for (const secret of secrets) expect(said).not.toContain(secret);
  for (const frame of heard) {
    const members = Object.keys(JSON.parse(frame)).filter((name) => name !== "type");
    expect(members).toEqual(["id", "state", "expires_at"]);
  }
});
