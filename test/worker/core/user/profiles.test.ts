import { expect, test } from "vitest";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import {
  enrol,
  inQuery,
  newTenant,
  type Phone,
  phoneCall,
  server,
  startPush,
  type Tenant,
} from "../../support/authsignal.ts";
import { deployment, fresh } from "../../support/cotter.ts";

const at = deployment();
const BY_ID = { user_ids: "subject" } as ClientSettings;

const say = async (tenant: Tenant, user: string, custom: object) =>
  (await server(at, tenant, "PATCH", `/users/${user}`, { custom })).status;
const told = async (tenant: Tenant, user: string) =>
  (await server(at, tenant, "GET", `/users/${user}`)).body.custom;

/** What the phone is told of the user with the newest prompt. */
async function shownTo(phone: Phone) {
  const query = `?publicKey=${inQuery(phone.key)}`;
  const { message } = (await phoneCall(at, phone, "POST", `/challenge/sign${query}`)).body;
  const signed = { "X-Authsignal-Signature": await phone.key.sign(String(message)) };
  const { body } = await phoneCall(at, phone, "GET", `/challenge${query}`, undefined, signed);
  return [typeof body.challengeId, body.user];
}

/** A user of the bank, with its phone, and another client that names the user by their id here. */
async function scene(shopSettings: ClientSettings = {}, bankSettings: ClientSettings = {}) {
  const bank = await newTenant(at, bankSettings);
  const shop = await newTenant(at, { ...BY_ID, approve_through: "realm", ...shopSettings });
  const user = fresh("ada");
  const phone = await enrol(at, bank, user);
  const id = (await at.services.devices.byId(phone.id as never))?.userId as string;
  return { bank, shop, user, phone, id };
}

test("T206 what a client's backend says of a user is kept for that client, and shown to its own phones", async () => {
  const { bank, shop, user, phone, id } = await scene();
  expect([
    await say(bank, user, { tier: "gold" }),
    await say(shop, id, { tier: "call this number" }),
  ]).toEqual([200, 200]);
  expect([await told(bank, user), await told(shop, id)]).toEqual([
    { tier: "gold" },
    { tier: "call this number" },
  ]);
  await startPush(at, bank, user);
  expect(await shownTo(phone)).toEqual(["string", { custom: { tier: "gold" } }]);
});

test.each([
  ["asks", (phone: Phone) => phone],
  ["asks and is named in the header", (phone: Phone, tenant: Tenant) => ({ ...phone, tenant })],
])("T206 a phone is shown what its own client said when another client %s", async (_, seenAs) => {
  const { bank, shop, user, phone, id } = await scene();
  await say(bank, user, { tier: "gold" });
  await say(shop, id, { tier: "call this number" });
  await startPush(at, shop, id);
  expect(await shownTo(seenAs(phone, shop))).toEqual(["string", { custom: { tier: "gold" } }]);
});

test("T206 a client hears another's word where it lists that one, behind its own", async () => {
  const { bank, id } = await scene();
  const user = (await at.services.users.byId(id as never, "*"))?.user.externalId as string;
  const sister = await newTenant(at, { ...BY_ID, names_from: [bank.id] });
  const stranger = await newTenant(at, BY_ID);
  await say(bank, user, { tier: "gold" });
  expect([await told(sister, id), await told(stranger, id)]).toEqual([{ tier: "gold" }, undefined]);
  await say(sister, id, { tier: "silver" });
  expect([await told(sister, id), await told(bank, user)]).toEqual([{ tier: "silver" }, { tier: "gold" }]);
});

test("T206 a client that deletes a user whom others have too takes its own word back, and no other", async () => {
  const { bank, shop, user, id } = await scene();
  await enrol(at, shop, id);
  await say(bank, user, { tier: "gold" });
  await say(shop, id, { tier: "silver" });
  expect((await server(at, shop, "DELETE", `/users/${id}`)).status).toBe(200);
  expect([await told(bank, user), await told(shop, id)]).toEqual([{ tier: "gold" }, undefined]);
});
