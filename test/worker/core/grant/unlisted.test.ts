import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import type { ClientId, GrantId, UserId } from "../../../../src/core/ids.ts";
import { consumeEvents } from "../../../../src/core/message/consume.ts";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import { admin, disable, lock, operator, remove, removeDevices, unlock } from "../../support/acts.ts";
import { catchEvents, stubOf } from "../../support/challenges.ts";
import { deployment, type Json, newClient, newPerson, type Person, refresh } from "../../support/cotter.ts";
import { signInByPhone } from "../../support/cotter-signed.ts";

// A grant that D1 could not take is nobody's to find. It must not outlive what was done meanwhile.

const fault = { down: false };
const at = deployment({}, ({ records }) => ({
  records: {
    ...records,
    finish: async (...given) => {
      if (fault.down) throw new Outage("the database cannot be used now");
      return await records.finish(...given);
    },
  },
  log: () => undefined,
}));

afterEach(() => {
  fault.down = false;
  vi.useRealTimers();
});

type Scene = {
  readonly client: ClientId;
  readonly person: Person;
  readonly token: unknown;
  readonly id: GrantId;
};

/** Somebody signed in while D1 took no grant. */
async function unlisted(): Promise<Scene> {
  const client = await newClient(at);
  const person = await newPerson(at, client);
  fault.down = true;
  const { body } = await signInByPhone(at, client, person);
  fault.down = false;
  const token = (body.oauth_token as Json).refresh_token;
  const id = at.services.challenges.parse(String(token).split(".")[0] ?? "");
  if (!id) throw new Error("no grant");
  expect(await listed({ person, id })).toBe(false);
  return { client, person, token, id };
}

const listed = async ({ person, id }: Pick<Scene, "person" | "id">): Promise<boolean> =>
  (await at.services.records.grant(person.id as UserId, id)) !== undefined;
const snapshotOf = ({ id }: Pick<Scene, "id">) => at.services.challenges.read(id);

const ACTS: readonly (readonly [string, (scene: Scene) => Promise<unknown>])[] = [
  ["the person is locked", ({ person }) => lock(person.id as UserId)],
  [
    "the person was locked and is active again",
    async ({ person }) => {
      await lock(person.id as UserId);
      await unlock(person.id as UserId);
    },
  ],
  ["the device is removed", ({ person }) => removeDevices(person.id as UserId)],
  ["the person is deleted", ({ person }) => remove(person.id as UserId)],
  ["the person is signed out everywhere", ({ person }) => admin("DELETE", `/users/${person.id}/grants`)],
];

describe("T193 a refresh of a grant that D1 does not list", () => {
  test("lists it first, once, and passes", async () => {
    const scene = await unlisted();
    const first = await refresh(at, scene.client, scene.token);
    expect([first.status, await listed(scene), (await snapshotOf(scene))?.listed]).toEqual([200, true, true]);
    const finish = vi.spyOn(at.services.records, "finish");
    expect((await refresh(at, scene.client, first.body.refresh_token)).status).toBe(200);
    expect(finish).not.toHaveBeenCalled();
  });

  test.each(ACTS)("is refused once %s, and the grant is over", async (_, act) => {
    const scene = await unlisted();
    await act(scene);
    const answer = await refresh(at, scene.client, scene.token);
    expect([answer.status, answer.body.refresh_token]).toEqual([400, undefined]);
    expect([(await snapshotOf(scene))?.grant?.ended !== undefined, await listed(scene)]).toEqual([
      true,
      false,
    ]);
  });

  test("is refused once its client is disabled elsewhere, though this isolate does not know yet", async () => {
    const scene = await unlisted();
    await disable(scene.client);
    expect((await refresh(at, scene.client, scene.token)).status).toBe(400);
    expect((await snapshotOf(scene))?.grant?.ended).toBeDefined();
  });

  test("is an outage while D1 is one, and costs the grant nothing", async () => {
    const scene = await unlisted();
    fault.down = true;
    const answer = await refresh(at, scene.client, scene.token);
    expect([answer.status, answer.headers.get("Retry-After")]).toEqual([503, expect.any(String)]);
    fault.down = false;
    expect((await refresh(at, scene.client, scene.token)).status).toBe(200);
  });
});

