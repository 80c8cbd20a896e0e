import { describe, expect, test } from "vitest";
import { createPhone } from "../../../packages/countersign/src/phone/phone.ts";
import { listen } from "../support/listener.ts";
import { place } from "../support/place.ts";
import { memoryKeys, newLine, newOwner, newPhone, newShop, theOne, wrongNumber } from "./support.ts";

const DETAILS = [{ type: "payment", amount: "45.00", to: "Büro Müller" }];

describe("a phone by the library", () => {
  test("shows whose phone it becomes, and is nobody's where its person says no", async () => {
    const owner = await newOwner();
    const phone = createPhone({ issuer: place().origin, keys: memoryKeys() });
    const asked: string[] = [];
    const confirm = (account: string) => asked.push(account) === 0;
    await expect(phone.enrol(await owner.ticket(), { confirm })).rejects.toMatchObject({
      code: "not_signed",
    });
    expect(asked).toEqual([owner.email]);
    expect(await phone.me()).toBeUndefined();
    await expect(phone.prompts()).rejects.toMatchObject({ code: "session_over" });
    const me = await phone.enrol(await owner.ticket(), { name: "Ana's phone", confirm: () => true });
    expect(me).toEqual({ account: owner.email, device: { id: me.device.id, kind: "key" } });
    expect(await phone.me()).toEqual(me);
    expect(await phone.devices()).toMatchObject([{ id: me.device.id, name: "Ana's phone", isThis: true }]);
  });

  test("shows what is asked, and approves it with the number", async () => {
    const [owner, shop] = [await newOwner(), await newShop()];
    const phone = await newPhone(owner);
    const details = JSON.stringify(DETAILS);
    const started = await shop.ask(owner.userId, {
      binding_message: "Table 4",
      authorization_details: details,
    });
    const prompt = await theOne(phone);
    expect(prompt).toMatchObject({ match: "number", answers: ["deny", "approve"] });
    expect(prompt.payload).toMatchObject({
      iss: place().origin,
      id: prompt.id,
      client: { name: "Shop" },
      shown: { message: "Table 4", details: DETAILS },
    });
    await expect(prompt.approve()).rejects.toMatchObject({
      code: "invalid_argument",
      error: "number_needed",
    });
    expect(await prompt.approve({ matchCode: started.match_code?.replace(/^.../, "$& ") ?? "" })).toBe(
      "approved",
    );
    expect(await prompt.state()).toBe("approved");
    expect((await shop.collect(started)).status).toBe(200);
  });

  test("T04 a wrong number says how many tries are left, and the right one is taken", async () => {
    const [owner, shop] = [await newOwner(), await newShop()];
    const phone = await newPhone(owner);
    const started = await shop.ask(owner.userId);
    const prompt = await theOne(phone);
    await expect(prompt.approve({ matchCode: wrongNumber(started.match_code) })).rejects.toMatchObject({
      code: "refused",
      status: 422,
      error: "wrong_match_code",
      data: { left: 4 },
    });
    expect(await prompt.approve({ matchCode: started.match_code ?? "" })).toBe("approved");
  });

  test("declines, and reports whoever asked", async () => {
    const [owner, shop] = [await newOwner(), await newShop()];
    const phone = await newPhone(owner);
    const first = await shop.ask(owner.userId);
    expect(await (await theOne(phone)).decline()).toBe("denied");
    expect((await shop.collect(first)).body.error).toBe("access_denied");
    await shop.ask(owner.userId);
    expect(await (await theOne(phone)).decline({ notMe: true })).toBe("denied");
    const { silences } = await phone.prompts();
    expect(silences).toMatchObject([{ client: "Shop" }]);
    expect(silences[0]?.until.getTime()).toBeGreaterThan(Date.now());
  });

  test("T96 scans the QR code of a waiting screen, and types no number", async () => {
    const [owner, shop] = [await newOwner(), await newShop()];
    const phone = await newPhone(owner);
    const started = await shop.ask(owner.userId);
    const screen = listen(String(started.socket_uri), String(started.auth_req_id));
    await screen.heard(1);
    screen.send("qr");
    const [first = "", second = ""] = await screen.heard(2);
    const text = `${place().origin}/phone#scan=${JSON.parse(first).id}.${JSON.parse(second).frame}`;
    const prompt = await phone.scan(text);
    expect(prompt.match).toBe("none");
    expect(await prompt.approve()).toBe("approved");
    expect((await shop.collect(started)).status).toBe(200);
    screen.close();
    await expect(phone.scan(text.replace(/\.[^.]*$/, `.${"A".repeat(22)}`))).rejects.toMatchObject({
      status: 410,
      error: "old_frame",
    });
    await expect(phone.scan("https://evil.example/phone#scan=a.b")).rejects.toMatchObject({
      error: "wrong_link",
    });
  });

  test("types the code of a device without a browser", async () => {
    const [owner, shop] = [await newOwner(), await newShop()];
    const phone = await newPhone(owner);
    const started = await shop.askDevice();
    const prompt = await phone.enterCode(` ${started.user_code?.toLowerCase()} `);
    expect(prompt.payload.shown.code).toBe(started.user_code?.replace("-", ""));
    expect(await prompt.approve()).toBe("approved");
    expect((await shop.collect(started)).status).toBe(200);
    const next = await shop.askDevice();
    const other = await phone.scan(`${place().origin}/phone#code=${next.user_code}`);
    expect(await other.decline()).toBe("denied");
    expect((await shop.collect(next)).body.error).toBe("access_denied");
  });

  test("an app's own unlock stands before the signature", async () => {
    const [owner, shop, line] = [await newOwner(), await newShop(), newLine()];
    const phone = await newPhone(owner, { fetch: line.fetch });
    const started = await shop.ask(owner.userId);
    const prompt = await theOne(phone);
    const matchCode = started.match_code ?? "";
    line.calls.length = 0;
    await expect(prompt.approve({ matchCode, unlock: async () => false })).rejects.toMatchObject({
      code: "not_signed",
      reason: "locked",
    });
    expect(line.calls).toEqual([]);
    expect(await prompt.approve({ matchCode, unlock: () => true })).toBe("approved");
  });
});

