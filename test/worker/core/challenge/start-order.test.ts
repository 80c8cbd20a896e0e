import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import { type ChallengeId, type ClientId, userSubject } from "../../../../src/core/ids.ts";
import type { Services } from "../../../../src/core/ports/services.ts";
import { lock } from "../../support/acts.ts";
import {
  type Answer,
  type Deployment,
  deployment,
  fresh,
  type Json,
  newClient,
  newPerson,
  type Person,
  poll,
  prompt,
  respond,
  start,
} from "../../support/cotter.ts";
import { counting } from "../../support/counting.ts";

// A start looks up its user while it is counted, and opens its challenge while the prompt is listed: whatever comes between, and whichever of
// two is missing, nobody is asked about what nobody waits for, and no count is another's.
const at = deployment();

async function scene() {
  const client = await newClient(at);
  return { client, person: await newPerson(at, client) };
}

const inboxOf = (person: Person) => userSubject(person.id as never);
const promptsOf = async (person: Person) => (await at.services.inboxes.view(inboxOf(person))).prompts;
const lost = () => {
  throw new Outage("the answer was lost");
};

describe("a start of which one half is missing", () => {
  /** A start over these services; the challenge that it would open. */
  async function begin(change: (services: Services) => Partial<Services>) {
    const { client, person } = await scene();
    let id: ChallengeId | undefined;
    const broken = deployment({}, (services) => {
      const changed = { ...services, ...change(services) };
      const open: typeof changed.challenges.open = (spec) => {
        id = spec.id;
        return changed.challenges.open(spec);
      };
      return { ...change(services), challenges: { ...changed.challenges, open }, log: () => undefined };
    });
    const answer = await start(broken, client, person);
    if (!id) throw new Error("nothing was opened");
    return { client, person, answer, id, left: await at.services.challenges.read(id) };
  }

  test.each<[string, (services: Services) => Partial<Services>, string | undefined]>([
    [
      "the challenge is not opened",
      ({ challenges }) => ({ challenges: { ...challenges, open: async () => lost() } }),
      undefined,
    ],
    [
      "the challenge is opened and nobody hears of it",
      ({ challenges }) => ({
        challenges: { ...challenges, open: (spec) => challenges.open(spec).then(lost) },
      }),
      "cancelled",
    ],
    [
      "the prompt is not listed",
      ({ inboxes }) => ({ inboxes: { ...inboxes, listCounted: async () => lost() } }),
      "cancelled",
    ],
    [
      "the prompt is listed and nobody hears of it",
      ({ inboxes }) => ({
        inboxes: { ...inboxes, listCounted: (...given) => inboxes.listCounted(...given).then(lost) },
      }),
      "cancelled",
    ],
  ])("%s: 503, and nobody is asked", async (_, change, state) => {
    const { client, person, answer, left } = await begin(change);
    expect([answer.status, answer.headers.get("Retry-After")]).toEqual([503, "2"]);
    expect(left?.view.state).toBe(state);
    expect([await prompt(at, client, person), await promptsOf(person)]).toEqual([null, []]);
    // Asked again it works.
    const waiter = await start(at, client, person);
    await respond(at, client, person, (await prompt(at, client, person)) ?? {}, true);
    expect((await poll(at, client, waiter.body)).body.oauth_token).toBeDefined();
  });

  test("what cannot be taken back is worth nothing: its prompt approves no challenge", async () => {
    const { client, person, answer } = await begin(({ challenges, inboxes }) => ({
      challenges: { ...challenges, open: async () => lost() },
      inboxes: { ...inboxes, withdraw: async () => lost() },
    }));
    expect(answer.status).toBe(503);
    const shown = (await prompt(at, client, person)) ?? {};
    expect((await respond(at, client, person, shown, true)).status).toBe(503);
    expect((await respond(at, client, person, shown, true)).status).toBe(404);
  });
});

