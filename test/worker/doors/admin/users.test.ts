import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { auditEvent } from "../../../../src/core/audit/record.ts";
import { Outage } from "../../../../src/core/fault.ts";
import { MAIN, newUserId, userSubject } from "../../../../src/core/ids.ts";
import { consumeEvents } from "../../../../src/core/message/consume.ts";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import type { Services } from "../../../../src/core/ports/services.ts";
import {
  type Answer,
  admin,
  auditOf,
  IP,
  newDevice,
  newUser,
  powers,
  refreshes,
  signIn,
  unlike,
} from "../../support/admin.ts";

const isoText = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe("users", () => {
  test("a user is made by name, found by it however it is written, and read by id", async () => {
    const word = unlike("ada");
    const made = await admin("POST", "/users", {
      username: word,
      email: `${word}@Example.COM`,
      phone: `+43 660 ${Date.now() % 10_000_000}`,
      external_id: `crm:${word}`,
    });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      user_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      realm: "main",
      external_id: `crm:${word}`,
      external_id_asserted_by: "admin",
      external_id_client: null,
      status: "active",
      identifiers: expect.any(Array),
      created_at: isoText,
      updated_at: made.body.created_at,
    });
    const identifiers = [...made.body.identifiers].sort((a, b) => a.kind.localeCompare(b.kind));
    expect(identifiers.map(({ kind }) => kind)).toEqual(["email", "phone", "username"]);
    expect(identifiers[0]).toEqual({
      kind: "email",
      value: `${word}@Example.COM`,
      verified: false,
      verified_at: null,
      asserted_by: "admin",
      client_id: null,
      vouched_at: null,
      created_at: isoText,
    });
    const read = await admin("GET", `/users/${made.body.user_id.toUpperCase()}`);
    expect([read.status, read.body.user_id]).toEqual([200, made.body.user_id]);
    for (const name of [
      `${word.toUpperCase()}@example.com`,
      word,
      identifiers[1].value.replaceAll(" ", ""),
    ]) {
      const found = await admin("GET", `/users?identifier=${encodeURIComponent(name)}`);
      expect(found.body.users.map((user: { user_id: string }) => user.user_id)).toEqual([made.body.user_id]);
      expect(found.body.next).toBeNull();
    }
    const byOwnName = await admin("GET", `/users?external_id=${encodeURIComponent(`crm:${word}`)}`);
    expect(byOwnName.body.users).toHaveLength(1);
    expect((await admin("GET", `/users?identifier=${unlike("nobody")}`)).body).toEqual({
      users: [],
      next: null,
    });
    const [row] = await auditOf(`user_id=${made.body.user_id}`);
    expect(row).toMatchObject({ type: "user.created", actor: "admin", ip: IP });
    expect(row.data ?? null).toBeNull();
  });

  test("which addresses count as proven on the operator's word is on record", async () => {
    const word = unlike("ivy");
    const names = { username: word, email: `${word}@example.com`, verified: true };
    const { user_id: id } = (await admin("POST", "/users", names)).body;
    const [row] = await auditOf(`user_id=${id}`);
    expect(row).toMatchObject({ type: "user.created", actor: "admin", data: { verified: ["email"] } });
  });

  test("a name that is taken is 409, also for twenty at once, and leaves nothing half-made", async () => {
    const word = unlike("bob");
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        admin("POST", "/users", { username: unlike("u"), email: `${word}@x.example` }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
    const { results } = await env.DB.prepare(
      "SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM identifiers)",
    ).all();
    expect(results).toEqual([]);
    const [taken] = await Promise.all([
      admin("POST", "/users", { username: unlike("u"), external_id: word }),
    ]);
    expect(taken.status).toBe(201);
    const again = await admin("POST", "/users", { username: unlike("u"), external_id: word });
    expect([again.status, again.body.detail]).toEqual([409, "This external_id is another user's."]);
  });

  test.each([
    ["nothing", {}],
    ["an external id alone", { external_id: "x" }],
    ["an external id with a blank behind", { username: "ada", external_id: "ada " }],
    ["an external id with an unseen character", { username: "ada", external_id: "ad\u200ba" }],
    ["an external id that is not composed", { username: "ada", external_id: "Jo\u0308rg" }],
    ["an external id of 255 characters", { username: "ada", external_id: "x".repeat(255) }],
    ["a username that is an address", { username: "a@b.example" }],
    ["a username that is a number", { username: "+43 660 1234567" }],
    ["an email that is none", { email: "ada" }],
    ["a phone without country code", { phone: "0660 1234567" }],
    ["an empty name", { username: " " }],
    ["a control character", { username: "a\u0007b" }],
    ["a list", { username: ["a"] }],
    ["an unknown member", { username: "fine", admin: true }],
    ["a status", { username: "fine", status: "locked" }],
    ["an overlong name", { username: "x".repeat(255) }],
  ])("%s is 400", async (_, body) => {
    const refused = await admin("POST", "/users", body);
    expect(refused.status).toBe(400);
    expect(refused.body.errors).toHaveLength(1);
  });

  test("PATCH changes status, external id and identifiers; null takes away", async () => {
    const word = unlike("eve");
    const { user_id } = (await admin("POST", "/users", { username: word, external_id: word })).body;
    const path = `/users/${user_id}`;
    const added = await admin("PATCH", path, { email: `${word}@x.example`, external_id: null });
    expect(added.status).toBe(200);
    expect(added.body.external_id).toBeNull();
    expect(added.body.identifiers.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
      "email",
      "username",
    ]);
    const swapped = await admin("PATCH", path, { email: `${word}@y.example`, username: null });
    expect(swapped.body.identifiers).toEqual([
      expect.objectContaining({ kind: "email", value: `${word}@y.example`, asserted_by: "admin" }),
    ]);
    expect((await admin("GET", path)).body).toEqual(swapped.body);
    expect((await admin("GET", `/users?identifier=${word}@x.example`)).body.users).toEqual([]);
    const bare = await admin("PATCH", path, { email: null });
    expect(bare.status).toBe(422);
    expect((await admin("GET", path)).body).toEqual(swapped.body);
    const rows = await auditOf(`user_id=${user_id}&type=user.updated`);
    expect(rows.map(({ actor, data }) => [actor, data.changed.sort()])).toEqual(
      expect.arrayContaining([
        ["admin", ["email", "external_id"]],
        ["admin", ["email", "username"]],
      ]),
    );
    expect(rows).toHaveLength(2);
  });

  test("PATCH leaves another user's name where it is: 409 and nothing changed", async () => {
    const [mine, theirs] = [unlike("mine"), unlike("theirs")];
    const { user_id } = (await admin("POST", "/users", { username: mine })).body;
    await admin("POST", "/users", { username: theirs, external_id: theirs });
    const before = (await admin("GET", `/users/${user_id}`)).body;
    expect((await admin("PATCH", `/users/${user_id}`, { username: theirs, external_id: "new" })).status).toBe(
      409,
    );
    expect((await admin("PATCH", `/users/${user_id}`, { external_id: theirs })).status).toBe(409);
    expect((await admin("GET", `/users/${user_id}`)).body).toEqual(before);
  });

  test("a proven identifier that is only spelt anew stays proven", async () => {
    const word = unlike("proof");
    const { user_id } = (await admin("POST", "/users", { email: `${word}@x.example` })).body;
    await env.DB.prepare("UPDATE identifiers SET verified_at = 1000 WHERE user_id = ?").bind(user_id).run();
    const same = await admin("PATCH", `/users/${user_id}`, { email: `${word.toUpperCase()}@X.example` });
    expect(same.body.identifiers[0]).toMatchObject({
      verified: true,
      value: `${word.toUpperCase()}@X.example`,
    });
    const other = await admin("PATCH", `/users/${user_id}`, { email: `${word}@other.example` });
    expect(other.body.identifiers[0].verified).toBe(false);
  });

  test.each([
    { status: "asleep" },
    { status: null },
    { user_id: "x" },
    { email: 3 },
    { external_id: "" },
    { external_id: " x" },
  ])("PATCH refuses %o with 400", async (body) => {
    expect((await admin("PATCH", `/users/${await newUser()}`, body)).status).toBe(400);
  });

  test("locking ends the grants and says so; unlocking lets the user in again", async () => {
    const user = await newUser();
    const grant = await signIn(user);
    expect(await refreshes(grant.id)).toBe(true);
    expect((await admin("PATCH", `/users/${user}`, { status: "locked" })).body.status).toBe("locked");
    expect(await refreshes(grant.id)).toBe(false);
    expect((await admin("PATCH", `/users/${user}`, { status: "active" })).body.status).toBe("active");
    const types = (await auditOf(`user_id=${user}`)).map(({ type }) => type);
    expect(types.filter((type) => /^user\.(locked|active)$/.test(type)).sort()).toEqual([
      "user.active",
      "user.locked",
    ]);
    const [revoked] = await auditOf(`user_id=${user}&type=grant.revoked`);
    expect(revoked).toMatchObject({
      actor: "admin",
      ip: IP,
      reason: "user_locked",
      data: { grant_id: grant.id },
    });
  });

  test("the list goes page by page over every user", async () => {
    const made = await Promise.all(Array.from({ length: 52 }, newUser));
    const seen: string[] = [];
    let after: string | null = "";
    do {
      const page: Answer["body"] = (await admin("GET", `/users${after ? `?after=${after}` : ""}`)).body;
      expect(page.users.length).toBeLessThanOrEqual(50);
      seen.push(...page.users.map((user: { user_id: string }) => user.user_id));
      after = page.next;
    } while (after !== null);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(made));
  });

  test.each(["after=x", "identifier=", "identifier=a&after=b", "size=3", "identifier=a&identifier=b"])(
    "the query %s is 400",
    async (query) => {
      expect((await admin("GET", `/users?${query}`)).status).toBe(400);
    },
  );
});

