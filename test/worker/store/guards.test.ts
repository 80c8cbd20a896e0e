import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ClientId, DeviceId, UserId } from "../../../src/core/ids.ts";
import { admin, disable, lock, operator, remove, removeDevices, unlock } from "../support/acts.ts";
import { inside } from "../support/challenges.ts";
import {
  type Answer,
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
} from "../support/cotter.ts";
import { enrolByPhone, signInByPhone } from "../support/cotter-signed.ts";
import { type Stage, stage } from "../support/in-flight.ts";

type Act = readonly [name: string, act: (userId: UserId) => Promise<readonly DeviceId[]>];
const ACTS: readonly Act[] = [
  ["is locked", lock],
  ["loses the device", removeDevices],
  ["is deleted", remove],
];

type Scene = {
  readonly at: Stage;
  readonly client: ClientId;
  readonly person: Person;
  readonly userId: UserId;
};

async function scene(): Promise<Scene> {
  const client = await newClient(operator);
  const person = await newPerson(operator, client);
  return { at: stage(), client, person, userId: person.id as UserId };
}

/** How many of the grants that were begun here still live. */
async function living({ begun }: Stage): Promise<number> {
  const found = await Promise.all([...begun].map((id) => operator.services.challenges.read(id)));
  return found.filter((snapshot) => snapshot?.grant && !snapshot.grant.ended).length;
}

const { records, devices } = operator.services;
const typesOf = async (userId: UserId) =>
  (await records.events({ userId, size: 50 })).map(({ type }) => type);
const tokenOf = ({ body }: Answer): unknown => (body.oauth_token as Json | undefined)?.refresh_token;

describe("S5 a stolen phone signs itself in while its user", () => {
  test.each(ACTS)("%s: no token goes out and no grant lives on", async (_, act) => {
    const { at, person, client, userId } = await scene();
    at.at("1: challenges.openSettled 1 after", async () => void (await act(userId)));
    const answer = await signInByPhone(at, client, person);
    expect(at.acted()).toBe(true);
    const token = tokenOf(answer);
    expect([[403, 404].includes(answer.status), token, await living(at)]).toEqual([true, undefined, 0]);
    expect((await refresh(operator, client, token ?? "none")).status).toBe(400);
    expect(await records.grantsOfUser(userId)).toEqual([]);
    expect(await typesOf(userId)).not.toContain("sign_in.redeemed");
  });

  test.each(ACTS)("%s: not even the signed word that it was approved goes out", async (_, act) => {
    const { at, person, client, userId } = await scene();
    at.at("1: challenges.openSettled 1 after", async () => void (await act(userId)));
    const answer = await signInByPhone(at, client, person, "");
    expect([[403, 404].includes(answer.status), answer.body.signature]).toEqual([true, undefined]);
  });
});

describe("S5 a stolen phone enrols another key while its user", () => {
  test.each(ACTS)("%s: no device is stored", async (name, act) => {
    const { at, person, client, userId } = await scene();
    const thief = await newPhone();
    at.at("1: devices.insert 1 before", async () => void (await act(userId)));
    const answer = await enrolByPhone(at, client, person, thief);
    expect(at.acted()).toBe(true);
    expect([403, 404]).toContain(answer.status);
    expect(await devices.ofUser(userId)).toHaveLength(name === "is locked" ? 1 : 0);
    expect((await typesOf(userId)).filter((type) => type === "device.enrolled")).toHaveLength(1);
    expect([403, 404]).toContain((await signInByPhone(operator, client, { ...person, phone: thief })).status);
  });
});

async function begun({ client, person }: Scene): Promise<{ readonly waiter: Json; readonly shown: Json }> {
  const waiter = (await start(operator, client, person)).body;
  const shown = await prompt(operator, client, person);
  if (!shown) throw new Error("nothing is shown");
  return { waiter, shown };
}

async function approved(here: Scene): Promise<Json> {
  const { waiter, shown } = await begun(here);
  const answer = await respond(operator, here.client, here.person, shown, true);
  expect(answer.status).toBe(200);
  return waiter;
}

