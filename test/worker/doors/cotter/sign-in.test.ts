import { afterEach, describe, expect, test, vi } from "vitest";
import type { ClientId, UserId } from "../../../../src/core/ids.ts";
import {
  claimsOf,
  type Deployment,
  deployment,
  type Json,
  newClient,
  newPerson,
  newPhone,
  type Person,
  poll,
  prompt,
  refresh,
  respond,
  start,
} from "../../support/cotter.ts";
import { mainUser } from "../../support/people.ts";
import { until } from "../../support/until.ts";

const at: Deployment = deployment();

async function scene(): Promise<{ client: ClientId; person: Person }> {
  const client = await newClient(at);
  return { client, person: await newPerson(at, client) };
}

/** A pending sign-in, as its waiter and as the phone see it. */
async function pending(client: ClientId, person: Person): Promise<{ waiter: Json; shown: Json }> {
  const waiter = await start(at, client, person);
  expect(waiter.status).toBe(200);
  const shown = await prompt(at, client, person);
  if (!shown) throw new Error("nothing is shown");
  return { waiter: waiter.body, shown };
}

afterEach(() => vi.useRealTimers());

describe("a sign-in approved on a trusted phone", () => {
  test("walks from the start to tokens, which refresh", async () => {
    const { client, person } = await scene();
    const { waiter, shown } = await pending(client, person);
    expect(shown.ID).not.toBe(waiter.ID);
    expect((await poll(at, client, waiter)).body).toMatchObject({ new: true, approved: false });
    expect((await respond(at, client, person, shown, true)).body).toMatchObject({
      new: false,
      approved: true,
    });
    const collected = await poll(at, client, waiter);
    const tokens = collected.body.oauth_token as Json;
    expect(claimsOf(tokens.access_token)).toMatchObject({ sub: person.id, aud: client, scope: "access" });
    const next = await refresh(at, client, tokens.refresh_token);
    expect(next.status).toBe(200);
    expect(next.body.refresh_token).not.toBe(tokens.refresh_token);
  });

  test("a prompt of another client is answered through this one where that client allows it", async () => {
    const { client, person } = await scene();
    const other = await newClient(at, { approve_through: [client] });
    const waiter = (await start(at, other, person)).body;
    const shown = await prompt(at, client, person);
    expect((await respond(at, client, person, shown ?? {}, true)).status).toBe(200);
    const tokens = (await poll(at, other, waiter)).body.oauth_token as Json;
    expect(claimsOf(tokens.access_token)).toMatchObject({ aud: other });
  });
});