describe("deleting a user", () => {
  test("ends the grants, forgets the inbox, deletes rows and names; the audit trail stays", async () => {
    const word = unlike("gone");
    const { user_id: user } = (await admin("POST", "/users", { username: word })).body;
    const device = await newDevice(user);
    const grant = await signIn(user, device.id);
    await powers.inboxes.openEnrolment(userSubject(user), { key: "k" });
    expect((await admin("DELETE", `/users/${user}`)).status).toBe(204);
    expect(await refreshes(grant.id)).toBe(false);
    expect(
      (await powers.inboxes.takeEnrolment(userSubject(user), { kind: "proof", key: "k" }, "key")).taken,
    ).toBe(false);
    expect(await powers.devices.byId(device.id)).toBeUndefined();
    expect(await powers.records.grantsOfUser(user)).toEqual([]);
    for (const path of [`/users/${user}`, `/users/${user}/devices`, `/users/${user}/grants`]) {
      expect((await admin("GET", path)).status).toBe(404);
    }
    expect((await admin("DELETE", `/users/${user}`)).status).toBe(404);
    const types = (await auditOf(`user_id=${user}`)).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(["user.created", "grant.revoked", "user.deleted"]));
    expect((await admin("POST", "/users", { username: word })).status).toBe(201);
  });

  test.each<[string, Partial<Services>]>([
    [
      "the grants",
      { challenges: { ...powers.challenges, revoke: () => Promise.reject(new Outage("no object")) } },
    ],
    ["the inbox", { inboxes: { ...powers.inboxes, wipe: () => Promise.reject(new Outage("no object")) } }],
    ["the rows", { users: { ...powers.users, remove: () => Promise.reject(new Outage("no database")) } }],
  ])(
    "cut short by an outage at %s it answers 503, the user cannot sign in, and asking again finishes it",
    async (_, services) => {
      const user = await newUser();
      const grant = await signIn(user);
      const cut = await admin("DELETE", `/users/${user}`, undefined, { services });
      expect(cut.status).toBe(503);
      expect(cut.headers.get("Retry-After")).toMatch(/^\d+$/);
      expect((await admin("GET", `/users/${user}`)).body.status).toBe("locked");
      expect((await admin("DELETE", `/users/${user}`)).status).toBe(204);
      expect(await refreshes(grant.id)).toBe(false);
      expect((await admin("GET", `/users/${user}`)).status).toBe(404);
      expect(await auditOf(`user_id=${user}&type=user.deleted`)).toHaveLength(1);
    },
  );

  test("an outage behind the last row does not take the deletion back: nobody could ask again", async () => {
    const user = await newUser();
    const ofUser = () => Promise.reject(new Outage("no database"));
    const services = { userCodes: { ...powers.userCodes, ofUser } };
    expect((await admin("DELETE", `/users/${user}`, undefined, { services })).status).toBe(204);
    expect((await admin("GET", `/users/${user}`)).status).toBe(404);
  });
});

