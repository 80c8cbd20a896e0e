import { beforeEach, describe, expect, test } from "vitest";
import { auditEvent } from "../../../../src/core/audit/record.ts";
import type { ClientId, GrantId, UserId } from "../../../../src/core/ids.ts";
import { readIdentifier } from "../../../../src/core/user/identifier.ts";
import { newDevice } from "../../support/admin.ts";
import { newTenant, server, type Tenant } from "../../support/authsignal.ts";
import { deployment, fresh, type Json } from "../../support/cotter.ts";
import { stage } from "../../support/in-flight.ts";
import { type Ada, type Backend, newAda, newBackend, tokenOf } from "../../support/loginid.ts";
import { mainUser } from "../../support/people.ts";

const at = deployment();
const UNKNOWN = { status: 404, body: { code: "user_not_found" } };
const FORBIDDEN = { status: 403, body: { code: "operation_not_allowed" } };

let mine: Backend;
let other: Backend;
beforeEach(async () => {
  [mine, other] = [await newBackend(at), await newBackend(at)];
});

const call = async (backend: Backend, method: string, path: string, scope: string, body?: Json) =>
  at.call(method, path, body, { Authorization: `Bearer ${await tokenOf(backend, scope)}` });
const lock = (backend: Backend, id: UserId) =>
  call(backend, "PUT", `/manage/users/${id}/deactivate`, "users.deactivate");
const unlock = (backend: Backend, id: UserId) =>
  call(backend, "PUT", `/manage/users/${id}/activate`, "users.activate");
const remove = (backend: Backend, id: UserId) =>
  call(backend, "DELETE", `/manage/users/${id}`, "users.delete");
const removeNamed = (backend: Backend, username: string) =>
  call(backend, "POST", "/manage/users/delete", "users.delete", { username });
const admin = (method: string, path: string, body: Json) =>
  at.call(method, path, body, { Authorization: `Bearer ${at.services.config.adminToken}` });

const ownAda = (backend: Backend) => newAda(at, undefined, "client", backend.id);
const of = async (id: UserId) => (await at.services.users.byId(id, "*"))!;
const statusOf = async ({ id }: Ada) => (await of(id)).user.status;
const give = async (ada: Ada, client: ClientId, text: string, over: object = {}) => {
  const added = { ...readIdentifier(text)!, assertedBy: "client" as const, client, ...over };
  const given = await at.services.users.update(mainUser(ada.id), { added }, Date.now());
  if (!given.ok) throw new Error(given.error.code);
};
const prove = (ada: Ada, client: ClientId, text: string) =>
  give(ada, client, text, { assertedBy: "proof", verifiedAt: Date.now() });

/** What makes a user somebody else's, too. */
const SHARES: Readonly<Record<string, (ada: Ada) => Promise<unknown>>> = {
  "a name by another client's word": (ada) => give(ada, other.id, fresh("name")),
  "an address proven through another client": (ada) => prove(ada, other.id, `${fresh("proven")}@example.com`),
  "a device of another client": (ada) => newDevice(ada.id, { clientId: other.id }),
  "a session at another client": async (ada) => {
    const id = crypto.randomUUID() as GrantId;
    const event = auditEvent(at.services, { type: "sign_in", actor: "system", userId: ada.id });
    const grant = {
      id,
      userId: ada.id,
      clientId: other.id,
      scope: "openid",
      amr: ["otp"],
      createdAt: event.at,
    };
    expect((await at.services.records.finish(event, grant)).ok).toBe(true);
  },
  "the operator's external id": (ada) =>
    at.services.users.update(mainUser(ada.id), { externalId: fresh("ext") }, Date.now()),
  "the operator's name": (ada) => give(ada, other.id, fresh("op"), { assertedBy: "admin" }),
  "an address enrolled by another client": (ada) =>
    at.services.authenticators.put({
      userId: ada.id,
      id: crypto.randomUUID(),
      kind: "email",
      identifier: "x@example.com",
      clientId: other.id,
      createdAt: 1,
      verifiedAt: 1,
    }),
};