describe("prompts", () => {
  test("T01 six starts of strangers in a minute by three clients: four prompts, the others answered alike and put on record", async () => {
    const { client, person } = await scene();
    const clients = [client, await newClient(at), await newClient(at)];
    const shapes: string[] = [];
    const shown = new Set<unknown>();
    for (let index = 0; index < 6; index++) {
      const by = clients[index % 3] ?? client;
      const answer = await start(at, by, person);
      expect(answer.status).toBe(200);
      shapes.push(Object.keys(answer.body).sort().join());
      shown.add((await prompt(at, by, person))?.timestamp);
    }
    expect(new Set(shapes).size).toBe(1);
    expect(shown.size).toBe(4);
    await until(async () => {
      const events = await at.services.records.events({ type: "prompt_suppressed", size: 10 });
      // One for each client.
      expect(events.filter((event) => event.userId === person.id)).toHaveLength(2);
    });
  });

  test("T02 three denials silence who asked, and the inbox says how many were kept away", async () => {
    const { client, person } = await scene();
    const waiters: Json[] = [];
    for (let index = 0; index < 3; index++) {
      const { waiter, shown } = await pending(client, person);
      waiters.push(waiter);
      await respond(at, client, person, shown, false);
    }
    for (let index = 0; index < 3; index++) expect((await start(at, client, person)).status).toBe(200);
    expect(await prompt(at, client, person)).toBeNull();
    const view = await at.services.inboxes.view(`user:${person.id}` as never);
    expect(view.blocked.count).toBe(3);
    expect(view.silences[0]?.until).toBeGreaterThan(Date.now());
    expect((await poll(at, client, waiters[0] ?? {})).status).toBe(403);
  });

  test("T05 one client starting for many users runs into its own limit, and nobody gets a second prompt", async () => {
    const client = await newClient(at, { starts_per_minute: 12 });
    const people: Person[] = [];
    for (let index = 0; index < 16; index++) people.push(await newPerson(at, await newClient(at)));
    const answers = await Promise.all(people.map((person) => start(at, client, person)));
    const passed = answers.filter((answer) => answer.status === 200);
    const refused = answers.filter((answer) => answer.status === 429);
    expect(passed).toHaveLength(12);
    expect(refused).toHaveLength(4);
    expect(Number(refused[0]?.headers.get("Retry-After"))).toBeGreaterThan(0);
    for (const person of people) {
      const view = await at.services.inboxes.view(`user:${person.id}` as never);
      expect(view.prompts.length).toBeLessThanOrEqual(1);
    }
    await until(async () => {
      const events = await at.services.records.events({ clientId: client, size: 10 });
      expect(events.map((event) => event.type)).toContain("client_starts_limited");
    });
  });

  test("T06 a newer start of the same client ends the older prompt, which cannot be approved any more", async () => {
    const { client, person } = await scene();
    const older = await pending(client, person);
    const newer = await pending(client, person);
    const refused = await respond(at, client, person, older.shown, true);
    expect(refused.status).toBe(404);
    expect((await poll(at, client, older.waiter)).body).toMatchObject({ new: true, approved: false });
    expect((await respond(at, client, person, newer.shown, true)).status).toBe(200);
  });

  test("T07 a denial ends the wait, and nothing is shown again by itself", async () => {
    const { client, person } = await scene();
    const { waiter, shown } = await pending(client, person);
    await respond(at, client, person, shown, false);
    expect(await prompt(at, client, person)).toBeNull();
    const answer = await poll(at, client, waiter);
    expect([answer.status, answer.body]).toEqual([403, { msg: "Event is rejected" }]);
    expect(await prompt(at, client, person)).toBeNull();
  });

  test("T08 an approval is not remembered: the next start needs its own", async () => {
    const { client, person } = await scene();
    const first = await pending(client, person);
    await respond(at, client, person, first.shown, true);
    expect((await poll(at, client, first.waiter)).body.oauth_token).toBeDefined();
    const second = await pending(client, person);
    expect((await poll(at, client, second.waiter)).body).toMatchObject({ new: true, approved: false });
    expect((await poll(at, client, second.waiter)).body.oauth_token).toBeUndefined();
  });
});

describe("prompts that ask for more than this wire can give", () => {
  test("one that demands a typed number is neither shown nor answerable here", async () => {
    const { client, person } = await scene();
    const strict = await newClient(at, { match_code: "required" });
    const waiter = (await start(at, strict, person)).body;
    expect(waiter.match_code).toMatch(/^\d{6}$/);
    expect(await prompt(at, client, person)).toBeNull();
    const [hidden] = (await at.services.inboxes.view(`user:${person.id}` as never)).prompts;
    if (!hidden) throw new Error("no prompt");
    const echo = { ID: hidden.respondNumber, event: "LOGIN", timestamp: String(hidden.signingSecond) };
    expect((await respond(at, strict, person, echo, true)).status).toBe(404);
    expect((await poll(at, strict, waiter)).body).toMatchObject({ new: true, approved: false });
  });
});