describe("devices", () => {
  test("are listed without their keys, and removed with what they opened", async () => {
    const user = await newUser();
    const [first, second] = [await newDevice(user), await newDevice(user)];
    const [ofFirst, ofSecond] = [await signIn(user, first.id), await signIn(user, second.id)];
    const listed = await admin("GET", `/users/${user}/devices`);
    expect(listed.status).toBe(200);
    expect(listed.body.devices).toHaveLength(2);
    expect(listed.body.devices).toContainEqual({
      device_id: first.id,
      user_id: user,
      name: "Phone",
      kind: "phone",
      door: "cotter",
      client_id: "shop",
      algorithm: "Ed25519",
      fingerprint: first.key.fingerprint.slice(0, 12),
      backup_eligible: null,
      backed_up: null,
      enrolled_at: isoText,
      revoked_at: null,
    });
    expect(listed.text).not.toContain(first.key.bytes);
    expect(listed.text).not.toContain(first.key.fingerprint);

    const path = `/users/${user}/devices/${first.id}`;
    expect((await admin("DELETE", path)).status).toBe(204);
    const left = (await admin("GET", `/users/${user}/devices`)).body.devices;
    expect(left.map((device: { device_id: string }) => device.device_id)).toEqual([second.id]);
    const all = (await admin("GET", `/users/${user}/devices?revoked=true`)).body.devices;
    expect(all.find((device: { device_id: string }) => device.device_id === first.id).revoked_at).toEqual(
      isoText,
    );
    expect(await refreshes(ofFirst.id)).toBe(false);
    expect(await refreshes(ofSecond.id)).toBe(true);

    expect((await admin("DELETE", path)).status).toBe(204);
    const rows = await auditOf(`user_id=${user}&type=device.revoked`);
    expect(rows).toEqual([
      expect.objectContaining({ actor: "admin", ip: IP, device_id: first.id, reason: "admin_revoked" }),
    ]);
  });

  test("a removed device's sockets are closed", async () => {
    const user = await newUser();
    const device = await newDevice(user);
    const { webSocket } = await powers.inboxes.socket(userSubject(user), device.id);
    if (!webSocket) throw new Error("no socket");
    const closed = new Promise<CloseEvent>((resolve) => webSocket.addEventListener("close", resolve));
    webSocket.accept();
    expect((await admin("DELETE", `/users/${user}/devices/${device.id}`)).status).toBe(204);
    expect((await closed).code).toBeGreaterThanOrEqual(1000);
  });

  test("a removal that an outage cut short is finished by asking again", async () => {
    const user = await newUser();
    const device = await newDevice(user);
    const grant = await signIn(user, device.id);
    const services = {
      challenges: { ...powers.challenges, revoke: () => Promise.reject(new Outage("no object")) },
    };
    const path = `/users/${user}/devices/${device.id}`;
    expect((await admin("DELETE", path, undefined, { services })).status).toBe(503);
    expect((await admin("GET", `/users/${user}/devices`)).body.devices).toEqual([]);
    expect(await refreshes(grant.id)).toBe(true);
    expect((await admin("DELETE", path)).status).toBe(204);
    expect(await refreshes(grant.id)).toBe(false);
    expect(await auditOf(`user_id=${user}&type=device.revoked`)).toHaveLength(1);
  });
});