describe("T195 what waits for a user ends with them", () => {
  test.each(ACTS.filter(([name]) => name !== "loses the device"))(
    "T195 a laptop whose user %s is told at once, and the phone is shown nothing",
    async (_, act) => {
      const here = await scene();
      const { waiter } = await begun(here);
      const uri = new URL(String(waiter.wait_uri));
      const id = operator.services.challenges.parse(uri.pathname.split("/")[2] ?? "");
      if (!id) throw new Error("no challenge");
      const before = Date.now();
      const held = operator.services.challenges.wait(id, 20_000);
      while ((await inside(id, (_object, state) => state.getWebSockets().length)) === 0) await undefined;
      await act(here.userId);
      expect((await held)?.state).toBe("cancelled");
      expect(Date.now() - before).toBeLessThan(10_000);
      expect(await prompt(operator, here.client, here.person)).toBeNull();
    },
  );

  test("T195 a phone that was just removed approves nothing, though its answer was on its way", async () => {
    const here = await scene();
    const { waiter, shown } = await begun(here);
    here.at.at("1: inboxes.settle 1 before", async () => void (await removeDevices(here.userId)));
    const answer = await respond(here.at, here.client, here.person, shown, true);
    expect([here.at.acted(), answer.status]).toEqual([true, 403]);
    expect((await poll(operator, here.client, waiter)).body).toMatchObject({ approved: false });
  });
});

describe("T196 an approval that nobody has redeemed", () => {
  test("T196 is worth nothing once its user was locked, nor when they are active again", async () => {
    const here = await scene();
    const waiter = await approved(here);
    await lock(here.userId);
    const locked = await poll(operator, here.client, waiter);
    await unlock(here.userId);
    const later = await poll(operator, here.client, waiter);
    expect([locked.body.oauth_token, later.body.oauth_token]).toEqual([undefined, undefined]);
    // What begins now is another matter.
    expect((await poll(operator, here.client, await approved(here))).body.oauth_token).toBeDefined();
  });

  test.each([
    ["T11 locked", "update users set status = 'locked', ended_at = ?2 where id = ?1", 403],
    ["T11 locked and active again", "update users set ended_at = ?2 where id = ?1", 404],
    ["T25 without the device", "update devices set revoked_at = ?2 where user_id = ?1", 403],
  ])(
    "T196 its waiter is refused at each poll, with the reason, when its user is %s",
    async (_, sql, status) => {
      const here = await scene();
      const waiter = await approved(here);
      await env.DB.prepare(sql).bind(here.userId, Date.now()).run();
      const first = await poll(operator, here.client, waiter);
      const second = await poll(operator, here.client, waiter);
      expect([first.status, first.body.approved]).toEqual([status, undefined]);
      expect([second.status, second.body]).toEqual([first.status, first.body]);
    },
  );

  test("a challenge from before starts said what tokens say is redeemed as well", async () => {
    const client = await newClient(operator);
    const person = await newPerson(operator, client);
    const older = deployment({}, ({ challenges }) => ({
      challenges: { ...challenges, open: ({ subject: _, ...spec }) => challenges.open(spec) },
    }));
    const waiter = (await start(older, client, person)).body;
    await respond(operator, client, person, (await prompt(operator, client, person)) ?? {}, true);
    const tokens = (await poll(operator, client, waiter)).body.oauth_token as Json;
    expect(claimsOf(tokens.access_token)).toMatchObject({
      sub: person.id,
      client_user_id: person.id,
      identifier: person.identifier,
    });
  });

  test("T197 is worth nothing once its user was signed out everywhere, and a grant is over that was just begun", async () => {
    const here = await scene();
    const waiter = await approved(here);
    here.at.at("1: records.finish 1 before", async () => {
      expect((await admin("DELETE", `/users/${here.userId}/grants`)).status).toBe(204);
    });
    const answer = await signInByPhone(here.at, here.client, here.person);
    expect([here.at.acted(), tokenOf(answer), await living(here.at)]).toEqual([true, undefined, 0]);
    expect((await poll(operator, here.client, waiter)).body.oauth_token).toBeUndefined();
  });
});

describe("T199 a client that is disabled in one isolate", () => {
  /** An isolate that has just seen the client enabled. */
  async function warm(client: ClientId, person: Person): Promise<Deployment> {
    const at = deployment();
    expect((await signInByPhone(at, client, person)).status).toBe(200);
    return at;
  }

  test("T199 signs nobody in and enrols nothing in another one, which does not know yet", async () => {
    const { client, person, userId } = await scene();
    const at = await warm(client, person);
    const before = (await records.grantsOfUser(userId)).length;
    await disable(client);
    const answer = await signInByPhone(at, client, person);
    expect([answer.status, answer.body]).toEqual([401, { msg: "API_KEY_ID is not valid" }]);
    const enrolled = await enrolByPhone(at, client, person, await newPhone());
    expect(enrolled.status).toBe(401);
    expect([(await records.grantsOfUser(userId)).length, (await devices.ofUser(userId)).length]).toEqual([
      before,
      1,
    ]);
  });
});
