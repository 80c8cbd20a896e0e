import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ownClientId } from "../../../../src/core/client/own-client.ts";
import { revokeDevice } from "../../../../src/core/device/revoke.ts";
import { endSession } from "../../../../src/core/grant/end.ts";
import { MAIN, type UserId } from "../../../../src/core/ids.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../../../src/core/time.ts";
import { newAuthenticator, type Spoilt } from "../../../fakes/authenticator.ts";
import { later, refusal, type Site, setStatus, site } from "../../support/approver.ts";
import { fresh } from "../../support/cotter.ts";
import { newRp, signInByCode } from "../../support/oauth.ts";
import { withPasskey } from "../../support/oauth-passkeys.ts";
import { browser } from "../../support/page.ts";
import { havingName } from "../../support/people.ts";
import {
  enrolPhone,
  newOwner,
  newPageKey,
  newPhoneOf,
  newPhoneOwner,
  ORIGIN,
  type Phone,
  post,
  ticketFor,
} from "../../support/phone.ts";

const at = site();
const OVER = refusal(410, "ticket_over");
const live = async (id: UserId) => (await at.services.devices.ofUser(id)).map((device) => device.id);
const remove = (phone: Phone, target = phone.deviceId) =>
  phone.act(`/devices/${target}/removal`, "remove_device", { target });
const qrOf = async (phone: Phone): Promise<string> =>
  (await phone.act("/tickets", "let_in_device")).body.ticket;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the first phone", () => {
  test("of a new address: the page signs in by a code, and hands the phone page its ticket behind the #", async () => {
    const address = `${fresh("ana")}@example.com`;
    const person = browser(at);
    const led = await signInByCode(at, "/phone/sign-in?realm=main", address, person);
    expect(led).toMatch(/^\/phone#add=[\w.:-]+$/);
    const { answer, phone } = await enrolPhone(at, led.split("#add=")[1] ?? "");
    expect(answer).toMatchObject({
      status: 201,
      body: { account: address, device: { kind: "passkey", new: true, this: true, removable: true } },
    });
    expect(await phone?.prompts()).toEqual([]);
    // Every proven address hears of it.
    expect(
      at.messages.filter(({ to, template }) => to === address && template === "device_enrolled"),
    ).toHaveLength(1);
  });

  test("Enter sends a code where a phone is set up, also after a mistake", async () => {
    const person = browser(at);
    const first = await person.get("/phone/sign-in");
    const typed = { to: "/phone/sign-in?realm=main", identifier: "not an address", way: "code" };
    const again = await person.post("/oauth/sign-in", typed);
    for (const { text } of [first, again]) {
      expect([...text.matchAll(/name="way" value="(\w+)"/g)].map(([, way]) => way)).toEqual([
        "code",
        "device",
      ]);
    }
  });

  test("an answer with a ticket is stored nowhere, and no other site frames it", async () => {
    const person = browser(at);
    await signInByCode(at, "/phone/sign-in?realm=main", `${fresh("ana")}@example.com`, person);
    const again = await person.get("/phone/sign-in?realm=main");
    expect(again.location).toContain("#add=");
    expect(again.headers.get("Cache-Control")).toContain("no-store");
    expect(again.headers.get("Referrer-Policy")).toBe("no-referrer");
  });

  test("T33 a ticket of a session that was signed out since adds none", async () => {
    const address = `${fresh("ana")}@example.com`;
    const led = await signInByCode(at, "/phone/sign-in?realm=main", address, browser(at));
    const user = await havingName(at, address);
    const [session] = await at.services.records.grantsOfUser(user!.user.id);
    await endSession(at.services, session!, { actor: "system", reason: "signed_out", ip: undefined });
    const { answer } = await enrolPhone(at, led.split("#add=")[1] ?? "", "key");
    expect(answer).toMatchObject(OVER);
    expect(await live(user!.user.id)).toEqual([]);
  });

  test("T33 a session that signed in five minutes ago adds none: the user signs in anew", async () => {
    const person = browser(at);
    await signInByCode(at, "/phone/sign-in?realm=main", `${fresh("ana")}@example.com`, person);
    later(5 * MINUTE);
    const again = await person.get("/phone/sign-in?realm=main");
    expect([again.status, again.location]).toEqual([200, ""]);
  });

  test("the options of the browser ask for a passkey of this user, with verification", async () => {
    const { id, address } = await newOwner(at);
    const { body } = await post(at, "/enrolments/begin", { ticket: await ticketFor(at, id) });
    expect(body.public_key).toMatchObject({
      rp: { id: "localhost", name: "Countersign" },
      user: { name: address },
      attestation: "none",
      excludeCredentials: [],
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
    });
  });
});