describe("grants", () => {
  test("T89 admin revoke: one session ends, the others go on, and the trail says who and why", async () => {
    const user = await newUser();
    const device = (await newDevice(user)).id;
    const [one, other] = [await signIn(user, device), await signIn(user, device)];
    const listed = await admin("GET", `/users/${user}/grants`);
    expect(listed.status).toBe(200);
    expect(listed.body.next).toBeNull();
    expect(listed.body.grants).toContainEqual({
      grant_id: one.id,
      user_id: user,
      client_id: "shop",
      device_id: device,
      scope: "openid",
      amr: ["pop"],
      created_at: isoText,
    });
    expect((await admin("DELETE", `/users/${user}/grants/${one.id}`)).status).toBe(204);
    expect(await refreshes(one.id)).toBe(false);
    expect(await refreshes(other.id)).toBe(true);
    const left = (await admin("GET", `/users/${user}/grants`)).body.grants;
    expect(left.map((grant: { grant_id: string }) => grant.grant_id)).toEqual([other.id]);
    expect(await auditOf(`user_id=${user}&type=grant.revoked`)).toEqual([
      expect.objectContaining({
        actor: "admin",
        ip: IP,
        client_id: "shop",
        device_id: device,
        reason: "admin_revoked",
        data: { grant_id: one.id },
      }),
    ]);
    expect((await admin("DELETE", `/users/${user}/grants/${one.id}`)).status).toBe(404);
  });

  test("T89 admin revoke: everywhere at once; again is a success without effect", async () => {
    const user = await newUser();
    const grants = [await signIn(user), await signIn(user), await signIn(user)];
    const bystander = await signIn(await newUser());
    expect((await admin("DELETE", `/users/${user}/grants`)).status).toBe(204);
    for (const grant of grants) expect(await refreshes(grant.id)).toBe(false);
    expect(await refreshes(bystander.id)).toBe(true);
    expect((await admin("GET", `/users/${user}/grants`)).body.grants).toEqual([]);
    expect((await admin("DELETE", `/users/${user}/grants`)).status).toBe(204);
    expect(await auditOf(`user_id=${user}&type=grant.revoked`)).toHaveLength(3);
  });

  test("T89 admin revoke: a long list is ended page by page through the queue", async () => {
    const user = await newUser();
    const grants = [];
    for (let made = 0; made < 52; made += 1) grants.push(await signIn(user));
    const first = (await admin("GET", `/users/${user}/grants`)).body;
    expect(first.grants).toHaveLength(50);
    const second = (await admin("GET", `/users/${user}/grants?after=${first.next}`)).body;
    expect([second.grants.length, second.next]).toEqual([2, null]);

    const sent: QueueMessage[] = [];
    const send = async (message: QueueMessage) => {
      sent.push(message);
    };
    const services = { events: { send } };
    expect((await admin("DELETE", `/users/${user}/grants`, undefined, { services })).status).toBe(202);
    expect(sent).toHaveLength(1);
    expect(await powers.records.grantsOfUser(user)).toHaveLength(2);
    let acknowledged = 0;
    const [body] = sent;
    if (body === undefined) throw new Error("nothing was sent");
    const ack = () => {
      acknowledged += 1;
    };
    const delivery = { body, attempts: 1, ack, retry: () => {} };
    await consumeEvents({ ...powers, ...services }, [delivery, delivery]);
    expect([acknowledged, sent.length]).toEqual([2, 1]);
    expect(await powers.records.grantsOfUser(user)).toEqual([]);
    for (const grant of grants) expect(await refreshes(grant.id)).toBe(false);
    const rows = await powers.records.events({ userId: user, type: "grant.revoked", size: 100 });
    expect(new Set(rows.map(({ data }) => data?.grant_id)).size).toBe(52);
    expect(rows.every(({ actor }) => actor === "admin")).toBe(true);
  });

  test("T89 admin revoke: cut short between object and list, asking again takes it from the list", async () => {
    const user = await newUser();
    const grant = await signIn(user);
    const services = {
      records: { ...powers.records, removeGrant: () => Promise.reject(new Outage("no database")) },
    };
    const path = `/users/${user}/grants/${grant.id}`;
    expect((await admin("DELETE", path, undefined, { services })).status).toBe(503);
    expect(await refreshes(grant.id)).toBe(false);
    expect((await admin("DELETE", path)).status).toBe(204);
    expect((await admin("GET", `/users/${user}/grants`)).body.grants).toEqual([]);
    const rows = await auditOf(`user_id=${user}&type=grant.revoked`);
    expect(rows.map(({ data }) => data)).toEqual([{ grant_id: grant.id, had_ended: true }]);
  });
});

test("T11 a user known by the app's own name alone is locked like any other", async () => {
  const id = newUserId(crypto.randomUUID());
  const event = auditEvent(powers, { type: "user.created", actor: "system", userId: id });
  await powers.users.insert({ id, realm: MAIN, externalId: unlike("crm"), identifiers: [] }, event, event.at);
  const grant = await signIn(id);
  const locked = await admin("PATCH", `/users/${id}`, { status: "locked" });
  expect([locked.status, locked.body.status]).toEqual([200, "locked"]);
  expect(await refreshes(grant.id)).toBe(false);
  const emptied = await admin("PATCH", `/users/${await newUser()}`, { username: null });
  expect(emptied.status).toBe(422);
});
