import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ClientSettings } from "../../../src/core/client/settings.ts";
import type { ClientId } from "../../../src/core/ids.ts";
import type { Deliveries, Message } from "../../../src/core/ports/deliveries.ts";
import { no, ok } from "../../../src/core/result.ts";
import { fresh, newPhone } from "../support/cotter.ts";
import { signInByPhone } from "../support/cotter-signed.ts";
import {
  appPath,
  browser,
  enter,
  exchange,
  handed,
  newPageClient,
  pageDeployment,
  verified,
} from "../support/page.ts";
import { mainUser } from "../support/people.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

const HOUR = 3_600_000;
const later = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);
type Phone = Awaited<ReturnType<typeof newPhone>>;
// biome-ignore lint/suspicious/noExplicitAny: a test reads members that it asserts
type Said = { readonly status: number; readonly body: any };

/** A user with a proven address and one phone, at a client with this setting. */
async function scene(settings: ClientSettings, over = {}) {
  const at = pageDeployment({}, () => over);
  const client = await newPageClient(at, settings);
  const address = `${fresh("ana")}@example.com`;
  const send = async (method: string, path: string, body: unknown, headers = {}) => {
    const sent = { "Content-Type": "application/json", API_KEY_ID: client, ...headers };
    const answer = await at.ask(path, { method, headers: sent, body: JSON.stringify(body) });
    return { status: answer.status, body: await answer.json<Said["body"]>(), headers: answer.headers };
  };
  const call = (method: string, path: string, body: unknown, headers = {}): Promise<Said> =>
    send(method, `/api/v0${path}`, body, headers);
  /** Proves the address; answers what the exchange handed over. */
  const prove = async (through: ClientId = client) =>
    exchange(at, through, await verified(at, through, address));
  const { body, key } = await prove();
  const id = String(body.user.ID);
  const enrol = (phone: Phone, enrolKey?: string): Promise<Said> =>
    call(
      "PUT",
      `/user/methods?cotter_user_id=${id}&oauth_token=true`,
      { method: "TRUSTED_DEVICE", enrolled: true, code: phone.publicKey, algorithm: "ED25519" },
      enrolKey === undefined ? {} : { Cookie: `enrol=${enrolKey}` },
    );
  const phone = await newPhone();
  const first = await enrol(phone, key);
  if (first.status !== 200) throw new Error(JSON.stringify(first.body));
  const remove = (what: Phone) =>
    call("PUT", `/user/${id}`, { method: "TRUSTED_DEVICE", enrolled: false, code: what.publicKey });
  const refresh = async (token: string) => (await call("POST", "/token", { refresh_token: token })).status;
  const live = async () => (await at.services.devices.ofUser(mainUser(id).id)).map(({ key }) => key.bytes);
  const signIn = (own: Phone) => signInByPhone({ call: send }, client, { id, phone: own });
  const letters = (template: string) => at.messages.filter((one) => one.template === template);
  at.messages.length = 0;
  return {
    at,
    client,
    id,
    address,
    phone,
    first,
    call,
    prove,
    enrol,
    signIn,
    remove,
    refresh,
    live,
    letters,
  };
}

const types = async ({ at, id }: Awaited<ReturnType<typeof scene>>, type: string) =>
  (await at.services.records.events({ userId: mainUser(id).id, type, size: 20 })) as readonly {
    readonly reason?: string;
  }[];

