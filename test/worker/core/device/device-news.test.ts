import { beforeEach, expect, test } from "vitest";
import { undoEnrolment } from "../../../../src/core/device/undo-enrolment.ts";
import type { Message } from "../../../../src/core/ports/deliveries.ts";
import { ok } from "../../../../src/core/result.ts";
import { newAuthenticator } from "../../../fakes/authenticator.ts";
import { bearer, newKey, newTenant, track } from "../../support/authsignal.ts";
import { deployment, fresh, newClient, newPerson, newPhone } from "../../support/cotter.ts";
import { enrolByPhone } from "../../support/cotter-signed.ts";
import { passkeysAt, payloadOf } from "../../support/passkeys.ts";
import { mainUser } from "../../support/people.ts";

const told: Message[] = [];
const at = deployment({}, ({ deliveries }) => ({
  deliveries: {
    ...deliveries,
    send: async (message: Message) => {
      told.push(message);
      return ok("sent" as const);
    },
  },
}));
beforeEach(() => {
  told.length = 0;
});

const { scene, approvedCode, init, force, complete } = passkeysAt(at);

/** The user has proven two addresses, and somebody has called a third one theirs. */
async function proves(userId: string): Promise<readonly string[]> {
  const addresses = [`${fresh("a")}@example.com`, `${fresh("b")}@example.com`];
  const claimed = `${fresh("claimed")}@example.com`;
  const given = [
    ...addresses.map((value) => ({
      kind: "email" as const,
      value,
      normal: value,
      assertedBy: "proof" as const,
      verifiedAt: 1,
    })),
    { kind: "email" as const, value: claimed, normal: claimed, assertedBy: "admin" as const },
  ];
  const { user, identifiers } = (await at.services.users.byId(mainUser(userId).id, "*"))!;
  const kept = identifiers.map(({ userId: _, createdAt: __, ...identifier }) => identifier);
  await at.services.users.update(
    user,
    { identifiers: { of: "operator", given: [...kept, ...given] } },
    Date.now(),
  );
  return addresses.toSorted();
}

async function news(): Promise<readonly string[]> {
  await at.settled();
  return told
    .filter(({ template }) => template === "device_enrolled")
    .map(({ to }) => to)
    .sort();
}

/** Every device that was told of is taken back by its letter, whichever door it came through. */
async function allTakenBack(userId: string): Promise<void> {
  const links = told.filter(({ template }) => template === "device_enrolled").map(({ link = "" }) => link);
  for (const link of new Set(links)) {
    const token = new URL(link).searchParams.get("t") ?? "";
    expect(await undoEnrolment(at.services, { token })).toMatchObject({ kind: "undone", device: { userId } });
  }
  const ever = await at.services.devices.ofUser(mainUser(userId).id, { withRevoked: true });
  const undone = ever.filter(({ revokedReason }) => revokedReason === "undone");
  expect(undone).toHaveLength(new Set(links).size);
}

test("T33 O11 a device that another one signs in is told to every proven address, once", async () => {
  const client = await newClient(at);
  const person = await newPerson(at, client);
  const addresses = await proves(person.id);
  const phone = await newPhone();
  expect((await enrolByPhone(at, client, person, phone)).status).toBe(200);
  expect(await news()).toEqual(addresses);
  expect(told[0]).toMatchObject({ userId: person.id, clientId: client });
  // The key is there already.
  expect((await enrolByPhone(at, client, person, phone)).status).not.toBe(200);
  expect(await news()).toEqual(addresses);
  await allTakenBack(person.id);
});

test("T33 O11 so is one that a backend's token enrols, the first and every later one; the same key again is not", async () => {
  const tenant = await newTenant(at);
  const user = fresh("jane");
  const { body } = await track(at, tenant, user, "add", { scope: "add:authenticators" });
  const { identifiers: _, ...found } = (await at.services.users.named("*", { externalId: user }))[0]!;
  const addresses = await proves(found.user.id);
  const enrolled = async (token: unknown, key: string) =>
    (
      await at.call(
        "POST",
        "/v1/client/user-authenticators/push",
        { publicKey: key },
        bearer(token as string),
      )
    ).status;
  const [first, second] = [await newKey(), await newKey()];
  expect(await enrolled(body.token, first.text)).toBe(200);
  expect(await news()).toEqual(addresses);
  expect(await enrolled(body.token, first.text)).toBe(200);
  expect(await news()).toEqual(addresses);
  const later = (await track(at, tenant, user, "add", { scope: "add:authenticators" })).body.token;
  expect(await enrolled(later, second.text)).toBe(200);
  expect(await news()).toEqual([...addresses, ...addresses].sort());
  await allTakenBack(found.user.id);
});

test("T33 O11 so is a passkey, by a code and by a backend's word", async () => {
  const { backend, web, ada } = await scene();
  const addresses = await proves(ada.id);
  const begun = await init(web, ada.username, await approvedCode(backend, ada));
  expect((await complete(web, ada.username, payloadOf(begun), await newAuthenticator())).status).toBe(200);
  expect(await news()).toEqual(addresses);
  const forced = await force(backend, { username: ada.username });
  expect(forced.status).toBe(200);
  expect((await complete(backend, ada.username, payloadOf(forced), await newAuthenticator())).status).toBe(
    200,
  );
  expect(await news()).toEqual([...addresses, ...addresses].sort());
  await allTakenBack(ada.id);
});

test("T33 O11 a refused enrolment is told to nobody", async () => {
  const client = await newClient(at);
  const [person, other] = [await newPerson(at, client), await newPerson(at, client)];
  await proves(person.id);
  expect(
    (await enrolByPhone(at, client, { ...person, phone: other.phone }, await newPhone())).status,
  ).not.toBe(200);
  expect(await news()).toEqual([]);
});
