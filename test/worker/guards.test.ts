import { describe, expect, test } from "vitest";
import type { ClientId, DeviceId, UserId } from "../../src/core/ids.ts";
import {
  type Answer,
  deployment,
  type Json,
  newClient,
  newPerson,
  newPhone,
  type Person,
  refresh,
} from "./support/cotter.ts";
import { enrolByPhone, signInByPhone } from "./support/cotter-signed.ts";
import { type Stage, stage } from "./support/in-flight.ts";

const operator = deployment();
const ADMIN = { Authorization: "Bearer dev-admin-token" };

const admin = (method: string, path: string, body?: unknown): Promise<Answer> =>
  operator.call(method, `/admin${path}`, body, ADMIN);

async function done(method: string, path: string, body?: unknown): Promise<void> {
  const answer = await admin(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
}

async function deviceOf({ id }: Person): Promise<DeviceId> {
  const [device] = await operator.services.devices.ofUser(id as UserId);
  if (!device) throw new Error("no device");
  return device.id;
}

type Act = readonly [name: string, act: (person: Person) => Promise<void>];

const ACTS: readonly Act[] = [
  ["is locked", (person) => done("PATCH", `/users/${person.id}`, { status: "locked" })],
  [
    "loses the device",
    async (person) => done("DELETE", `/users/${person.id}/devices/${await deviceOf(person)}`),
  ],
  ["is deleted", (person) => done("DELETE", `/users/${person.id}`)],
];

type Scene = { readonly at: Stage; readonly person: Person & { tokens: Json }; readonly client: ClientId };

async function scene(): Promise<Scene> {
  const client = await newClient(operator);
  return { at: stage(), client, person: await newPerson(operator, client) };
}

/** How many of the families that were begun here still live. */
async function living({ begun }: Stage): Promise<number> {
  const found = await Promise.all([...begun].map((id) => operator.services.rooms.read(id)));
  return found.filter((snapshot) => snapshot?.grant && !snapshot.grant.ended).length;
}

const listed = (person: Person) => operator.services.records.grantsOfUser(person.id as UserId);
const typesOf = async (person: Person) =>
  (await operator.services.records.events({ userId: person.id as UserId, size: 50 })).map(({ type }) => type);

describe("S5 a stolen phone signs itself in while its person", () => {
  test.each(ACTS)("%s: no token goes out and no family lives on", async (_, act) => {
    const { at, person, client } = await scene();
    at.at("1: rooms.openSettled 1 after", () => act(person));
    const answer = await signInByPhone(at, client, person);
    expect(at.acted()).toBe(true);
    const token = (answer.body.oauth_token as Json | undefined)?.refresh_token;
    expect([answer.status === 200, token, await living(at)]).toEqual([false, undefined, 0]);
    expect((await refresh(operator, client, token ?? "none")).status).toBe(400);
    expect(await listed(person)).toEqual([]);
    expect(await typesOf(person)).not.toContain("sign_in.redeemed");
  });
});

describe("S5 a stolen phone enrols another key while its person", () => {
  test.each(ACTS)("%s: no device is stored", async (_, act) => {
    const { at, person, client } = await scene();
    const thief = await newPhone();
    at.at("1: devices.insert 1 before", () => act(person));
    const answer = await enrolByPhone(at, client, person, thief);
    expect(at.acted()).toBe(true);
    expect([403, 404]).toContain(answer.status);
    expect(await operator.services.devices.ofUser(person.id as UserId)).toHaveLength(
      _ === "is locked" ? 1 : 0,
    );
    expect((await typesOf(person)).filter((type) => type === "device.enrolled")).toHaveLength(1);
    expect([403, 404]).toContain((await signInByPhone(operator, client, { ...person, phone: thief })).status);
  });
});