describe("T116 the LoginID door", () => {
  test("T116 another client's user is nobody here: not deleted, locked or unlocked by id or proven address", async () => {
    const ada = await ownAda(other);
    const address = `${fresh("ada")}@example.com`;
    await prove(ada, other.id, address);
    await newDevice(ada.id, { clientId: other.id });
    for (const answer of [
      await remove(mine, ada.id),
      await removeNamed(mine, address),
      await lock(mine, ada.id),
      await unlock(mine, ada.id),
    ]) {
      expect(answer).toMatchObject(UNKNOWN);
      expect(JSON.stringify(answer.body)).not.toContain(address);
    }
    expect(await statusOf(ada)).toBe("active");
    expect(await at.services.devices.ofUser(ada.id)).toHaveLength(1);
  });

  test("T116 an operator's user is not a backend's", async () => {
    const ada = await newAda(at);
    expect(await removeNamed(mine, ada.username)).toMatchObject(UNKNOWN);
    expect(await lock(mine, ada.id)).toMatchObject(UNKNOWN);
    expect(await statusOf(ada)).toBe("active");
  });

  test("T116 a friend of names_from is another client", async () => {
    const ada = await ownAda(other);
    const friend = await newBackend(at, { settings: { names_from: [other.id] } });
    expect(await removeNamed(friend, ada.username)).toMatchObject(UNKNOWN);
    expect(await lock(friend, ada.id)).toMatchObject(UNKNOWN);
    expect(await statusOf(ada)).toBe("active");
  });

  test("T116 a user who is wholly its own is locked, unlocked and deleted", async () => {
    const ada = await ownAda(mine);
    await prove(ada, mine.id, `${fresh("proven")}@example.com`);
    await newDevice(ada.id, { clientId: mine.id });
    expect((await lock(mine, ada.id)).body.status).toBe("inactive");
    expect((await unlock(mine, ada.id)).body.status).toBe("active");
    expect((await unlock(mine, ada.id)).body.status).toBe("active");
    expect((await lock(mine, ada.id)).status).toBe(200);
    expect((await lock(mine, ada.id)).status).toBe(200);
    expect((await unlock(mine, ada.id)).body.status).toBe("active");
    expect((await lock(mine, ada.id)).status).toBe(200);
    expect((await remove(mine, ada.id)).status).toBe(204);
    expect(await at.services.users.byId(ada.id, "*")).toBeUndefined();
  });

  test.each(Object.keys(SHARES))(
    "T116 with %s neither lock nor unlock, and a deletion leaves the user",
    async (share) => {
      const ada = await ownAda(mine);
      await give(ada, mine.id, fresh("second"));
      await SHARES[share]?.(ada);
      const before = await of(ada.id);
      const own = await newDevice(ada.id, { clientId: mine.id });
      expect(await lock(mine, ada.id)).toMatchObject(FORBIDDEN);
      expect(await unlock(mine, ada.id)).toMatchObject(FORBIDDEN);
      expect(await of(ada.id)).toEqual(before);
      const gone = await remove(mine, ada.id);
      expect([gone.status, gone.body]).toEqual([204, {}]);
      const after = await of(ada.id);
      expect(after.user.externalId).toBe(before.user.externalId);
      expect(after.identifiers).toEqual(before.identifiers.filter(({ client }) => client !== mine.id));
      expect((await at.services.devices.byId(own.id))?.revokedAt).toBeDefined();
      const left = await at.services.devices.ofUser(ada.id);
      expect(left.filter(({ clientId }) => clientId === mine.id)).toEqual([]);
      expect(left).toHaveLength(share === "a device of another client" ? 1 : 0);
      expect(await remove(mine, ada.id)).toMatchObject(UNKNOWN);
    },
  );

  test("T116 what a user proved through this client stays theirs when they are shared", async () => {
    const ada = await ownAda(mine);
    const address = `${fresh("proven")}@example.com`;
    await prove(ada, mine.id, address);
    await newDevice(ada.id, { clientId: other.id });
    expect((await remove(mine, ada.id)).status).toBe(204);
    expect((await of(ada.id)).identifiers).toMatchObject([
      { value: address, verifiedAt: expect.any(Number) },
    ]);
  });

  test("T116 proving it again elsewhere makes a proof nobody else's", async () => {
    const ada = await ownAda(other);
    const address = `${fresh("proven")}@example.com`;
    await prove(ada, other.id, address);
    await prove(ada, mine.id, address);
    expect(await remove(mine, ada.id)).toMatchObject(UNKNOWN);
    expect((await of(ada.id)).identifiers).toHaveLength(2);
  });

  test("T116 the operator's lock is the operator's, also when the backend locks on top of it or had locked before", async () => {
    const locked = { status: "locked" };
    const ada = await ownAda(mine);
    await admin("PATCH", `/admin/users/${ada.id}`, locked);
    expect(await unlock(mine, ada.id)).toMatchObject(FORBIDDEN);
    expect((await lock(mine, ada.id)).status).toBe(200);
    expect(await unlock(mine, ada.id)).toMatchObject(FORBIDDEN);
    const bob = await ownAda(mine);
    await lock(mine, bob.id);
    await admin("PATCH", `/admin/users/${bob.id}`, locked);
    expect(await unlock(mine, bob.id)).toMatchObject(FORBIDDEN);
    expect([await statusOf(ada), await statusOf(bob)]).toEqual(["locked", "locked"]);
    await admin("PATCH", `/admin/users/${bob.id}`, { status: "active" });
    await lock(mine, bob.id);
    expect((await unlock(mine, bob.id)).status).toBe(200);
  });

  test("T116 a lock that comes while a backend unlocks stays", async () => {
    const ada = await ownAda(mine);
    await lock(mine, ada.id);
    let hasLocked = false;
    const racing = deployment({}, ({ users }) => ({
      users: {
        ...users,
        update: async (...asked: Parameters<typeof users.update>) => {
          if (!hasLocked) {
            hasLocked = true;
            await users.update(mainUser(ada.id), { status: "locked" }, Date.now() + 1000);
          }
          return await users.update(...asked);
        },
      },
    }));
    const answer = await racing.call("PUT", `/manage/users/${ada.id}/activate`, undefined, {
      Authorization: `Bearer ${await tokenOf(mine, "users.activate")}`,
    });
    expect(answer).toMatchObject(FORBIDDEN);
    expect(await statusOf(ada)).toBe("locked");
  });

  test("T116 the list shows a client the devices that it enrolled or let in, and those that answer for it", async () => {
    const ada = await ownAda(mine);
    const own = await newDevice(ada.id, { clientId: mine.id });
    const theirs = await newDevice(ada.id, { clientId: other.id });
    const list = async (backend: Backend) =>
      (await call(backend, "GET", `/credentials?user_id=${ada.id}`, "credentials.list")).body.credentials;
    expect(await list(mine)).toMatchObject([{ uuid: own.id }]);
    expect(await list(other)).toMatchObject([{ uuid: theirs.id }]);
    expect(await list(await newBackend(at))).toEqual([]);
    const allowed = await newBackend(at, { settings: { approve_through: [other.id] } });
    expect(await list(allowed)).toMatchObject([{ uuid: theirs.id }]);
  });
});