test("a phone that answers before the challenge is open asks again, and is heard", async () => {
  const { client, person } = await scene();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const slow = deployment({}, ({ challenges }) => ({
    challenges: { ...challenges, open: (spec) => opened.then(() => challenges.open(spec)) },
  }));
  const starting = start(slow, client, person);
  const shown = await vi.waitFor(
    async () => {
      const event = await prompt(at, client, person);
      if (!event) throw new Error("nothing is shown");
      return event;
    },
    { interval: 5, timeout: 10_000 },
  );
  const early = await respond(at, client, person, shown, true);
  expect([early.status, early.headers.get("Retry-After")]).toEqual([503, "2"]);
  open();
  const waiter = (await starting).body;
  expect((await poll(at, client, waiter)).body).toMatchObject({ new: true, approved: false });
  expect((await respond(at, client, person, shown, true)).status).toBe(200);
  expect((await poll(at, client, waiter)).body.oauth_token).toBeDefined();
});

describe("a number that is drawn twice", () => {
  const WIDE = Number.MAX_SAFE_INTEGER;

  /** A deployment that draws these numbers for its events. */
  const drawing = (
    numbers: readonly number[],
    change: (services: Services) => Partial<Services> = () => ({}),
  ) => {
    const left = [...numbers];
    return deployment({}, (services) => ({
      chance: {
        ...services.chance,
        number: (limit) => (limit === WIDE ? left.shift() : undefined) ?? services.chance.number(limit),
      },
      ...change(services),
    }));
  };
  const aNumber = () => at.services.chance.number(WIDE);

  test("belongs to its first event: another user is asked about their own alone", async () => {
    const { client, person: ana } = await scene();
    const bob = await newPerson(at, client);
    const number = aNumber();
    const first = (await start(drawing([number]), client, bob)).body;
    let early: Answer | undefined;
    const twice = drawing([number, aNumber()], ({ inboxes }) => ({
      inboxes: {
        ...inboxes,
        // Between the draws the phone answers the prompt that points at the other's challenge.
        withdraw: async (...given) => {
          early = await respond(at, client, ana, (await prompt(at, client, ana)) ?? {}, true);
          return await inboxes.withdraw(...given);
        },
      },
    }));
    const second = (await start(twice, client, ana)).body;
    expect(early?.status).toBe(403);
    expect(second.ID).not.toBe(first.ID);
    expect((await poll(at, client, first)).body).toMatchObject({ new: true, approved: false });
    expect(await promptsOf(bob)).toHaveLength(1);
    await respond(at, client, bob, (await prompt(at, client, bob)) ?? {}, true);
    expect((await poll(at, client, second)).body).toMatchObject({ new: true, approved: false });
    await respond(at, client, ana, (await prompt(at, client, ana)) ?? {}, true);
    for (const waiter of [first, second]) {
      expect((await poll(at, client, waiter)).body.oauth_token).toBeDefined();
    }
  });

  test("of one user: the older prompt is superseded as always, not taken back", async () => {
    const { client, person } = await scene();
    const number = aNumber();
    await start(drawing([number]), client, person);
    const [older] = await promptsOf(person);
    if (!older) throw new Error("nothing is listed");
    const second = (await start(drawing([number, aNumber()]), client, person)).body;
    expect(second.ID).not.toBe(number);
    expect((await at.services.inboxes.find(inboxOf(person), older.challengeId))?.status.name).toBe(
      "superseded",
    );
    expect(await promptsOf(person)).toHaveLength(1);
    await respond(at, client, person, (await prompt(at, client, person)) ?? {}, true);
    expect((await poll(at, client, second)).body.oauth_token).toBeDefined();
  });
});