describe("what a phone keeps and changes", () => {
  test("renames itself, lets another phone in, and is removed by it", async () => {
    const owner = await newOwner();
    const ended: string[] = [];
    const first = await newPhone(owner, { onEnded: (why) => ended.push(why) });
    const { device } = (await first.me()) ?? {};
    expect(await first.rename(device?.id ?? "", "Kitchen")).toMatchObject({ name: "Kitchen" });
    const { url, ticket, expiresAt } = await first.ticket();
    expect(url).toBe(`${place().origin}/phone#add=${ticket}`);
    expect(expiresAt.getTime()).toBeGreaterThan(Date.now());
    const second = createPhone({ issuer: place().origin, keys: memoryKeys() });
    await second.enrol(ticket, { name: "Tablet", confirm: (account) => account === owner.email });
    expect((await first.devices()).map(({ name }) => name).sort()).toEqual(["Kitchen", "Tablet"]);
    const { newDevices } = await first.prompts();
    expect(newDevices).toMatchObject([{ name: "Tablet", isNew: true, isRemovable: true }]);
    const added = newDevices[0]?.id ?? "";
    await expect(second.remove(device?.id ?? "")).rejects.toMatchObject({ error: "not_allowed" });
    await first.remove(added);
    await expect(second.prompts()).rejects.toMatchObject({ code: "refused", error: "not_a_device" });
    expect(await second.me()).toBeUndefined();
    await first.remove(device?.id ?? "");
    expect(ended).toEqual(["removed"]);
    expect(await first.me()).toBeUndefined();
  });

  test("makes ten recovery codes, and tells what happened", async () => {
    const phone = await newPhone(await newOwner());
    expect(await phone.recoveryCodes()).toEqual({ left: 0 });
    expect(await phone.newRecoveryCodes()).toHaveLength(10);
    expect(await phone.recoveryCodes()).toEqual({ left: 10 });
    await expect
      .poll(async () => (await phone.activity()).events.map(({ type }) => type))
      .toEqual(expect.arrayContaining(["recovery_codes_made", "device_added"]));
    const { events } = await phone.activity();
    expect(events[0]?.at).toBeInstanceOf(Date);
  });

  test("is woken by nothing that this deployment does not send to", async () => {
    const phone = await newPhone(await newOwner());
    expect(await phone.push()).toEqual({});
    const keys = { p256dh: "B".repeat(87), auth: "A".repeat(22) };
    const endpoint = "https://updates.push.services.mozilla.com/wpush/1";
    await expect(phone.setPush({ endpoint, keys })).rejects.toMatchObject({ status: 422, error: "no_push" });
    // An app's token is taken in development, for the outbox.
    await phone.setPush({ fcm: { token: "registration:1" } });
    expect(await phone.push()).toEqual({ fcm: expect.stringMatching(/^[\w-]{43}$/) });
    await phone.setPush(undefined);
    expect(await phone.push()).toEqual({});
  });

  test("forgets its key when its person signs out, and stays in the account", async () => {
    const owner = await newOwner();
    const keys = memoryKeys();
    const phone = await newPhone(owner, { keys });
    const other = createPhone({ issuer: place().origin, keys: memoryKeys() });
    await other.enrol((await phone.ticket()).ticket, { confirm: () => true });
    await phone.signOut();
    expect(await keys.load()).toBeUndefined();
    await expect(phone.prompts()).rejects.toMatchObject({ code: "session_over" });
    expect(await other.devices()).toHaveLength(2);
  });
});