describe("T116 the Authsignal door", () => {
  let tenant: Tenant;
  beforeEach(async () => {
    tenant = await newTenant(at);
  });
  const drop = (as: Tenant, name: string) => server(at, as, "DELETE", `/users/${name}`);
  const personOf = async (as: Tenant, name: string) => {
    await server(at, as, "PATCH", `/users/${name}`, { username: `${name}-user` });
    const view = { realm: mainUser("" as UserId).realm, client: as.id, from: [] };
    return (await at.services.users.byExternalId(view, name))!.user.id;
  };

  test("T116 a user who is wholly the client's goes", async () => {
    const name = fresh("u");
    const id = await personOf(tenant, name);
    expect(await drop(tenant, name)).toMatchObject({ status: 200, body: {} });
    expect(await at.services.users.byId(id, "*")).toBeUndefined();
  });

  test("T116 a shared user stays; the client's names, device and address go", async () => {
    const name = fresh("u");
    const id = await personOf(tenant, name);
    const address = `${fresh("shared")}@example.com`;
    await prove({ id, username: name }, other.id, address);
    const theirs = await newDevice(id, { clientId: other.id });
    await newDevice(id, { clientId: tenant.id, door: "authsignal" });
    await server(at, tenant, "POST", `/users/${name}/authenticators`, {
      verificationMethod: "EMAIL_OTP",
      email: `${fresh("mine")}@example.com`,
    });
    expect(await at.services.authenticators.ofUser(id)).toMatchObject([{ clientId: tenant.id }]);
    expect(await drop(tenant, name)).toMatchObject({ status: 200, body: {} });
    const left = await of(id);
    expect(left.user.externalId).toBeUndefined();
    expect(left.identifiers).toMatchObject([{ value: address }]);
    expect(await at.services.devices.ofUser(id)).toMatchObject([{ id: theirs.id }]);
    const rows = await at.services.authenticators.ofUser(id);
    expect(rows.filter(({ verifiedAt }) => verifiedAt !== undefined)).toEqual([]);
    expect(await drop(tenant, name)).toMatchObject({ status: 200, body: {} });
  });

  test("T116 the operator's user, and one that only an id names, stay as they are", async () => {
    const ada = await newAda(at);
    const name = fresh("ext");
    await at.services.users.update(mainUser(ada.id), { externalId: name }, Date.now());
    const before = await of(ada.id);
    expect(await drop(tenant, name)).toMatchObject({ status: 200, body: {} });
    const bySubject = await newTenant(at, { user_ids: "subject" });
    expect(await drop(bySubject, ada.id)).toMatchObject({ status: 200, body: {} });
    expect(await of(ada.id)).toEqual(before);
  });

  test("T116 a shared user who is locked is left as they are", async () => {
    const name = fresh("u");
    const id = await personOf(tenant, name);
    await newDevice(id, { clientId: other.id });
    await at.services.users.update(mainUser(id), { status: "locked" }, Date.now());
    const before = await of(id);
    expect((await drop(tenant, name)).status).toBeGreaterThanOrEqual(400);
    expect(await of(id)).toEqual(before);
  });
});

