import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { tellDeviceRemoved } from "../../../../src/core/device/notify.ts";
import { type ClientId, MAIN, type UserId } from "../../../../src/core/ids.ts";
import { DEVICE_LETTERS } from "../../../../src/core/inbox/limits.ts";
import type { Message } from "../../../../src/core/ports/deliveries.ts";
import type { Services } from "../../../../src/core/ports/services.ts";
import { ok } from "../../../../src/core/result.ts";
import { admin } from "../../support/admin.ts";
import {
  bearer,
  enrol,
  newKey,
  newTenant,
  type Phone,
  phoneCall,
  server,
  track,
} from "../../support/authsignal.ts";
import { enrolled, scene, tokenOf as tokenFor, WAYS } from "../../support/authsignal-codes.ts";
import {
  type Answer,
  claimsOf,
  type Deployment,
  deployment,
  fresh,
  newClient,
  newPerson,
} from "../../support/cotter.ts";
import { authsignalPhone, cotterPhone } from "../../support/devices.ts";
import { type Backend, codes, generated, newBackend, tokenOf } from "../../support/loginid.ts";
import { passkeysAt } from "../../support/passkeys.ts";
import { mainUser } from "../../support/people.ts";

const at = deployment();

/** A Cotter app's unsigned removal of a key. */
const removeByKey = (client: string, user: string, code: string, here: Deployment = at): Promise<Answer> =>
  here.call(
    "PUT",
    `/api/v0/user/${user}`,
    { method: "TRUSTED_DEVICE", enrolled: false, code },
    { API_KEY_ID: client },
  );

const ofUser = async (userId: string) =>
  (await at.services.devices.ofUser(userId as never)).map(({ id }) => id);

async function bank() {
  const tenant = await newTenant(at);
  const user = fresh("vic");
  const phone = await enrol(at, tenant, user);
  const userId = String(claimsOf((await track(at, tenant, user, "first")).body.token).uid);
  return { tenant, user, userId, phone };
}

/** The phone's own removal, signed over the present window. */
async function removeSigned(phone: Pick<Phone, "key" | "namespace" | "tenant">): Promise<Answer> {
  const signature = await phone.key.sign(`${Math.floor(Date.now() / 600_000)}.0`);
  return phoneCall(at, phone, "POST", "/remove", { publicKey: phone.key.text, signature });
}

const credentials = async (backend: Backend, what: "revoke" | "rename", userId: string, uuid: string) =>
  at.call(
    "POST",
    `/credentials/${what}`,
    { client_id: backend.id, user_id: userId, credential: { uuid, name: "Mallory" } },
    { Authorization: `Bearer ${await tokenOf(backend, `credentials.${what}`)}` },
  );

