import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type UserId, userSubject } from "../../../../src/core/ids.ts";
import { DAY, HOUR, SECOND } from "../../../../src/core/time.ts";
import { asked, later, refusal, setStatus, site } from "../../support/approver.ts";
import { newTenant } from "../../support/authsignal.ts";
import { decide, newHolder, newParty, poll, start } from "../../support/ciba.ts";
import { claimsOf } from "../../support/cotter.ts";
import { authsignalPhone } from "../../support/devices.ts";
import { enrolPhone, newPhoneOf, newPhoneOwner, type Phone, ticketFor } from "../../support/phone.ts";

const at = site();
const approval = (number: string) => ({ decision: "approve", match_code: number }) as const;
const clientsOf = async (phone: Phone): Promise<string[]> =>
  // biome-ignore lint/suspicious/noExplicitAny: what the door has shown
  (await phone.prompts()).map(({ payload }: any) => payload.client.id);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("what stands before a phone of our pages", () => {
  test("requests of every client of its realm, whatever approve_through says, the newest first", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const parties = [
      await newParty(at, { approve_through: "own" }),
      await newParty(at, { approve_through: ["nobody" as never] }),
      await newParty(at, { approve_through: "realm" }),
    ];
    for (const party of parties) {
      later(SECOND);
      await start(at, party, id);
    }
    expect(await clientsOf(phone)).toEqual(parties.map((party) => party.id).toReversed());
  });

  test("none of a client that was disabled meanwhile", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const { prompt, number, party } = await asked(at, id, phone);
    await at.call(
      "PATCH",
      `/admin/clients/${party.id}`,
      { disabled: true },
      {
        Authorization: "Bearer dev-admin-token",
      },
    );
    later(31 * SECOND);
    expect(await phone.prompts()).toEqual([]);
    expect(await phone.decide(prompt, approval(number))).toMatchObject(refusal(404, "unknown_prompt"));
  });

  test("none that began before it was added", async () => {
    const { id, phone } = await newPhoneOwner(at);
    await start(at, await newParty(at), id);
    later(1);
    const young = await newPhoneOf(at, id, "key", { deviceId: phone.deviceId as never });
    expect(await young.prompts()).toEqual([]);
    await start(at, await newParty(at), id);
    expect(await young.prompts()).toHaveLength(1);
  });

  test("who was added lately stands before the older phones, and not before itself", async () => {
    const { id, phone } = await newPhoneOwner(at);
    later(1);
    const young = await newPhoneOf(at, id, "key", { deviceId: phone.deviceId as never });
    const listed = async (one: Phone) => (await one.call("GET", "/prompts")).body.new_devices;
    expect(await listed(phone)).toMatchObject([{ id: young.deviceId, removable: true, new: true }]);
    expect(await listed(young)).toEqual([]);
    later(DAY);
    expect(await listed(phone)).toEqual([]);
  });
});