describe("T215 C15 the only device was removed by its owner", () => {
  test.each(["removed", "lost"] as const)(
    "T215 recovery: %s: the address proven again, it is enrolled at once",
    async (recovery) => {
      const person = await scene({ recovery });
      expect((await person.remove(person.phone)).status).toBe(200);
      const next = await newPhone();
      const { key, body } = await person.prove();
      expect(body.user.ID).toBe(person.id);
      const enrolled = await person.enrol(next, key);
      expect(enrolled.status).toBe(200);
      expect(await person.live()).toHaveLength(1);
      expect(await person.refresh(enrolled.body.oauth_token.refresh_token)).toBe(200);
      expect(person.letters("device_enrolled")).toMatchObject([{ to: person.address }]);
      expect((await types(person, "device.enrolled")).map(({ reason }) => reason)).toContain("recovered");
      // The key is used up, and the device is asked from now on.
      expect((await person.enrol(await newPhone(), key)).status).toBe(409);
      expect((await person.signIn(next)).status).toBe(200);
    },
  );

  test("T215 of two that bring one key at once one is enrolled", async () => {
    const person = await scene({ recovery: "removed" });
    await person.remove(person.phone);
    const { key } = await person.prove();
    const phones = await Promise.all([newPhone(), newPhone(), newPhone()]);
    const answers = await Promise.all(phones.map((phone) => person.enrol(phone, key)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await person.live()).toHaveLength(1);
  });

  test.each([
    ["off by default", {}, "removed"],
    ["without the key", { recovery: "removed" }, "no key"],
    ["with a wrong key", { recovery: "removed" }, "wrong key"],
    ["ten minutes after the proof", { recovery: "removed" }, "late"],
    [
      "by looks alone, also where looks open a first window",
      { recovery: "removed", enrol_after_proof: true },
      "no key",
    ],
    ["when the operator removed it", { recovery: "removed" }, "operator"],
    ["when the person was locked after the proof", { recovery: "removed" }, "locked"],
  ] as const)("T216 C15 not %s", async (_name, settings, how) => {
    const person = await scene(settings);
    const { at, id } = person;
    if (how === "operator") {
      const [device] = await at.services.devices.ofUser(mainUser(id).id);
      const headers = { Authorization: "Bearer dev-admin-token" };
      await at.ask(`/admin/users/${id}/devices/${device?.id}`, { method: "DELETE", headers });
    } else await person.remove(person.phone);
    const { key } = await person.prove();
    if (how === "late") later(600_000);
    if (how === "locked") {
      later(1_000);
      await at.services.users.update(mainUser(id), { status: "locked" }, Date.now());
      await at.services.users.update(mainUser(id), { status: "active" }, Date.now());
    }
    const brought = how === "no key" ? undefined : how === "wrong key" ? "A".repeat(43) : key;
    expect([how, (await person.enrol(await newPhone(), brought)).status]).toEqual([how, 403]);
    expect(await person.live()).toEqual([]);
  });

  test.each([{ recovery: "removed" }, {}] as const)(
    "T216 T33 a remembered browser has proven nothing now: with %j it opens no window",
    async (settings) => {
      const at = pageDeployment();
      const client = await newPageClient(at, { ...settings, remember_minutes: 60 });
      const person = browser(at);
      const check = await enter(person, client, `${fresh("ana")}@example.com`);
      const done = await person.post(check, { code: at.last().code ?? "" });
      const proven = await exchange(at, client, handed(done.location));
      expect(proven.key).toBeDefined();
      const gone = await person.post(await appPath(client), { remembered: "1" });
      const pressed = await exchange(at, client, handed(gone.location));
      const { ID } = proven.body.user;
      expect([pressed.status, pressed.body.user.ID, pressed.key]).toEqual([200, ID, undefined]);
    },
  );

  test("T216 S4 another app's device is not this app's to get around", async () => {
    const person = await scene({ recovery: "removed" });
    const other = await newPageClient(person.at, { recovery: "removed" });
    await person.remove(person.phone);
    const { key } = await exchange(person.at, other, await verified(person.at, other, person.address));
    const tried = await person.call(
      "PUT",
      `/user/methods?cotter_user_id=${person.id}`,
      { method: "TRUSTED_DEVICE", enrolled: true, code: (await newPhone()).publicKey, algorithm: "ED25519" },
      { API_KEY_ID: other, Cookie: `enrol=${key}` },
    );
    expect(tried.status).toBe(403);
  });

  test("T216 C15 the device that came in another way meanwhile stands: the statement says so", async () => {
    const person = await scene({ recovery: "removed" });
    const { at, id, client } = person;
    await person.remove(person.phone);
    const [gone] = await at.services.devices.ofUser(mainUser(id).id, { withRevoked: true });
    if (!gone) throw new Error("no device");
    const { revokedAt: _, revokedReason: __, ...device } = gone;
    const event = (type: string) => ({ id: crypto.randomUUID(), at: Date.now(), type, actor: "admin" });
    const keyOf = async (phone: Phone) => {
      const key = await at.services.proofs.readKey(phone.publicKey, "Ed25519");
      if (!key.ok) throw new Error("no key");
      return { ...device, id: crypto.randomUUID() as never, key: key.value, clientId: client };
    };
    await at.services.devices.insert(await keyOf(await newPhone()), event("device.enrolled"));
    const late = await at.services.devices.insertRecovered(await keyOf(await newPhone()), event("late"), []);
    expect(late).toEqual({ ok: false, error: { code: "enrolment_closed" } });
    expect(await person.live()).toHaveLength(1);
  });
});

describe("T215 C15 the device is lost and still live", () => {
  /** The wait has begun, by a new phone with the key of a proof. */
  const waiting = async (settings: ClientSettings = { recovery: "lost" }) => {
    const person = await scene(settings);
    const next = await newPhone();
    const begun = await person.enrol(next, (await person.prove()).key);
    return { ...person, next, begun };
  };
  const again = async (person: Awaited<ReturnType<typeof waiting>>) =>
    person.enrol(person.next, (await person.prove()).key);

  test("T215 a proof, 72 hours, another proof: the new device takes the place of the lost one", async () => {
    const person = await waiting();
    expect(person.begun.status).toBe(403);
    expect(person.begun.body.msg).toContain(new Date(Date.now() + 72 * HOUR).toISOString().slice(0, 16));
    expect(person.letters("recovery_begun")).toMatchObject([
      { to: person.address, link: expect.any(String) },
    ]);
    expect(await types(person, "recovery.begun")).toHaveLength(1);
    expect(await person.live()).toEqual([expect.any(String)]);
    later(72 * HOUR - 60_000);
    expect((await again(person)).status).toBe(403);
    later(60_000);
    const enrolled = await again(person);
    expect(enrolled.status).toBe(200);
    expect(await person.live()).toHaveLength(1);
    // The lost one signs nothing more, and its session is over.
    expect((await person.signIn(person.phone)).status).toBe(403);
    expect(await person.refresh(person.first.body.oauth_token.refresh_token)).toBe(400);
    expect(await person.refresh(enrolled.body.oauth_token.refresh_token)).toBe(200);
    expect((await person.signIn(person.next)).status).toBe(200);
    expect(person.letters("device_enrolled")).toHaveLength(1);
    expect((await types(person, "device.revoked")).map(({ reason }) => reason)).toEqual(["recovered"]);
  });

  test("T215 an ordinary sign-in by mail begins no wait, and tells nobody", async () => {
    const person = await scene({ recovery: "lost" });
    expect((await person.prove()).status).toBe(200);
    later(72 * HOUR);
    expect(person.letters("recovery_begun")).toEqual([]);
    expect((await person.enrol(await newPhone(), (await person.prove()).key)).status).toBe(403);
    expect(await person.live()).toHaveLength(1);
  });

  test("T216 C15 a second start does not shorten the wait, nor write another letter", async () => {
    const person = await waiting();
    const until = person.begun.body.msg;
    later(24 * HOUR);
    for (const phone of [person.next, await newPhone()]) {
      const tried = await person.enrol(phone, (await person.prove()).key);
      expect(tried).toMatchObject({ status: 403, body: { msg: until } });
    }
    expect(person.letters("recovery_begun")).toHaveLength(1);
    expect(await types(person, "recovery.begun")).toHaveLength(1);
  });

  test.each(["signs itself in", "approves", "denies"])(
    "T216 C15 the user %s on the lost device: the wait is over",
    async (what) => {
      const person = await waiting();
      later(71 * HOUR);
      if (what === "signs itself in") expect((await person.signIn(person.phone)).status).toBe(200);
      else {
        const body = {
          client_user_id: person.id,
          event: "LOGIN",
          location: "unknown",
          issuer: person.client,
        };
        await person.call("POST", "/event/create_pending", {
          ...body,
          timestamp: "1",
          method: "TRUSTED_DEVICE",
        });
        const shown = await person.at.ask(`/api/v0/event/new/${person.id}`, {
          headers: { API_KEY_ID: person.client },
        });
        const { ID, timestamp } = (await shown.json()) as { ID: number; timestamp: string };
        const approved = what === "approves";
        const text = [person.id, person.client, "LOGIN", timestamp, "TRUSTED_DEVICE", String(approved)].join(
          "",
        );
        const answer = { ...body, timestamp, method: "TRUSTED_DEVICE", approved };
        const proof = { public_key: person.phone.publicKey, code: await person.phone.sign(text) };
        expect((await person.call("POST", `/event/respond/${ID}`, { ...answer, ...proof })).status).toBe(200);
      }
      later(HOUR + 1);
      expect((await again(person)).status).toBe(409);
      later(24 * HOUR);
      // It may be asked for again, from the beginning.
      expect((await again(person)).status).toBe(403);
      expect(await person.live()).toHaveLength(1);
      expect(person.letters("recovery_begun").length).toBeLessThanOrEqual(2);
    },
  );

  test("T216 C15 whoever reads an address ends it by the letter; looking, a bare press and a wrong secret do not", async () => {
    const person = await waiting();
    const link = new URL(person.letters("recovery_begun")[0]?.link ?? "");
    const path = `${link.pathname}${link.search}`;
    const secret = link.searchParams.get("t") ?? "";
    const reader = browser(person.at);
    expect((await reader.get(path)).status).toBe(200);
    expect((await reader.get(path.replace(secret, "A".repeat(43)))).status).toBe(410);
    expect((await reader.post(path, { secret })).status).toBe(410);
    expect((await reader.post(path, { secret: "A".repeat(43), sure: "yes" })).status).toBe(410);
    expect(
      (await reader.post(path, { secret, sure: "yes" }, { "Sec-Fetch-Site": "cross-site" })).status,
    ).toBe(410);
    expect(await types(person, "recovery.ended")).toEqual([]);
    expect((await reader.post(path, { secret, sure: "yes" })).status).toBe(200);
    expect(await types(person, "recovery.ended")).toHaveLength(1);
    // A letter is good for its own wait: it ends no later one.
    later(25 * HOUR);
    await again(person);
    expect((await reader.post(path, { secret, sure: "yes" })).status).toBe(410);
    later(72 * HOUR);
    expect((await again(person)).status).toBe(200);
  });

  test("T216 C15 a stranger without the mailbox begins nothing and ends nothing", async () => {
    const person = await scene({ recovery: "lost" });
    const stranger = await newPhone();
    for (const key of [undefined, "A".repeat(43)])
      expect((await person.enrol(stranger, key)).status).toBe(409);
    expect(person.at.messages).toEqual([]);
    const next = await newPhone();
    await person.enrol(next, (await person.prove()).key);
    expect((await person.signIn(stranger)).status).toBe(403);
    later(72 * HOUR);
    expect((await person.enrol(stranger, "A".repeat(43))).status).toBe(409);
    expect((await person.enrol(next, (await person.prove()).key)).status).toBe(200);
  });

  test("T216 C15 letters are bounded: however often it is begun and ended, one a day to each address", async () => {
    const person = await waiting();
    for (let tries = 0; tries < 3; tries++) {
      later(2 * HOUR);
      await person.signIn(person.phone);
      await again(person);
    }
    expect(person.letters("recovery_begun")).toHaveLength(1);
  });

  test("T216 C15 what was waited for and not taken in a week has to be waited for again", async () => {
    const person = await waiting();
    later((72 + 7 * 24) * HOUR);
    expect((await again(person)).status).toBe(403);
    expect(person.letters("recovery_begun")).toHaveLength(2);
    expect(await person.live()).toHaveLength(1);
  });

  test("T216 C15 where no letter can be handed over nothing is waited for", async () => {
    let isDown = false;
    const sent: Message[] = [];
    const deliveries: Deliveries = {
      send: async (message) => {
        if (isDown) return no({ code: "delivery_failed", detail: "down" });
        sent.push(message);
        return ok("sent");
      },
      attempt: async () => ({ kind: "sent" }),
      stateOf: async () => "sent",
    };
    const client = await newPageClient(pageDeployment(), { recovery: "lost" });
    const at = { ...pageDeployment({}, () => ({ deliveries })), last: () => sent.at(-1) as Message };
    const address = `${fresh("ana")}@example.com`;
    const prove = async () => exchange(at, client, await verified(at, client, address));
    const enrol = async (phone: Phone, { body, key = "" }: Awaited<ReturnType<typeof prove>>) => {
      const path = `/api/v0/user/methods?cotter_user_id=${body.user.ID}`;
      const device = {
        method: "TRUSTED_DEVICE",
        enrolled: true,
        code: phone.publicKey,
        algorithm: "ED25519",
      };
      const headers = { "Content-Type": "application/json", API_KEY_ID: client, Cookie: `enrol=${key}` };
      return (await at.ask(path, { method: "PUT", headers, body: JSON.stringify(device) })).status;
    };
    expect(await enrol(await newPhone(), await prove())).toBe(200);
    const next = await newPhone();
    const proven = await prove();
    isDown = true;
    expect(await enrol(next, proven)).toBe(403);
    isDown = false;
    later(72 * HOUR);
    // A wait of its own begins now, and this one is told.
    expect(await enrol(next, await prove())).toBe(403);
    expect(sent.filter(({ template }) => template === "recovery_begun")).toHaveLength(1);
    expect(await at.services.devices.ofUser(mainUser(proven.body.user.ID).id)).toHaveLength(1);
  });

  test("T216 C15 a lock ends the wait", async () => {
    const person = await waiting();
    const headers = { "Content-Type": "application/json", Authorization: "Bearer dev-admin-token" };
    for (const status of ["locked", "active"]) {
      const init = { method: "PATCH", headers, body: JSON.stringify({ status }) };
      expect((await person.at.ask(`/admin/users/${person.id}`, init)).status).toBe(200);
    }
    later(72 * HOUR);
    expect((await again(person)).status).toBe(403);
    expect(await person.live()).toHaveLength(1);
  });

  test.each([undefined, "off", "removed"] as const)(
    "T216 C15 with recovery: %s a lost device stands",
    async (recovery) => {
      const person = await waiting(recovery === undefined ? {} : { recovery });
      later(73 * HOUR);
      expect([person.begun.status, (await again(person)).status]).toEqual([409, 409]);
      expect(person.letters("recovery_begun")).toEqual([]);
    },
  );

  test("T216 S4 another app's live device stays, and and is removed by nobody", async () => {
    const person = await waiting();
    const { at, id } = person;
    const [mine] = await at.services.devices.ofUser(mainUser(id).id);
    const phone = await newPhone();
    const key = await at.services.proofs.readKey(phone.publicKey, "Ed25519");
    if (!mine || !key.ok) throw new Error("no device");
    const clientId = await newPageClient(at);
    const bank = { ...mine, id: crypto.randomUUID() as never, key: key.value, clientId };
    await at.services.devices.insert(bank, {
      id: "e",
      at: Date.now(),
      type: "device.enrolled",
      actor: "admin",
    });
    later(72 * HOUR);
    expect((await again(person)).status).toBe(200);
    expect(await person.live()).toEqual(expect.arrayContaining([bank.key.bytes]));
  });
});