describe("S4 a door removes only what it enrolled for the client that asks", () => {
  test("S4 the bank's second factor is not switched off at a blog, nor at the bank's own Cotter door", async () => {
    const { tenant, user, userId, phone } = await bank();
    const unknown = await removeByKey(await newClient(at), userId, (await newKey()).text);
    for (const client of [await newClient(at), tenant.id]) {
      const answer = await removeByKey(client, userId, phone.key.text);
      expect([answer.status, answer.body]).toEqual([404, unknown.body]);
    }
    expect((await track(at, tenant, user, "signIn")).body).toMatchObject({
      state: "CHALLENGE_REQUIRED",
      isEnrolled: true,
    });
    expect(await ofUser(userId)).toEqual([phone.id]);
  });

  test("S4 Cotter: another client's device stays, its own goes", async () => {
    const client = await newClient(at);
    const person = await newPerson(at, client);
    const other = await newClient(at, { approve_through: "realm" });
    expect((await removeByKey(other, person.id, person.phone.publicKey)).status).toBe(404);
    expect(await ofUser(person.id)).toHaveLength(1);
    const gone = await removeByKey(client, person.id, person.phone.publicKey);
    expect([gone.status, gone.body.enrolled]).toEqual([200, []]);
  });

  test("S4 Authsignal, signed: a Cotter key and another tenant's phone stay, its own goes", async () => {
    const { tenant, userId, phone } = await bank();
    const other = await newTenant(at, { approve_through: "realm" });
    const key = await newKey();
    const read = await at.services.proofs.readKey(key.text, "EC");
    if (!read.ok) throw new Error("no key");
    const cotter = await cotterPhone(at, { userId, through: tenant });
    const asCotter = { key, namespace: "push", tenant };
    const device = (await at.services.devices.byId(cotter.id)) as never as object;
    const moved = { ...device, id: crypto.randomUUID(), key: read.value } as never;
    await at.services.devices.insert(moved, { id: fresh("e"), at: 1, type: "x", actor: "x" });
    const before = await ofUser(userId);
    for (const by of [asCotter, { ...phone, tenant: other }]) {
      const answer = await removeSigned(by);
      expect([answer.status, answer.body.errorCode]).toEqual([400, "invalid_credential"]);
    }
    expect(await ofUser(userId)).toEqual(before);
    expect((await removeSigned(phone)).body).toEqual({ removedAuthenticatorId: phone.id });
  });

  test("S4 Authsignal, by the backend: other doors' and tenants' devices stay, its own goes", async () => {
    const { tenant, user, userId, phone } = await bank();
    const other = await newTenant(at);
    const cotter = await cotterPhone(at, { userId, through: tenant });
    const theirs = await authsignalPhone(at, { userId, through: other });
    const remove = (by: typeof tenant, name: string, id: string) =>
      server(at, by, "DELETE", `/users/${name}/authenticators/${id}`);
    for (const id of [cotter.id, theirs.id, crypto.randomUUID()])
      expect(await remove(tenant, user, id)).toMatchObject({ status: 200, body: {} });
    expect((await remove(other, userId, phone.id)).status).toBe(200);
    expect((await ofUser(userId)).sort()).toEqual([cotter.id, theirs.id, phone.id].sort());
    await remove(tenant, user, phone.id);
    expect(await ofUser(userId)).not.toContain(phone.id);
  });

  test.each(WAYS)(
    "S4 Authsignal: an address ($path) is removed by the client that enrolled it",
    async (way) => {
      const here = scene();
      const { tenant, user, id } = await enrolled(here, way);
      const userId = String(claimsOf(await tokenFor(here.at, tenant, user, "x")).uid);
      const other = await newTenant(here.at);
      const remove = () => server(here.at, tenant, "DELETE", `/users/${user}/authenticators/${id}`);
      const enrolledBy = (client: string) =>
        env.DB.prepare("update authenticators set client_id = ? where id = ?").bind(client, id).run();
      await enrolledBy(other.id);
      expect((await remove()).status).toBe(200);
      expect(await at.services.authenticators.find(userId as never, id)).toBeDefined();
      await enrolledBy(tenant.id);
      const told = here.queued.length;
      expect((await remove()).status).toBe(200);
      expect(await at.services.authenticators.find(userId as never, id)).toBeUndefined();
      expect(here.queued.length).toBeGreaterThan(told);
    },
  );

  test("S4 LoginID: devices of other doors and clients are neither renamed nor revoked; its own are", async () => {
    const { backend, web, ada, added } = await passkeysAt(at).withPasskey();
    const uuid = String((added.body.credential as { uuid: string }).uuid);
    const cotter = await cotterPhone(at, { userId: ada.id, through: backend });
    const stranger = await newBackend(at);
    for (const what of ["rename", "revoke"] as const) {
      const foreign = await credentials(backend, what, ada.id, cotter.id);
      expect([foreign.status, foreign.body.code]).toEqual([403, "operation_not_allowed"]);
      expect((await credentials(stranger, what, ada.id, uuid)).status).toBe(403);
      expect((await credentials(backend, what, ada.id, crypto.randomUUID())).status).toBe(404);
    }
    const devices = await at.services.devices.ofUser(ada.id);
    expect(devices.map(({ name }) => name).sort()).toEqual(["Ada's phone", "Phone"]);
    expect(devices.find(({ door }) => door === "loginid")).toMatchObject({
      clientId: web.id,
      letInBy: backend.id,
    });
    // By the backend whose code let the page's passkey in.
    expect((await credentials(backend, "rename", ada.id, uuid)).status).toBe(200);
    expect((await credentials(backend, "revoke", ada.id, uuid)).status).toBe(200);
    expect(await ofUser(ada.id)).toEqual([cotter.id]);
  });

  test("S4 LoginID: a client ends its own codes, and no other client's", async () => {
    const { backend, web, ada } = await passkeysAt(at).scene();
    const other = await newBackend(at);
    const code = await generated(at, backend, ada);
    expect((await codes(at, other, "invalidate-all", ada)).status).toBe(200);
    expect((await codes(at, backend, "authorize", ada, { body: { code } })).status).toBe(200);
    expect(web.id).not.toBe(other.id);
  });

  test("S4 the operator removes a device of any door, and any address", async () => {
    const { userId, phone } = await bank();
    const here = scene();
    const { tenant, user, id } = await enrolled(here, WAYS[0]);
    const owner = String(claimsOf(await tokenFor(here.at, tenant, user, "x")).uid);
    const path = `/users/${owner}/authenticators`;
    expect((await admin("GET", path)).body.authenticators).toMatchObject([
      { authenticator_id: id, user_id: owner, kind: "email", client_id: tenant.id },
    ]);
    expect((await admin("DELETE", `${path}/${id}`)).status).toBe(204);
    expect((await admin("DELETE", `${path}/${id}`)).status).toBe(404);
    expect((await admin("GET", path)).body.authenticators).toEqual([]);
    expect((await admin("GET", `/users/${crypto.randomUUID()}/authenticators`)).status).toBe(404);
    expect((await admin("DELETE", `/users/${userId}/devices/${phone.id}`)).status).toBe(204);
    expect((await admin("DELETE", `/users/${userId}/devices/${phone.id}`)).status).toBe(204);
  });
});