describe("T33 a ticket", () => {
  test.each(["", "x", "no.ticket", `${crypto.randomUUID()}.v1:AAAA`, "a".repeat(2_048)])(
    "that was made up opens nothing: %s",
    async (ticket) => {
      expect((await post(at, "/enrolments/begin", { ticket })).status).toBeGreaterThanOrEqual(400);
      expect((await post(at, "/enrolments/begin", { ticket })).status).toBeLessThan(500);
    },
  );

  test("that was changed opens nothing", async () => {
    const { id } = await newOwner(at);
    const ticket = await ticketFor(at, id);
    for (const index of [3, 50, ticket.length - 2]) {
      const changed = `${ticket.slice(0, index)}${ticket[index] === "1" ? "2" : "1"}${ticket.slice(index + 1)}`;
      expect((await enrolPhone(at, changed)).answer).toMatchObject(OVER);
    }
    const [own = "", other = ""] = [await ticketFor(at, id), await ticketFor(at, (await newOwner(at)).id)];
    const mixed = `${own.split(".")[0]}.${other.split(".").slice(1).join(".")}`;
    expect((await enrolPhone(at, mixed)).answer).toMatchObject(OVER);
  });

  test("is over after its time, and so is what was begun with it", async () => {
    const { id } = await newOwner(at);
    const ticket = await ticketFor(at, id, { until: Date.now() + 2 * MINUTE });
    const begun = await post(at, "/enrolments/begin", { ticket });
    later(2 * MINUTE);
    expect((await enrolPhone(at, ticket)).answer).toMatchObject(OVER);
    later(3 * MINUTE);
    const key = await newPageKey();
    const proof = { DPoP: await key.proof("POST", "/approver/enrolments") };
    expect(await post(at, "/enrolments", { enrolment: begun.body.enrolment }, proof)).toMatchObject(OVER);
  });

  test("makes one device, also once that is removed", async () => {
    const { id } = await newOwner(at);
    const ticket = await ticketFor(at, id);
    const { phone } = await enrolPhone(at, ticket, "key");
    expect((await enrolPhone(at, ticket)).answer).toMatchObject(OVER);
    if (phone) await remove(phone);
    expect((await enrolPhone(at, ticket)).answer).toMatchObject(OVER);
    expect(await live(id)).toEqual([]);
  });

  test("makes one device of twenty that come at once", async () => {
    const { id } = await newOwner(at);
    const ticket = await ticketFor(at, id);
    const all = await Promise.all(Array.from({ length: 20 }, () => enrolPhone(at, ticket, "key")));
    const statuses = all.map(({ answer }) => answer.status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.every((status) => status < 500)).toBe(true);
    expect(await live(id)).toHaveLength(1);
  });

  test("the same call again, whose answer was lost, is answered alike; another key's is not", async () => {
    const { id } = await newOwner(at);
    const { enrolment } = (await post(at, "/enrolments/begin", { ticket: await ticketFor(at, id) })).body;
    const [key, other] = [await newPageKey(), await newPageKey()];
    const send = async (by: typeof key) =>
      post(at, "/enrolments", { enrolment }, { DPoP: await by.proof("POST", "/approver/enrolments") });
    const first = await send(key);
    expect(first.status).toBe(201);
    expect(await send(key)).toMatchObject({ status: 201, body: { device: { id: first.body.device.id } } });
    expect(await send(other)).toMatchObject(OVER);
    expect(await live(id)).toHaveLength(1);
  });

  test("opens nothing once its user is locked, signed out everywhere or another realm's", async () => {
    const [ana, bob] = [await newOwner(at), await newOwner(at)];
    const tickets = [await ticketFor(at, ana.id), await ticketFor(at, bob.id)];
    const begun = await post(at, "/enrolments/begin", { ticket: tickets[0] });
    later(1);
    await setStatus(at, ana.id, "locked");
    await setStatus(at, bob.id, "locked");
    await setStatus(at, bob.id, "active");
    for (const ticket of tickets) expect((await enrolPhone(at, ticket ?? "")).answer).toMatchObject(OVER);
    const key = await newPageKey();
    const proof = { DPoP: await key.proof("POST", "/approver/enrolments") };
    expect(await post(at, "/enrolments", { enrolment: begun.body.enrolment }, proof)).toMatchObject(OVER);
  });

  test("T100 the user is locked between the look and the write: no device comes to be", async () => {
    let about: UserId | undefined;
    const racing: Site = site({}, ({ devices }) => ({
      devices: {
        ...devices,
        async insertOwn(...given) {
          if (about) await setStatus(at, about, "locked");
          return await devices.insertOwn(...given);
        },
      },
    }));
    const { id } = await newOwner(racing);
    const ticket = await ticketFor(racing, id, { since: Date.now() - SECOND });
    about = id;
    expect((await enrolPhone(racing, ticket)).answer.status).toBeGreaterThanOrEqual(400);
    expect(await live(id)).toEqual([]);
  });
});

