import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { UserId } from "../../../../src/core/ids.ts";
import { DAY, HOUR, MINUTE } from "../../../../src/core/time.ts";
import { asked, later, refusal, site } from "../../support/approver.ts";
import { newHolder, poll, post as postForm } from "../../support/ciba.ts";
import { newPhoneOf, newPhoneOwner, ORIGIN, type Phone } from "../../support/phone.ts";

const at = site();
const UNKNOWN = refusal(404, "unknown_device");
const NEW = refusal(403, "not_allowed", { why: "new_device" });
const remove = (phone: Phone, target: string) =>
  phone.act(`/devices/${target}/removal`, "remove_device", { target });
const devicesOf = async (phone: Phone) => (await phone.call("GET", "/devices")).body.devices;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A user with a phone of two days, and one that it has let in a moment ago. */
async function pair() {
  const { id, phone: old, address } = await newPhoneOwner(at);
  later(2 * DAY);
  const young = await newPhoneOf(at, id, "key", { deviceId: old.deviceId as never });
  return { id, old, young, address };
}

describe("the list of devices", () => {
  test("has every device of the user, whichever door enrolled it", async () => {
    const holder = await newHolder(at);
    later(1);
    const phone = await newPhoneOf(at, holder.id as UserId);
    expect(await devicesOf(phone)).toEqual([
      {
        id: phone.deviceId,
        name: "Ana's phone",
        kind: "passkey",
        enrolled_at: new Date().toISOString(),
        this: true,
        new: true,
        removable: true,
      },
      expect.objectContaining({ name: "Pixel", kind: "MOBILE", this: false, new: true, removable: false }),
    ]);
  });

  test("T14 a name is one line of text, whatever was typed", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    const named = await phone.call("PATCH", `/devices/${phone.deviceId}`, {
      name: " <b>Ana's</b>\n\u202ephone ",
    });
    expect(named.body.name).toBe("<b>Ana's</b> phone");
    const long = await phone.call("PATCH", `/devices/${phone.deviceId}`, { name: "x".repeat(100) });
    expect([...long.body.name]).toHaveLength(60);
    for (const name of ["", " \u200e\n ", 5, null, "x".repeat(201)]) {
      expect(await phone.call("PATCH", `/devices/${phone.deviceId}`, { name })).toMatchObject(
        refusal(400, "malformed"),
      );
    }
  });

  test("T106 nobody names or removes what is another user's", async () => {
    const [ana, bob] = [await newPhoneOwner(at), await newPhoneOwner(at)];
    for (const target of [ana.phone.deviceId, crypto.randomUUID(), "x", ana.id]) {
      expect(await bob.phone.call("PATCH", `/devices/${target}`, { name: "Mine" })).toMatchObject(UNKNOWN);
      expect(await remove(bob.phone, target)).toMatchObject(UNKNOWN);
    }
  });
});

describe("T33 a removal", () => {
  test("by a new device takes none that is older", async () => {
    const { old, young } = await pair();
    expect((await devicesOf(young)).map((device: { removable: boolean }) => device.removable)).toEqual([
      true,
      false,
    ]);
    expect(await remove(young, old.deviceId)).toMatchObject(NEW);
    later(DAY);
    expect((await remove(young, old.deviceId)).status).toBe(204);
  });

  test("by an older one takes back a new one, a vendor's too, and tells every address", async () => {
    const { old, young, address } = await pair();
    at.messages.length = 0;
    expect((await remove(old, young.deviceId)).status).toBe(204);
    expect(await young.call("GET", "/prompts")).toMatchObject(refusal(401, "session_over"));
    expect(at.messages.map(({ to, template }) => [to, template])).toEqual([[address, "device_removed"]]);
    expect(await remove(old, young.deviceId)).toMatchObject(UNKNOWN);
  });

  test("of a vendor's device that is not new is its own door's", async () => {
    const holder = await newHolder(at);
    const phone = await newPhoneOf(at, holder.id as UserId);
    later(2 * DAY);
    const [vendors] = (await devicesOf(phone)).filter((device: { this: boolean }) => !device.this);
    expect(await remove(phone, vendors.id)).toMatchObject(refusal(403, "not_allowed", { why: "other_door" }));
  });

  test("T100 of two phones that remove each other at once one stays", async () => {
    const { id, phone: one } = await newPhoneOwner(at, "key");
    const other = await newPhoneOf(at, id, "key", { deviceId: one.deviceId as never });
    later(2 * DAY);
    const answers = await Promise.all([remove(one, other.deviceId), remove(other, one.deviceId)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 401]);
    expect(await at.services.devices.ofUser(id)).toHaveLength(1);
  });

  test("ends the grants that the device had opened", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    const { prompt, number, party, started } = await asked(at, id, phone);
    await phone.decide(prompt, { decision: "approve", match_code: number });
    const { body } = await poll(at, party, started);
    expect((await remove(phone, phone.deviceId)).status).toBe(204);
    const introspected = await postForm(at, party, "/introspect", { token: String(body.access_token) });
    expect(introspected.body.active).toBe(false);
  });
});