describe("T184 an unsigned removal", () => {
  const proven = async (userId: string, addresses: readonly string[]) => {
    const identifiers = addresses.map((value) => ({
      kind: "email" as const,
      value,
      normal: value,
      assertedBy: "proof" as const,
      verifiedAt: 1,
    }));
    const change = { identifiers: { of: "operator" as const, given: identifiers } };
    await at.services.users.update(mainUser(userId), change, Date.now());
  };
  const telling = (send: (message: Message) => ReturnType<Services["deliveries"]["send"]>) =>
    deployment({}, ({ deliveries }) => ({ deliveries: { ...deliveries, send } }));

  test("T184 is told to every proven address of its user, and to no other", async () => {
    const told: Message[] = [];
    const here = telling(async (message) => {
      told.push(message);
      return ok("sent" as const);
    });
    const client = await newClient(here);
    const [silent, person] = [await newPerson(here, client), await newPerson(here, client)];
    const addresses = [`${fresh("a")}@example.com`, `${fresh("b")}@example.com`];
    await proven(person.id, addresses);
    for (const { id, phone } of [silent, person])
      expect((await removeByKey(client, id, phone.publicKey, here)).status).toBe(200);
    await here.settled();
    expect(told.map(({ to }) => to).sort()).toEqual(addresses.sort());
    expect(told[0]).toMatchObject({ template: "device_removed", deviceName: "Pixel", userId: person.id });
  });

  test("T203 is told so often a day, by each client, and on record from then on", async () => {
    const told: Message[] = [];
    const noted: string[] = [];
    const here = deployment({}, ({ deliveries }) => ({
      deliveries: {
        ...deliveries,
        send: async (message) => {
          told.push(message);
          return ok("sent" as const);
        },
      },
      events: {
        send: async (message) => {
          if (message.kind === "audit") noted.push(...message.events.map(({ type }) => type));
        },
      },
    }));
    const [client, other] = [await newClient(here), await newClient(here)];
    const person = await newPerson(here, client);
    await proven(person.id, [`${fresh("a")}@example.com`, `${fresh("b")}@example.com`]);
    const id = person.id as UserId;
    const [device] = await here.services.devices.ofUser(id);
    const user = await here.services.users.byId(id, MAIN);
    if (!device || !user) throw new Error("nobody is here");
    const news = async (asking: string) => {
      const by = await here.services.clients.find(asking as ClientId);
      if (!by) throw new Error(asking);
      return { client: by, user, device, origin: {} };
    };
    for (let time = 0; time < DEVICE_LETTERS.limit; time++) {
      tellDeviceRemoved(here.services, await news(client));
      await here.settled();
    }
    expect(told).toHaveLength(2 * DEVICE_LETTERS.limit);
    expect((await removeByKey(client, person.id, person.phone.publicKey, here)).status).toBe(200);
    await here.settled();
    expect(told).toHaveLength(2 * DEVICE_LETTERS.limit);
    expect(noted).toContain("device_letter_not_sent");
    tellDeviceRemoved(here.services, await news(other));
    await here.settled();
    expect(told).toHaveLength(2 * DEVICE_LETTERS.limit + 2);
  });

  test("T203 is told when it cannot be counted", async () => {
    const told: Message[] = [];
    const here = deployment({}, ({ deliveries, inboxes }) => ({
      inboxes: { ...inboxes, countTogether: () => Promise.reject(new Error("the object is away")) },
      deliveries: {
        ...deliveries,
        send: async (message) => {
          told.push(message);
          return ok("sent" as const);
        },
      },
    }));
    const client = await newClient(here);
    const person = await newPerson(here, client);
    await proven(person.id, [`${fresh("a")}@example.com`]);
    expect((await removeByKey(client, person.id, person.phone.publicKey, here)).status).toBe(200);
    await here.settled();
    expect(told).toHaveLength(1);
  });

  test("T184 stands when nobody can be told", async () => {
    const here = telling(() => Promise.reject(new Error("the queue is away")));
    const client = await newClient(here);
    const person = await newPerson(here, client);
    await proven(person.id, [`${fresh("a")}@example.com`]);
    expect((await removeByKey(client, person.id, person.phone.publicKey, here)).status).toBe(200);
    await here.settled();
    expect(await ofUser(person.id)).toEqual([]);
  });

  test("T184 is refused where the client says so, whatever the key", async () => {
    const client = await newClient(at, { unsigned_removal: false });
    const person = await newPerson(at, client);
    for (const key of [person.phone.publicKey, (await newKey()).text])
      expect((await removeByKey(client, person.id, key)).status).toBe(403);
    expect(await ofUser(person.id)).toHaveLength(1);
  });
});