describe("T32 a passkey that is made is refused", () => {
  const spoilt: readonly (readonly [string, Spoilt])[] = [
    ["on another page", { origin: "https://evil.example" }],
    ["for another rp id", { rpId: "evil.example" }],
    ["without user verification", { flags: 0x41 }],
    ["over another challenge", { challenge: "AAAA" }],
    ["as an assertion", { type: "webauthn.get" }],
    ["in a frame of another site", { crossOrigin: true }],
  ];
  test.each(spoilt)("%s", async (_, how) => {
    const { id } = await newOwner(at);
    const begun = await post(at, "/enrolments/begin", { ticket: await ticketFor(at, id) });
    const { challenge } = begun.body.public_key;
    const authenticator = await newAuthenticator();
    const passkey = await authenticator.create({ challenge, origin: ORIGIN, rpId: "localhost" }, how);
    const key = await newPageKey();
    const answer = await post(
      at,
      "/enrolments",
      { enrolment: begun.body.enrolment, passkey },
      { DPoP: await key.proof("POST", "/approver/enrolments") },
    );
    expect(answer).toMatchObject(refusal(403, "not_allowed"));
    expect(await live(id)).toEqual([]);
  });

  test("T90 without a proof of its page's key", async () => {
    const { id } = await newOwner(at);
    const { enrolment } = (await post(at, "/enrolments/begin", { ticket: await ticketFor(at, id) })).body;
    expect(await post(at, "/enrolments", { enrolment })).toMatchObject(refusal(401, "bad_proof"));
  });

  test("T26 a key that is a device already", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    const ticket = await ticketFor(at, id, { deviceId: phone.deviceId as never });
    const { enrolment } = (await post(at, "/enrolments/begin", { ticket })).body;
    const proof = { DPoP: await phone.key.proof("POST", "/approver/enrolments") };
    expect(await post(at, "/enrolments", { enrolment }, proof)).toMatchObject(refusal(409, "device_exists"));
  });
});

describe("T33 who reads somebody's mail", () => {
  test("adds no phone beside one that is there: it takes that one, or a recovery code", async () => {
    const { id } = await newPhoneOwner(at);
    const { answer } = await enrolPhone(at, await ticketFor(at, id));
    expect(answer).toMatchObject(refusal(403, "stronger"));
  });

  test("adds none for three days after one was removed", async () => {
    const { id, phone } = await newPhoneOwner(at);
    await remove(phone);
    const { answer } = await enrolPhone(at, await ticketFor(at, id));
    expect(answer).toMatchObject(
      refusal(403, "waits", { until: new Date(Date.now() + 3 * DAY).toISOString() }),
    );
    later(3 * DAY);
    expect((await enrolPhone(at, await ticketFor(at, id))).answer.status).toBe(201);
  });

  test("that began before the phone was there adds none after it either", async () => {
    const { id } = await newOwner(at);
    const begun = await post(at, "/enrolments/begin", { ticket: await ticketFor(at, id) });
    await newPhoneOf(at, id);
    const key = await newPageKey();
    const proof = { DPoP: await key.proof("POST", "/approver/enrolments") };
    expect(await post(at, "/enrolments", { enrolment: begun.body.enrolment }, proof)).toMatchObject(
      refusal(403, "stronger"),
    );
  });

  test("T100 adds one of twenty that come at once with tickets of their own", async () => {
    const { id } = await newOwner(at);
    const tickets = await Promise.all(Array.from({ length: 20 }, () => ticketFor(at, id)));
    const all = await Promise.all(
      tickets.map((ticket, index) => enrolPhone(at, ticket, index % 2 ? "key" : "passkey")),
    );
    expect(all.filter(({ answer }) => answer.status === 201)).toHaveLength(1);
    for (const { answer } of all) {
      if (answer.status !== 201) expect(answer).toMatchObject(refusal(403, "stronger"));
    }
    expect(await live(id)).toHaveLength(1);
  });

  test("comes to no more by the page of passkeys of a client: that device is marked the same", async () => {
    const address = `${fresh("ana")}@example.com`;
    const { userId } = await withPasskey(at, await newRp(at), address, await newAuthenticator());
    const [device] = await at.services.devices.ofUser(userId);
    expect(device).toMatchObject({ door: "oauth", byCode: true });
  });
});