describe("a phone that a client's device had let in", () => {
  /** A user of a vendor's app with a phone page that the app's phone has let in, beside one of their own. */
  async function letIn() {
    const { id, phone: own } = await newPhoneOwner(at);
    const tenant = await newTenant(at);
    const vendors = await authsignalPhone(at, { userId: id, through: tenant });
    later(1);
    const phone = await newPhoneOf(at, id, "key", { deviceId: vendors.id });
    return { id, own, tenant, phone };
  }

  test("is shown requests of that client, and of those that admit it", async () => {
    const { id, own, tenant, phone } = await letIn();
    const [strict, friend] = [
      await newParty(at, { approve_through: "own" }),
      await newParty(at, { approve_through: [tenant.id] }),
    ];
    const begun = await start(at, strict, id);
    await start(at, friend, id);
    expect(await clientsOf(phone)).toEqual([friend.id]);
    expect((await clientsOf(own)).toSorted()).toEqual([strict.id, friend.id].toSorted());
    const [prompt] = (await own.prompts()).filter(
      // biome-ignore lint/suspicious/noExplicitAny: what the door has shown
      ({ payload }: any) => payload.client.id === strict.id,
    );
    expect(await phone.decide(prompt, approval(String(begun.body.match_code)))).toMatchObject(
      refusal(404, "unknown_prompt"),
    );
  });

  test("lets in none that goes further", async () => {
    const { id, phone } = await letIn();
    const { body } = await phone.act("/tickets", "let_in_device");
    const { phone: next } = await enrolPhone(at, body.ticket, "key");
    await start(at, await newParty(at, { approve_through: "own" }), id);
    expect(await next?.prompts()).toEqual([]);
  });

  test("sees, renames and removes none of the user's other phones, however old it gets", async () => {
    const { own, phone } = await letIn();
    const listed = (await phone.call("GET", "/devices")).body.devices;
    // Itself, and the phone of the app that had let it in.
    expect(listed.map((device: { this: boolean }) => device.this)).toEqual([true, false]);
    expect(JSON.stringify(listed)).not.toContain(own.deviceId);
    later(25 * HOUR);
    const path = `/devices/${own.deviceId}`;
    const unknown = refusal(404, "unknown_device");
    expect(await phone.call("PATCH", path, { name: "Mine" })).toMatchObject(unknown);
    expect(await phone.act(`${path}/removal`, "remove_device", { target: own.deviceId })).toMatchObject(
      unknown,
    );
    expect((await own.call("GET", "/prompts")).status).toBe(200);
  });

  test("makes no recovery codes, which would open the whole account", async () => {
    const { own, phone } = await letIn();
    expect((await own.act("/recovery-codes", "recovery_codes")).status).toBe(201);
    later(25 * HOUR);
    expect(await phone.act("/recovery-codes", "recovery_codes")).toMatchObject(
      refusal(403, "not_allowed", { why: "let_in" }),
    );
  });

  test("hears of nothing that other clients did", async () => {
    const { id, own, phone } = await letIn();
    const { prompt, number, party, started } = await asked(at, id, own);
    await own.decide(prompt, approval(number));
    await poll(at, party, started);
    const other = await asked(at, id, own);
    await own.decide(other.prompt, { decision: "deny", not_me: true });
    const seen = async (one: Phone, path: string) => JSON.stringify((await one.call("GET", path)).body);
    expect(await seen(own, "/activity")).toContain('"approved"');
    expect(await seen(phone, "/activity")).not.toContain('"approved"');
    expect((await own.call("GET", "/prompts")).body.silences).toHaveLength(1);
    expect((await phone.call("GET", "/prompts")).body.silences).toEqual([]);
  });
});

describe("T33 a phone that a code alone has let in", () => {
  /** A user of a vendor's phone, whose mailbox somebody reads and adds a phone of their own. */
  async function thief() {
    const holder = await newHolder(at);
    const id = holder.id as UserId;
    later(1);
    return { holder, id, phone: await newPhoneOf(at, id, "key") };
  }
  const newDevice = { answers: ["deny"], why_not: "new_device" };

  test("approves nothing for a day that the vendor's phone could, and may decline", async () => {
    const { id, phone } = await thief();
    const { prompt, number } = await asked(at, id, phone, { approve_through: "realm" });
    expect(prompt).toMatchObject(newDevice);
    expect(await phone.decide(prompt, approval(number))).toMatchObject(
      refusal(403, "not_allowed", { why: "new_device" }),
    );
    expect((await phone.decide(prompt, { decision: "deny" })).status).toBe(200);
    later(DAY);
    const next = await asked(at, id, phone, { approve_through: "realm" });
    expect((await phone.decide(next.prompt, approval(next.number))).status).toBe(200);
  });

  test("approves what the vendor's phone could not", async () => {
    const { id, phone } = await thief();
    const { prompt, number } = await asked(at, id, phone, { approve_through: "own" });
    expect((await phone.decide(prompt, approval(number))).status).toBe(200);
  });

  test("does not launder itself by letting in another", async () => {
    const { id, phone } = await thief();
    later(HOUR);
    const { body } = await phone.act("/tickets", "let_in_device");
    const { phone: next } = await enrolPhone(at, body.ticket, "key");
    if (!next) throw new Error("no phone");
    expect((await asked(at, id, next, { approve_through: "realm" })).prompt).toMatchObject(newDevice);
    expect((await at.services.devices.byId(next.deviceId as never))?.byCode).toBe(true);
  });

  test("one that the vendor's phone or an older phone has let in may at once", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const second = await newPhoneOf(at, id, "key", { deviceId: phone.deviceId as never });
    expect((await at.services.devices.byId(second.deviceId as never))?.byCode).toBe(true);
    later(DAY);
    const third = await newPhoneOf(at, id, "key", { deviceId: phone.deviceId as never });
    expect((await at.services.devices.byId(third.deviceId as never))?.byCode).toBeUndefined();
  });
});