describe("what a start is counted for", () => {
  /** A stranger's start by this name, from this address. */
  const startAs = (where: Deployment, client: ClientId, name: string, ip?: string): Promise<Answer> =>
    where.call(
      "POST",
      "/api/v0/event/create_pending",
      { client_user_id: name, issuer: client, event: "LOGIN", method: "TRUSTED_DEVICE", location: "x" },
      { API_KEY_ID: client, ...(ip === undefined ? {} : { "CF-Connecting-IP": ip }) },
    );
  const statuses = async (starts: readonly (() => Promise<Answer>)[]): Promise<readonly number[]> => {
    const said: number[] = [];
    for (const one of starts) said.push((await one()).status);
    return said;
  };
  const times = <T>(count: number, one: T): readonly T[] => Array.from({ length: count }, () => one);

  test.each([
    ["active", async () => []],
    ["locked", (id: string) => lock(id as never)],
  ])(
    "T154 ten a minute are about one user, whatever their names, and no more are the client's: %s",
    async (_, act) => {
      const client = await newClient(at, { starts_per_minute: 12 });
      const [person, other] = [await newPerson(at, client), await newPerson(at, client)];
      await act(person.id);
      const byId = () => startAs(at, client, person.id);
      const byAddress = () => startAs(at, client, person.identifier);
      expect(await statuses([...times(4, byId), ...times(6, byAddress)])).toEqual(times(10, 200));
      expect(await statuses(times(6, byId))).toEqual(times(6, 429));
      await at.settled();
      const byOther = () => startAs(at, client, other.id);
      expect(await statuses(times(3, byOther))).toEqual([200, 200, 429]);
      await vi.waitFor(async () => {
        const events = await at.services.records.events({ clientId: client, size: 20 });
        expect(events.map(({ type }) => type)).toContain("starts_about_limited");
      }, 10_000);
    },
  );

  test("T154 five of them are one network's", async () => {
    const limited = deployment({ IP_LIMITS: "on" });
    const { client, person } = await scene();
    const from = (name: string, ip: string) => () => startAs(limited, client, name, ip);
    const [byId, byAddress] = [from(person.id, "192.0.2.61"), from(person.identifier, "192.0.2.61")];
    expect(await statuses([byId, byAddress, byId, byAddress, byId, byId, byAddress])).toEqual([
      ...times(5, 200),
      ...times(2, 429),
    ]);
    expect(await statuses([from(person.id, "192.0.2.62")])).toEqual([200]);
  });

  test("T154 the eleventh by one name, however it is spelled, is refused before anything is opened", async () => {
    const counter = counting(env);
    const watched = deployment(counter.bindings);
    const { client, person } = await scene();
    await statuses(times(10, () => startAs(watched, client, person.identifier)));
    await watched.settled();
    counter.take();
    const answer = await startAs(watched, client, person.identifier.toUpperCase());
    await watched.settled();
    expect([answer.status, counter.take().objects]).toEqual([429, { "inbox.countStart": 1 }]);
  });

  test("T05 names that nobody has use up nothing of the client's", async () => {
    const client = await newClient(at, { starts_per_minute: 2 });
    const person = await newPerson(at, client);
    const unknown = () => startAs(at, client, `${fresh("nobody")}@example.com`);
    expect(await statuses(times(6, unknown))).toEqual(times(6, 404));
    await at.settled();
    expect(await statuses(times(3, () => startAs(at, client, person.id)))).toEqual([200, 200, 429]);
  });

  test("without a limit of the client nothing is counted about its users", async () => {
    const client = await newClient(at, { starts_per_minute: 0 });
    const person = await newPerson(at, client);
    expect(await statuses(times(12, () => startAs(at, client, person.id)))).toEqual(times(12, 200));
  });
});

test("T11 who is locked between the look-up and the prompt has nothing to answer", async () => {
  const { client, person } = await scene();
  const between = deployment({}, ({ inboxes }) => ({
    inboxes: {
      ...inboxes,
      listCounted: async (...given) => {
        await lock(person.id as never);
        return await inboxes.listCounted(...given);
      },
    },
  }));
  const waiter: Json = (await start(between, client, person)).body;
  const shown = (await prompt(at, client, person)) ?? {};
  await respond(at, client, person, shown, true);
  expect((await poll(at, client, waiter)).body.oauth_token).toBeUndefined();
});