describe("a recovery code", () => {
  async function withCodes() {
    const { id, phone } = await newPhoneOwner(at);
    const { body } = await phone.act("/recovery-codes", "recovery_codes");
    return { id, phone, codes: body.codes as readonly string[] };
  }

  test.each(["stronger", "waits"] as const)("lifts what a code alone may not: %s", async (why) => {
    const { id, phone, codes } = await withCodes();
    if (why === "waits") await remove(phone);
    const { answer, phone: next } = await enrolPhone(at, await ticketFor(at, id), "passkey", {
      recovery_code: codes[0],
    });
    expect(answer.status).toBe(201);
    expect((await next?.call("GET", "/recovery-codes"))?.body).toEqual({ left: 9 });
    expect((await at.services.devices.byId(next?.deviceId as never))?.byCode).toBeUndefined();
  });

  test("is good once, and another's is none", async () => {
    const [{ id, codes }, other] = [await withCodes(), await withCodes()];
    const use = async (recovery_code: unknown) =>
      await post(at, "/enrolments/begin", { ticket: await ticketFor(at, id), recovery_code });
    expect((await use(codes[0])).status).toBe(200);
    for (const typed of [codes[0], other.codes[0], "abcd-efgh-jkmn-pqrs"]) {
      expect(await use(typed)).toMatchObject(refusal(403, "wrong_recovery_code"));
    }
  });

  test("is not used up where none is needed, and lifts no limit of number", async () => {
    const { id, phone, codes } = await withCodes();
    const ticket = await ticketFor(at, id, { deviceId: phone.deviceId as never });
    expect((await post(at, "/enrolments/begin", { ticket, recovery_code: codes[0] })).status).toBe(200);
    expect((await phone.call("GET", "/recovery-codes")).body).toEqual({ left: 10 });
    for (let count = 1; count < 10; count++) {
      await newPhoneOf(at, id, "passkey", { deviceId: phone.deviceId as never });
    }
    const full = await post(at, "/enrolments/begin", {
      ticket: await ticketFor(at, id),
      recovery_code: codes[0],
    });
    expect(full).toMatchObject(refusal(403, "full"));
  });
});

describe("a phone lets in another by a QR code", () => {
  test("which the older ones see, and every proven address hears of", async () => {
    const { phone, address } = await newPhoneOwner(at);
    later(1);
    const made = await phone.act("/tickets", "let_in_device");
    expect(made).toMatchObject({
      status: 201,
      body: {
        url: `${ORIGIN}/phone#add=${made.body.ticket}`,
        expires_at: new Date(Date.now() + 2 * MINUTE).toISOString(),
      },
    });
    at.messages.length = 0;
    const { phone: next } = await enrolPhone(at, made.body.ticket, "key");
    expect((await phone.call("GET", "/prompts")).body.new_devices).toMatchObject([{ id: next?.deviceId }]);
    expect(at.messages.map(({ to, template }) => [to, template])).toEqual([[address, "device_enrolled"]]);
  });

  test("T33 within two minutes", async () => {
    const { phone } = await newPhoneOwner(at);
    const ticket = await qrOf(phone);
    later(2 * MINUTE);
    expect((await enrolPhone(at, ticket)).answer).toMatchObject(OVER);
  });

  test("T33 T25 whoever is removed meanwhile has let in nobody", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const before = await qrOf(phone);
    later(SECOND);
    const meanwhile = await qrOf(phone);
    const begun = await post(at, "/enrolments/begin", { ticket: meanwhile });
    await remove(phone);
    expect((await enrolPhone(at, before)).answer).toMatchObject(OVER);
    const key = await newPageKey();
    const proof = { DPoP: await key.proof("POST", "/approver/enrolments") };
    expect(await post(at, "/enrolments", { enrolment: begun.body.enrolment }, proof)).toMatchObject(OVER);
    expect(await live(id)).toEqual([]);
  });

  test("T100 whoever is removed between the look and the write has let in nobody", async () => {
    let about: readonly [UserId, string] | undefined;
    const racing: Site = site({}, ({ devices }) => ({
      devices: {
        ...devices,
        async insertOwn(...given) {
          if (about) {
            const [userId, deviceId] = about;
            const by = { actor: "admin", reason: "test" };
            await revokeDevice(at.services, { userId, deviceId: deviceId as never, ...by });
          }
          return await devices.insertOwn(...given);
        },
      },
    }));
    const { id, phone } = await newPhoneOwner(racing);
    const ticket = await qrOf(phone);
    about = [id, phone.deviceId];
    expect((await enrolPhone(racing, ticket, "key")).answer.status).toBeGreaterThanOrEqual(400);
    expect(await live(id)).toEqual([]);
  });

  test("a ticket of a session is its client's: one that is disabled meanwhile adds nothing", async () => {
    const { id } = await newOwner(at);
    expect(
      (await enrolPhone(at, await ticketFor(at, id, { clientId: ownClientId(MAIN) }))).answer.status,
    ).toBe(201);
    later(HOUR);
    expect(
      (await enrolPhone(at, await ticketFor(at, id, { clientId: "gone" as never }))).answer,
    ).toMatchObject(OVER);
  });
});