describe("T198 the queue brings what D1 missed", () => {
  async function queued(scene: Scene): Promise<readonly QueueMessage[]> {
    const sent = await catchEvents(scene.id);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    await runDurableObjectAlarm(stubOf(scene.id));
    return sent;
  }
  const bring = async (messages: readonly QueueMessage[]) => {
    const acks: string[] = [];
    const given = { attempts: 1, ack: () => void acks.push("done"), retry: () => void acks.push("again") };
    await consumeEvents(
      at.services,
      messages.map((body) => ({ body, ...given })),
    );
    return acks;
  };

  test("T198 the grant counts as listed once D1 has it, not once the queue has; it is told once", async () => {
    const scene = await unlisted();
    const messages = await queued(scene);
    expect(messages.map(({ kind }) => kind)).toEqual(["list_grant"]);
    expect((await snapshotOf(scene))?.listed).toBe(false);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    await runDurableObjectAlarm(stubOf(scene.id));
    expect(messages).toHaveLength(1);
    expect(await bring(messages)).toEqual(["done"]);
    expect([await listed(scene), (await snapshotOf(scene))?.listed]).toEqual([true, true]);
  });

  test.each(ACTS)(
    "T198 it ends when its message comes after %s, and what became of it is on record",
    async (_, act) => {
      const scene = await unlisted();
      const messages = await queued(scene);
      await act(scene);
      expect(await bring(messages)).toEqual(["done"]);
      expect([(await snapshotOf(scene))?.grant?.ended !== undefined, await listed(scene)]).toEqual([
        true,
        false,
      ]);
      const trail = await at.services.records.events({ userId: scene.person.id as UserId, size: 50 });
      expect(trail.filter(({ type }) => type === "sign_in.redeemed")).toHaveLength(1);
    },
  );
});

describe("T194 the operator ends sessions of an id without a user", () => {
  /** A listed grant whose user is gone without their sessions, as after a restore. */
  async function orphan(): Promise<Scene> {
    const scene = await unlisted();
    await refresh(at, scene.client, scene.token);
    await operator.services.users.remove(scene.person.id as UserId);
    return scene;
  }

  test("T194 all of them: listed, ended, and then there is neither user nor grant", async () => {
    const scene = await orphan();
    const path = `/users/${scene.person.id}/grants`;
    const shown = await admin("GET", path);
    const ids = (shown.body.grants as Json[]).map(({ grant_id }) => grant_id);
    expect([shown.status, ids]).toEqual([200, expect.arrayContaining([scene.id])]);
    expect((await admin("DELETE", path)).status).toBe(204);
    expect((await snapshotOf(scene))?.grant?.ended).toBeDefined();
    expect([(await admin("GET", path)).status, (await admin("DELETE", path)).status]).toEqual([404, 404]);
  });

  test("T194 one of them", async () => {
    const scene = await orphan();
    expect((await admin("DELETE", `/users/${scene.person.id}/grants/${scene.id}`)).status).toBe(204);
    expect((await snapshotOf(scene))?.grant?.ended).toBeDefined();
  });

  test("T194 one that D1 does not list, by its id; not another user's, nor one that has ended", async () => {
    const [scene, other] = [await unlisted(), await unlisted()];
    const end = ({ person }: Scene, { id }: Scene) => admin("DELETE", `/users/${person.id}/grants/${id}`);
    expect((await end(other, scene)).status).toBe(404);
    expect((await snapshotOf(scene))?.grant?.ended).toBeUndefined();
    expect((await end(scene, scene)).status).toBe(204);
    expect((await snapshotOf(scene))?.grant?.ended).toBeDefined();
    expect((await end(scene, scene)).status).toBe(404);
    expect((await end(scene, { ...scene, id: "0".repeat(64) as GrantId })).status).toBe(404);
  });
});