describe("who may approve, and what the signature binds", () => {
  test("T20 another user's phone neither approves nor denies, whichever name it gives", async () => {
    const { client, person } = await scene();
    const mallory = await newPerson(at, client);
    const { waiter, shown } = await pending(client, person);
    for (const approved of [true, false]) {
      const asVictim = await respond(at, client, person, shown, approved, { phone: mallory.phone });
      expect(asVictim.status).toBe(403);
      const asSelf = await respond(at, client, mallory, shown, approved);
      expect(asSelf.status).toBe(404);
    }
    expect((await poll(at, client, waiter)).body).toMatchObject({ new: true, approved: false });
    expect((await respond(at, client, person, shown, true)).status).toBe(200);
  });

  test("T24 a signature over anything but what was shown is refused, and the challenge stays pending", async () => {
    const { client, person } = await scene();
    const { waiter, shown } = await pending(client, person);
    const spoils: [string, (parts: string[]) => string[]][] = [
      ["user", (parts) => ["someone", ...parts.slice(1)]],
      ["client", (parts) => [parts[0] ?? "", "other", ...parts.slice(2)]],
      ["event", (parts) => parts.with(2, "PAY")],
      ["second", (parts) => parts.with(3, String(Number(parts[3]) + 1))],
      ["method", (parts) => parts.with(4, "PIN")],
      ["decision", (parts) => parts.with(5, "false")],
      ["more", (parts) => [...parts, "x"]],
    ];
    for (const [part, message] of spoils) {
      expect([part, (await respond(at, client, person, shown, true, { message })).status]).toEqual([
        part,
        403,
      ]);
    }
    for (const body of [
      { timestamp: String(Number(shown.timestamp) + 1) },
      { event: "OTHER" },
      { issuer: "someone-else" },
      { approved: false },
    ]) {
      expect((await respond(at, client, person, shown, true, { body })).status).toBe(403);
    }
    expect((await poll(at, client, waiter)).body).toMatchObject({ new: true, approved: false });
  });

  test("T24 a device that signs what it echoes, but not what was shown, is refused", async () => {
    const { client, person } = await scene();
    const other = await newClient(at);
    const { waiter, shown } = await pending(client, person);
    const second = String(Number(shown.timestamp) + 1);
    const echoes: [number, Json][] = [
      [1, { issuer: other }],
      [2, { event: "PAYMENT" }],
      [3, { timestamp: second }],
    ];
    for (const [index, body] of echoes) {
      const message = (parts: string[]) => parts.with(index, String(Object.values(body)[0]));
      const answer = await respond(at, client, person, shown, true, { message, body });
      expect([body, answer.status]).toEqual([body, 403]);
      expect(String(answer.body.msg)).toContain("Does not match the pending event");
    }
    expect((await poll(at, client, waiter)).body).toMatchObject({ new: true, approved: false });
  });

  test("T24 a signature over X is no answer to Y, nor to X once it is decided", async () => {
    const { client, person } = await scene();
    const x = await pending(client, person);
    const body: Json = {};
    await respond(at, client, person, x.shown, true, { body });
    const again = await respond(at, client, person, x.shown, true);
    expect(again.status).toBe(409);
    const y = await pending(client, person);
    const signed = await person.phone.sign(
      `${person.id}${client}${x.shown.event}${x.shown.timestamp}TRUSTED_DEVICEtrue`,
    );
    const replayed = await respond(at, client, person, y.shown, true, { body: { code: signed } });
    expect(replayed.status).toBe(403);
    const echoed = await respond(at, client, person, y.shown, true, {
      body: { code: signed, timestamp: x.shown.timestamp },
    });
    expect(echoed.status).toBe(403);
    expect((await poll(at, client, y.waiter)).body).toMatchObject({ approved: false });
  });

  test("T24 the signature of an approval does not sign in by itself", async () => {
    const { client, person } = await scene();
    const { shown } = await pending(client, person);
    await respond(at, client, person, shown, true);
    const code = await person.phone.sign(
      `${person.id}${client}${shown.event}${shown.timestamp}TRUSTED_DEVICEtrue`,
    );
    const replayed = await at.call(
      "POST",
      "/api/v0/event/create?oauth_token=true",
      {
        client_user_id: person.id,
        issuer: client,
        event: shown.event,
        timestamp: shown.timestamp,
        method: "TRUSTED_DEVICE",
        ip: "unknown",
        location: "unknown",
        approved: true,
        public_key: person.phone.publicKey,
        algorithm: "ED25519",
        code,
      },
      { API_KEY_ID: client },
    );
    expect([replayed.status, replayed.body.msg]).toEqual([403, "Signature was used before"]);
  });

  test("T25 a removed phone, a phone enrolled after the start, and one of nobody are refused and put on record", async () => {
    const { client, person } = await scene();
    const { shown, waiter } = await pending(client, person);
    const young = await newPhone();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2_000 });
    const timestamp = String(Math.floor(Date.now() / 1000));
    const enrolled = await at.call(
      "POST",
      "/api/v0/event/create",
      {
        client_user_id: person.id,
        issuer: client,
        event: "ENROLL_NEW_TRUSTED_DEVICE",
        timestamp,
        method: "TRUSTED_DEVICE",
        location: "unknown",
        approved: true,
        public_key: person.phone.publicKey,
        code: await person.phone.sign(
          `${person.id}${client}ENROLL_NEW_TRUSTED_DEVICE${timestamp}TRUSTED_DEVICEtrue${young.publicKey}`,
        ),
        register_new_device: true,
        new_device_public_key: young.publicKey,
        new_device_algorithm: "ED25519",
      },
      { API_KEY_ID: client },
    );
    expect(enrolled.status).toBe(200);
    expect((await respond(at, client, person, shown, true, { phone: young })).status).toBe(403);
    expect((await prompt(at, client, person))?.ID).toBe(shown.ID);
    expect((await respond(at, client, person, shown, true, { phone: await newPhone() })).status).toBe(403);
    const later = await pending(client, person);
    await at.call(
      "PUT",
      `/api/v0/user/methods?cotter_user_id=${person.id}`,
      { method: "TRUSTED_DEVICE", enrolled: false, code: young.publicKey, algorithm: null },
      { API_KEY_ID: client },
    );
    expect((await respond(at, client, person, later.shown, true, { phone: young })).status).toBe(403);
    for (const event of [waiter, later.waiter]) {
      expect((await poll(at, client, event)).body).toMatchObject({ approved: false });
    }
    await until(async () => {
      const events = await at.services.records.events({
        clientId: client,
        type: "decision_refused",
        size: 10,
      });
      expect(events.length).toBeGreaterThan(0);
      expect(events.every((event) => event.userId === person.id)).toBe(true);
    });
  });

  test("T25 a removed device that signs itself in is refused, and its user's trail says so", async () => {
    const { client, person } = await scene();
    await at.call(
      "PUT",
      `/api/v0/user/methods?cotter_user_id=${person.id}`,
      { method: "TRUSTED_DEVICE", enrolled: false, code: person.phone.publicKey, algorithm: null },
      { API_KEY_ID: client },
    );
    const timestamp = String(Math.floor(Date.now() / 1000));
    const message = `${person.id}${client}LOGIN${timestamp}TRUSTED_DEVICEtrue`;
    const refused = await at.call(
      "POST",
      "/api/v0/event/create?oauth_token=true",
      {
        client_user_id: person.id,
        issuer: client,
        event: "LOGIN",
        timestamp,
        method: "TRUSTED_DEVICE",
        location: "unknown",
        approved: true,
        public_key: person.phone.publicKey,
        code: await person.phone.sign(message),
      },
      { API_KEY_ID: client },
    );
    expect([refused.status, refused.body.oauth_token]).toEqual([403, undefined]);
    await until(async () => {
      const query = { userId: person.id as UserId, type: "decision_refused", size: 10 };
      const events = await at.services.records.events(query);
      expect(events.map((event) => event.reason)).toEqual(["device_revoked"]);
    });
  });

  test("T28 twenty answers at once, half of them denials: one wins, the others are told that it is answered", async () => {
    const { client, person } = await scene();
    const { waiter, shown } = await pending(client, person);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => respond(at, client, person, shown, index % 2 === 0)),
    );
    const won = answers.filter((answer) => answer.status === 200);
    expect(won).toHaveLength(1);
    expect(new Set(answers.filter((answer) => answer.status !== 200).map((answer) => answer.status))).toEqual(
      new Set([409]),
    );
    const state = await poll(at, client, waiter);
    expect(state.status).toBe(won[0]?.body.approved === true ? 200 : 403);
  });
});

