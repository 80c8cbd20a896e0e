import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import type { ClientId, Realm } from "../../src/core/ids.ts";
import type { NewUser } from "../../src/core/ports/users.ts";
import { makeAuthenticators } from "../../src/store/authenticators.ts";
import { openStore } from "../../src/store/database.ts";
import { makeDevices } from "../../src/store/devices.ts";
import { makeUsers } from "../../src/store/users.ts";
import { freshState } from "../worker/database.ts";
import {
  CLIENT,
  given,
  makeAuthenticator,
  makeDevice,
  makeEvent,
  makeUser,
  NOW,
  newUserId,
  viewOf,
} from "./fixtures.ts";

const db = openStore(env.DB);
const users = makeUsers(db);
const devices = makeDevices(db);
const authenticators = makeAuthenticators(db);

beforeEach(freshState);

async function made(parts: Partial<NewUser>) {
  const user = makeUser({ externalId: "crm-7", assertedBy: "client", client: CLIENT, ...parts });
  await users.insert(user, makeEvent(), NOW);
  return user.id;
}

test("a user with their names, their devices, the newest first and revoked ones too, and their ways", async () => {
  const id = await made({ identifiers: [given("b@example.com"), given("a@example.com")] });
  const old = makeDevice({ userId: id, enrolledAt: NOW });
  const young = makeDevice({ userId: id, enrolledAt: NOW + 1 });
  for (const device of [old, young]) await devices.insert(device, makeEvent());
  await devices.revoke(id, old.id, makeEvent(), NOW);
  const row = makeAuthenticator({ userId: id, kind: "email" });
  await authenticators.put(row);
  // Somebody else's things are theirs.
  const other = await made({ externalId: "crm-8" });
  await devices.insert(makeDevice({ userId: other }), makeEvent());
  for (const name of [{ externalId: "crm-7" }, { id }]) {
    const found = await users.withWays(viewOf(), name);
    expect(found?.record).toEqual(await users.byId(id, viewOf().realm));
    expect(found?.record.identifiers.map(({ normal }) => normal)).toEqual(["a@example.com", "b@example.com"]);
    expect(found?.devices).toEqual(await devices.ofUser(id, { withRevoked: true }));
    expect(found?.devices.map((device) => device.id)).toEqual([young.id, old.id]);
    expect(found?.ways).toEqual(await authenticators.ofUser(id));
  }
});

test("is found as without them: by the client's own word first, in its realm, and nobody by no name", async () => {
  const friend = "friend" as ClientId;
  const theirs = await made({ client: friend });
  const own = await made({});
  expect((await users.withWays(viewOf(CLIENT, [friend]), { externalId: "crm-7" }))?.record.user.id).toBe(own);
  expect((await users.withWays(viewOf(friend), { externalId: "crm-7" }))?.record.user.id).toBe(theirs);
  const abroad = viewOf(CLIENT, [], "abroad" as Realm);
  expect(await users.withWays(abroad, { externalId: "crm-7" })).toBeUndefined();
  expect(await users.withWays(abroad, { id: own })).toBeUndefined();
  expect(await users.withWays(viewOf(), { externalId: "crm-9" })).toBeUndefined();
  expect(await users.withWays(viewOf(), { id: newUserId() })).toBeUndefined();
});