describe("T208 somebody else comes to have something of the user between the look and the write", () => {
  /** A call of a backend's on a stage, with something done to its end when this point is reached. */
  async function meanwhile(point: string, act: () => Promise<unknown>, [method, path, scope]: Call) {
    const staged = stage();
    staged.at(point, async () => void (await act()));
    const headers = { Authorization: `Bearer ${await tokenOf(mine, scope)}` };
    const answer = await staged.call(method, path, undefined, headers);
    expect(staged.acted(), staged.points.map(({ name }) => name).join(", ")).toBe(true);
    return answer;
  }
  type Call = readonly [method: string, path: string, scope: string];
  const removal = ({ id }: Ada): Call => ["DELETE", `/manage/users/${id}`, "users.delete"];
  const locking = ({ id }: Ada): Call => ["PUT", `/manage/users/${id}/deactivate`, "users.deactivate"];
  const unlocking = ({ id }: Ada): Call => ["PUT", `/manage/users/${id}/activate`, "users.activate"];

  test.each(Object.entries(SHARES))("T208 a deletion leaves who has %s by then", async (_, share) => {
    const ada = await ownAda(mine);
    await newDevice(ada.id, { clientId: mine.id });
    const answer = await meanwhile("1: users.update 1 before", () => share(ada), removal(ada));
    expect(answer.status).toBe(204);
    const { user, identifiers } = await of(ada.id);
    expect([user.status, identifiers.filter(({ client }) => client === mine.id)]).toEqual(["active", []]);
    const devices = await at.services.devices.ofUser(ada.id);
    expect(devices.filter(({ clientId }) => clientId === mine.id)).toEqual([]);
  });

  test.each(Object.entries(SHARES))("T208 a lock leaves who has %s by then", async (_, share) => {
    const ada = await ownAda(mine);
    const answer = await meanwhile("1: users.update 1 before", () => share(ada), locking(ada));
    expect(answer).toMatchObject(FORBIDDEN);
    expect(await statusOf(ada)).toBe("active");
  });

  test("T208 an unlock leaves who has been named by the operator by then", async () => {
    const ada = await ownAda(mine);
    await lock(mine, ada.id);
    const share = SHARES["the operator's external id"]!;
    expect(await meanwhile("1: users.update 1 before", () => share(ada), unlocking(ada))).toMatchObject(
      FORBIDDEN,
    );
    expect(await statusOf(ada)).toBe("locked");
  });

  test.each(["external_id", "username"])(
    "T208 behind the lock that begins the deletion, with the operator's %s: they stay, and the lock goes",
    async (member) => {
      const ada = await ownAda(mine);
      await newDevice(ada.id, { clientId: mine.id });
      const act = async () => {
        const said = await admin("PATCH", `/admin/users/${ada.id}`, { [member]: fresh("op") });
        expect([said.status, said.body.status]).toEqual([200, "locked"]);
      };
      const answer = await meanwhile("1: users.remove 1 before", act, removal(ada));
      expect([answer.status, await statusOf(ada)]).toEqual([204, "active"]);
      expect(await at.services.devices.ofUser(ada.id)).toEqual([]);
    },
  );

  test("T208 the Authsignal door leaves them as well", async () => {
    const [shop, bank] = [await newTenant(at), await newTenant(at, { user_ids: "subject" })];
    const name = fresh("ada");
    await server(at, shop, "POST", `/users/${name}/actions/sign-in`);
    const view = { realm: "main", client: shop.id, from: [] } as never;
    const { user } = (await at.services.users.byExternalId(view, name))!;
    const staged = stage();
    staged.at("1: users.update 1 before", async () => void (await newDevice(user.id, { clientId: bank.id })));
    expect((await server(staged, shop, "DELETE", `/users/${name}`)).status).toBe(200);
    expect([staged.acted(), (await of(user.id)).user.status]).toEqual([true, "active"]);
    expect(await at.services.devices.ofUser(user.id)).toHaveLength(1);
  });
});