describe("redeeming", () => {
  test("T45 race: fifty polls of an approved event, one token set and one grant", async () => {
    const { client, person } = await scene();
    const { waiter, shown } = await pending(client, person);
    await respond(at, client, person, shown, true);
    const answers = await Promise.all(Array.from({ length: 50 }, () => poll(at, client, waiter)));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    const tokens = answers.map((answer) => answer.body.oauth_token as Json);
    expect(new Set(tokens.map((set) => set.refresh_token)).size).toBe(1);
    expect(new Set(tokens.map((set) => JSON.stringify(claimsOf(set.access_token)))).size).toBe(1);
    expect((await refresh(at, client, tokens[0]?.refresh_token)).status).toBe(200);
    const grants = await at.services.records.grantsOfUser(person.id as never);
    expect(grants.filter((grant) => grant.scope === "access")).toHaveLength(2);
  });

  test("T45 another client's guess of the number reaches nothing and changes nothing", async () => {
    const { client, person } = await scene();
    const other = await newClient(at);
    const { waiter, shown } = await pending(client, person);
    await respond(at, client, person, shown, true);
    expect((await poll(at, other, waiter)).status).toBe(404);
    expect((await poll(at, client, waiter)).body.oauth_token).toBeDefined();
  });

  test("T47 a lost answer is given again with the same claims and refresh token, and no longer after the window", async () => {
    const { client, person } = await scene();
    const { waiter, shown } = await pending(client, person);
    await respond(at, client, person, shown, true);
    const first = (await poll(at, client, waiter)).body.oauth_token as Json;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 119_000 });
    const second = (await poll(at, client, waiter)).body.oauth_token as Json;
    expect(second.refresh_token).toBe(first.refresh_token);
    expect(claimsOf(second.access_token)).toEqual(claimsOf(first.access_token));
    expect(claimsOf(second.id_token)).toEqual(claimsOf(first.id_token));
    vi.setSystemTime(Date.now() + 2_000);
    const late = await poll(at, client, waiter);
    expect(late.status).toBe(200);
    expect(late.body).toMatchObject({ approved: true });
    expect(late.body.oauth_token).toBeUndefined();
    expect((await refresh(at, client, first.refresh_token)).status).toBe(200);
  });

  test("T11 a user locked between approval and poll gets no token", async () => {
    const { client, person } = await scene();
    const { waiter, shown } = await pending(client, person);
    await respond(at, client, person, shown, true);
    await at.services.users.update(mainUser(person.id), { status: "locked" }, Date.now());
    const answer = await poll(at, client, waiter);
    expect([answer.status, answer.body.oauth_token]).toEqual([403, undefined]);
  });
});