describe("T185 whoever lost what they had", () => {
  const LOST = { state: "CHALLENGE_REQUIRED", isEnrolled: false, enrolledVerificationMethods: [] };
  const addKey = async (token: unknown) =>
    at.call(
      "POST",
      "/v1/client/user-authenticators/push",
      { publicKey: (await newKey()).text },
      bearer(token),
    );

  /** What a user had, and how it is taken away. */
  const WAYS_OUT: readonly (readonly [
    string,
    (had: Awaited<ReturnType<typeof bank>>) => Promise<unknown>,
  ])[] = [
    ["by the phone itself", ({ phone }) => removeSigned(phone)],
    [
      "by the backend",
      ({ tenant, user, phone }) => server(at, tenant, "DELETE", `/users/${user}/authenticators/${phone.id}`),
    ],
    ["by the operator", ({ userId, phone }) => admin("DELETE", `/users/${userId}/devices/${phone.id}`)],
    [
      "by a key that leaves for another user",
      async ({ tenant, phone }) => {
        const { body } = await track(at, tenant, fresh("u"), "add", { scope: "add:authenticators" });
        const given = { publicKey: phone.key.text };
        return at.call("POST", "/v1/client/user-authenticators/push", given, bearer(body.token));
      },
    ],
  ];

  test.each(WAYS_OUT)(
    "T185 a phone, %s: asked for a challenge, and begins anew by scope alone",
    async (_how, lose) => {
      const had = await bank();
      const { tenant, user } = had;
      await lose(had);
      const tracked = (await track(at, tenant, user, "signIn")).body;
      expect(tracked).toMatchObject(LOST);
      expect((await addKey(tracked.token)).status).toBe(401);
      const page = (path: string, body: object) =>
        at.call("POST", `/v1/client${path}`, body, bearer(tracked.token));
      const email = `${fresh("m")}@example.com`;
      expect((await page("/user-authenticators/email-otp", { email })).status).toBe(401);
      const code = { verificationMethod: "EMAIL_OTP", action: "signIn", userId: user, email };
      expect((await server(at, tenant, "POST", "/challenge", code)).status).toBe(400);
      const scoped = (await track(at, tenant, user, "add", { scope: "add:authenticators" })).body;
      expect((await addKey(scoped.token)).status).toBe(200);
      expect((await track(at, tenant, user, "signIn")).body).toMatchObject({ isEnrolled: true });
    },
  );

  test("T185 the client's own rule for an action stands", async () => {
    const tenant = await newTenant(at, { actions: { look: "allow", close: "block", think: "review" } });
    const user = fresh("vic");
    await removeSigned(await enrol(at, tenant, user));
    const states = [];
    for (const action of ["look", "close", "think", "other"])
      states.push((await track(at, tenant, user, action)).body.state);
    expect(states).toEqual(["ALLOW", "BLOCK", "REVIEW_REQUIRED", "CHALLENGE_REQUIRED"]);
  });

  test.each(WAYS)("T185 an address ($path) that was removed", async (way) => {
    const here = scene();
    const { tenant, user, id, to } = await enrolled(here, way);
    await server(here.at, tenant, "DELETE", `/users/${user}/authenticators/${id}`);
    const tracked = (await track(here.at, tenant, user, "signIn")).body;
    expect(tracked).toMatchObject(LOST);
    expect((await addKey(tracked.token)).status).toBe(401);
    const enrolling = { [way.member]: to };
    const path = `/user-authenticators/${way.path}`;
    expect((await here.page(tracked.token, path, enrolling)).status).toBe(401);
    const verified = { verificationMethod: way.word, [way.member]: to };
    const given = await server(here.at, tenant, "POST", `/users/${user}/authenticators`, verified);
    expect(given.body).toMatchObject({ authenticator: { userAuthenticatorId: id } });
    expect((await track(here.at, tenant, user, "signIn")).body).toMatchObject({ isEnrolled: true });
  });

  test("T185 an address whose code comes back after the only other one was taken away enrols nothing", async () => {
    const here = scene();
    const tenant = await newTenant(here.at);
    const user = fresh("vic");
    const token = await tokenFor(here.at, tenant, user, "signIn");
    const email = `${fresh("m")}@example.com`;
    expect((await here.page(token, "/user-authenticators/email-otp", { email })).status).toBe(200);
    const code = here.code();
    await removeSigned(await enrol(at, tenant, user));
    const done = await here.page(token, "/verify/email-otp", { verificationCode: code });
    expect([done.status, done.body.errorCode]).toEqual([401, "unauthorized"]);
    expect((await track(here.at, tenant, user, "other")).body).toMatchObject(LOST);
  });

  test("T185 a passkey that was removed is no phone, but nobody begins anew for it", async () => {
    const { backend, ada, added } = await passkeysAt(at).withPasskey();
    const uuid = String((added.body.credential as { uuid: string }).uuid);
    await credentials(backend, "revoke", ada.id, uuid);
    const [device] = await at.services.devices.ofUser(ada.id, { withRevoked: true });
    const event = { id: fresh("e"), at: 1, type: "x", actor: "x" };
    const key = await newKey();
    const read = await at.services.proofs.readKey(key.text, "EC");
    if (!read.ok || !device) throw new Error("no device");
    const { credentialId: _, revokedAt: _revoked, ...plain } = device;
    const first = { ...plain, id: crypto.randomUUID() as typeof plain.id, key: read.value };
    expect(await at.services.devices.insertFirst(first, event)).toMatchObject({
      error: { code: "enrolment_closed" },
    });
  });

  test("T185 who never had anything begins as ever", async () => {
    const tenant = await newTenant(at);
    const { body } = await track(at, tenant, fresh("new"), "signIn");
    expect(body.state).toBe("ALLOW");
    expect((await addKey(body.token)).status).toBe(200);
  });
});