describe("T13 T14 what is shown", () => {
  const HOSTILE = "<img src=x onerror=alert(1)>\u202e&amp; \u0000";

  test("names of clients and texts stand there as text, in one line, and are what is signed", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const name = `Approve\n${HOSTILE}`;
    const party = await newParty(at, { brand: { name } }, { name });
    const begun = await start(at, party, id, { binding_message: "Table 4" });
    expect(begun.status).toBe(200);
    const [prompt] = await phone.prompts();
    expect(prompt.payload.client).toEqual({
      id: party.id,
      name: "Approve <img src=x onerror=alert(1)> &amp;",
    });
    expect(prompt.payload.shown.message).toBe("Table 4");
    expect((await phone.decide(prompt, approval(String(begun.body.match_code)))).status).toBe(200);
  });

  const details = (text: string): string => JSON.stringify([{ type: "payment", text }]);
  test.each([
    ["markup", "<script>alert(1)</script>"],
    ["marks that turn text around", "\u202e\u2066evil\u2069"],
    ["line ends and controls", "a\r\nb\u0000c\u0007"],
    ["all of 2 KB", "a".repeat(2_000)],
    ["signs of four bytes", "😀".repeat(100)],
    ["words of the wire", '","decision":"approve","x":"'],
  ])("details with %s are shown, signed and given to the client byte for byte", async (_, text) => {
    const { id, phone } = await newPhoneOwner(at);
    const over = { authorization_details: details(text) };
    const { prompt, number, party, started } = await asked(at, id, phone, {}, over);
    expect(prompt.payload.shown.details).toEqual([{ type: "payment", text }]);
    expect((await phone.decide(prompt, approval(number))).status).toBe(200);
    const { body } = await poll(at, party, started);
    expect(claimsOf(body.access_token).authorization_details).toMatchObject([{ type: "payment" }]);
  });

  test.each([
    ["a lone surrogate", '[{"type":"t","text":"\\ud800x"}]'],
    ["a lone surrogate in a name", '[{"type":"t","\\udc00":1}]'],
    ["the name of a prototype", '[{"type":"t","__proto__":{"a":1}}]'],
    ["numbers past what JSON writes", '[{"type":"t","n":1e999,"m":-0,"k":1e21}]'],
    ["deep nests", `[{"type":"t","d":${"[".repeat(500)}${"]".repeat(500)}}]`],
  ])("T107 details with %s are shown and can be answered", async (_, text) => {
    const { id, phone } = await newPhoneOwner(at);
    const { prompt, number } = await asked(at, id, phone, {}, { authorization_details: text });
    expect((await phone.decide(prompt, approval(number))).status).toBe(200);
  });

  test("a locked user's phone is asked nothing new", async () => {
    const { id, phone } = await newPhoneOwner(at);
    await asked(at, id, phone);
    await setStatus(at, id, "locked");
    expect((await at.services.inboxes.view(userSubject(id))).prompts).toEqual([]);
  });
});

describe("what happened to the account", () => {
  test("is listed with the names of clients, and without what only the operator is told", async () => {
    const { id, phone } = await newPhoneOwner(at);
    later(SECOND);
    const { prompt, number, party, started } = await asked(at, id, phone);
    await phone.decide(prompt, approval(number));
    expect(claimsOf((await poll(at, party, started)).body.id_token).sub).toBe(id);
    const { events } = (await phone.call("GET", "/activity")).body;
    expect(events).toMatchObject([
      { type: "approved", client: "Shop", at: expect.any(String) },
      { type: "device_added" },
    ]);
    expect(events.flatMap(Object.keys)).not.toEqual(expect.arrayContaining(["ip", "actor", "data"]));
  });

  test("a vendor's phone that decides is listed too", async () => {
    const holder = await newHolder(at);
    const phone = await newPhoneOf(at, holder.id as UserId);
    await start(at, await newParty(at), holder.id);
    await decide(at, holder, false);
    expect(JSON.stringify((await phone.call("GET", "/activity")).body.events)).toContain('"denied"');
  });

  test.each(["", "x", "%00", "../..", "a".repeat(500)])(
    "T107 goes on after %j without a fault",
    async (after) => {
      const { phone } = await newPhoneOwner(at, "key");
      const { status } = await phone.call("GET", `/activity?after=${encodeURIComponent(after)}`);
      expect(status).toBe(200);
    },
  );

  test("a ticket without a realm's client is none", async () => {
    const { id } = await newPhoneOwner(at);
    const { answer } = await enrolPhone(at, await ticketFor(at, id, { clientId: "nobody" as never }));
    expect(answer).toMatchObject(refusal(410, "ticket_over"));
  });
});