test("a context that no object should carry is refused before anything is opened", async () => {
  const { client, person } = await scene();
  const { startChallenge } = await import("../../../../src/core/challenge/start.ts");
  const found = await at.services.clients.find(client);
  if (!found) throw new Error("no client");
  const started = await startChallenge(at.services, {
    door: "cotter",
    client: found,
    caller: { brought: "nothing" },
    user: { id: person.id as never, locked: false },
    purpose: "sign_in",
    scope: "access",
    requiresClaim: false,
    matchCode: false,
    context: { long: "x".repeat(4_096) },
    origin: {},
    lifetime: 1_000,
    redeemWindow: 1_000,
    replayWindow: 0,
    draw: async () => at.services.challenges.fresh(),
  });
  expect(started).toEqual({ ok: false, error: { code: "malformed", detail: "context" } });
  expect(await prompt(at, client, person)).toBeNull();
});

test("a device that seems younger than its own sign-in is refused, not a fault: two places, two clocks", async () => {
  const { client, person } = await scene();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 3_000 });
  const timestamp = String(Math.floor(Date.now() / 1000));
  const answer = await at.call(
    "POST",
    "/api/v0/event/create?oauth_token=true",
    {
      client_user_id: person.id,
      issuer: client,
      event: "LOGIN",
      timestamp,
      method: "TRUSTED_DEVICE",
      location: "unknown",
      approved: true,
      public_key: person.phone.publicKey,
      code: await person.phone.sign(`${person.id}${client}LOGIN${timestamp}TRUSTED_DEVICEtrue`),
    },
    { API_KEY_ID: client },
  );
  expect([answer.status, answer.body.oauth_token]).toEqual([403, undefined]);
});