describe("T24 an act of a device", () => {
  test("is signed for its own use, device, issuer, time and target", async () => {
    const { old, young } = await pair();
    const at0 = Math.floor(Date.now() / 1000);
    const right = {
      v: 1,
      iss: ORIGIN,
      use: "remove_device",
      device: old.deviceId,
      target: young.deviceId,
      at: at0,
    };
    const others = [
      { ...right, use: "let_in_device" },
      { ...right, device: young.deviceId },
      { ...right, iss: "https://evil.example" },
      { ...right, target: old.deviceId },
      { ...right, at: at0 + 1 },
      { ...right, v: 2 },
      { ...right, more: 1 },
    ];
    const path = `/devices/${young.deviceId}/removal`;
    for (const other of others) {
      const answer = await old.call("POST", path, { at: at0, ...(await old.sign(other)) });
      expect(answer).toMatchObject(refusal(403, "bad_signature"));
    }
    expect((await young.call("GET", "/prompts")).status).toBe(200);
    expect((await old.call("POST", path, { at: at0, ...(await old.sign(right)) })).status).toBe(204);
  });

  test.each(["passkey", "key"] as const)("is good once: %s", async (kind) => {
    const { phone } = await newPhoneOwner(at, kind);
    const at0 = Math.floor(Date.now() / 1000);
    const text = { v: 1, iss: ORIGIN, use: "let_in_device", device: phone.deviceId, at: at0 };
    const signed = { at: at0, ...(await phone.sign(text)) };
    const all = await Promise.all(Array.from({ length: 5 }, () => phone.call("POST", "/tickets", signed)));
    expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(all.filter(({ status }) => status === 403)).toHaveLength(4);
    // Another signature of the same is the same act.
    const again = await phone.call("POST", "/tickets", { at: at0, ...(await phone.sign(text)) });
    expect(again).toMatchObject(refusal(403, "bad_signature"));
  });

  test.each([-61, 61])("is of this minute: %d s", async (off) => {
    const { phone } = await newPhoneOwner(at, "key");
    const at0 = Math.floor(Date.now() / 1000) + off;
    const text = { v: 1, iss: ORIGIN, use: "recovery_codes", device: phone.deviceId, at: at0 };
    const answer = await phone.call("POST", "/recovery-codes", { at: at0, ...(await phone.sign(text)) });
    expect(answer).toMatchObject(refusal(403, "bad_signature"));
    expect((await phone.call("GET", "/recovery-codes")).body).toEqual({ left: 0 });
  });

  test("is not the answer to a request, and the other way round", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    const { prompt, number } = await asked(at, id, phone);
    const at0 = Math.floor(Date.now() / 1000);
    const act = await phone.sign({
      v: 1,
      iss: ORIGIN,
      use: "let_in_device",
      device: phone.deviceId,
      at: at0,
    });
    const said = { decision: "approve", match_code: number } as const;
    expect(await phone.call("POST", `/prompts/${prompt.id}/decision`, { ...said, ...act })).toMatchObject(
      refusal(403, "bad_signature"),
    );
    const answer = await phone.sign({ ...prompt.payload, ...said });
    expect(await phone.call("POST", "/tickets", { at: at0, ...answer })).toMatchObject(
      refusal(403, "bad_signature"),
    );
    const proof = await phone.key.proof("POST", "/approver/tickets", { token: phone.token });
    expect(await phone.call("POST", "/tickets", { at: at0, signature: proof })).toMatchObject(
      refusal(403, "bad_signature"),
    );
  });
});

describe("recovery codes", () => {
  test("are ten, shown once, and kept nowhere", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    const { status, body } = await phone.act("/recovery-codes", "recovery_codes");
    expect(status).toBe(201);
    expect(new Set(body.codes).size).toBe(10);
    expect(body.codes[0]).toMatch(/^[0-9a-z]{4}(-[0-9a-z]{4}){3}$/);
    expect((await phone.call("GET", "/recovery-codes")).body).toEqual({ left: 10 });
  });

  test("a phone replaces its own at any time", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    const first = (await phone.act("/recovery-codes", "recovery_codes")).body.codes;
    later(MINUTE);
    const second = (await phone.act("/recovery-codes", "recovery_codes")).body.codes;
    expect(second).toHaveLength(10);
    expect(second).not.toEqual(first);
  });

  test("T33 a new phone replaces none that an older one has made", async () => {
    const { old, young } = await pair();
    expect((await old.act("/recovery-codes", "recovery_codes")).status).toBe(201);
    expect(await young.act("/recovery-codes", "recovery_codes")).toMatchObject(NEW);
    later(23 * HOUR);
    expect(await young.act("/recovery-codes", "recovery_codes")).toMatchObject(NEW);
    later(HOUR);
    expect((await young.act("/recovery-codes", "recovery_codes")).status).toBe(201);
  });
});
