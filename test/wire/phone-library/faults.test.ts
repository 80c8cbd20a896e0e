import { afterEach, describe, expect, test } from "vitest";
import {
  createPhone,
  type Listed,
  type Standing,
  type Watch,
} from "../../../packages/countersign/src/phone/phone.ts";
import { place } from "../support/place.ts";
import { newCable } from "./cable.ts";
import {
  lost,
  memoryKeys,
  newLine,
  newOwner,
  newPhone,
  newShop,
  operator,
  refusedAs,
  theOne,
} from "./support.ts";

/** How long an event may take on a machine with much else to do; what comes is seen when it comes. */
const PATIENT = { timeout: 10_000 };

const watches: Watch[] = [];
afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
});

const decisions = (calls: readonly string[]) => calls.filter((call) => call.endsWith("/decision"));

describe("an answer that is lost", () => {
  test("T28 is not sent again by itself; sent again by its person it says who has won", async () => {
    const [owner, shop, line] = [await newOwner(), await newShop(), newLine()];
    const phone = await newPhone(owner, { fetch: line.fetch });
    const started = await shop.ask(owner.userId);
    const prompt = await theOne(phone);
    const matchCode = started.match_code ?? "";
    line.once(/\/decision$/, lost);
    await expect(prompt.approve({ matchCode })).rejects.toMatchObject({ code: "network" });
    expect(decisions(line.calls)).toHaveLength(1);
    expect(await prompt.state()).toBe("approved");
    await expect(prompt.approve({ matchCode })).rejects.toMatchObject({
      code: "refused",
      status: 409,
      error: "already_decided",
      data: { winner: "approve" },
    });
    await expect(prompt.decline()).rejects.toMatchObject({ data: { winner: "approve" } });
    expect((await shop.collect(started)).status).toBe(200);
  });

  test("to a typed code says the same", async () => {
    const [owner, shop, line] = [await newOwner(), await newShop(), newLine()];
    const phone = await newPhone(owner, { fetch: line.fetch });
    const started = await shop.askDevice();
    const prompt = await phone.enterCode(started.user_code ?? "");
    line.once(/\/decision$/, lost);
    await expect(prompt.decline()).rejects.toMatchObject({ code: "network" });
    await expect(prompt.approve()).rejects.toMatchObject({
      error: "already_decided",
      data: { winner: "deny" },
    });
  });

  test("of an enrolment costs nothing: the same call by the same key makes one device", async () => {
    const [owner, line] = [await newOwner(), newLine()];
    line.once(/\/enrolments$/, lost);
    const phone = await newPhone(owner, { fetch: line.fetch });
    expect(line.calls.filter((call) => call.endsWith("/enrolments"))).toHaveLength(2);
    expect(await phone.devices()).toHaveLength(1);
  });

  test("of an act that is good once is not sent again", async () => {
    const [owner, line] = [await newOwner(), newLine()];
    const phone = await newPhone(owner, { fetch: line.fetch });
    line.once(/\/recovery-codes$/, lost);
    await expect(phone.newRecoveryCodes()).rejects.toMatchObject({ code: "network" });
    expect(line.calls.filter((call) => call === "POST /approver/recovery-codes")).toHaveLength(1);
    expect(await phone.recoveryCodes()).toEqual({ left: 10 });
  });
});

describe("a session that ends in the middle", () => {
  test("T102 of whoever was signed out everywhere is opened again by the key", async () => {
    const [owner, line] = [await newOwner(), newLine()];
    const phone = await newPhone(owner, { fetch: line.fetch });
    // Sessions know whole seconds: the end has to be of a later one, and the next session of a later one still.
    const second = () => new Promise((later) => setTimeout(later, 1_100));
    await second();
    expect(await operator()("DELETE", `/admin/users/${owner.userId}/grants`)).toMatchObject({ status: 204 });
    await second();
    line.calls.length = 0;
    expect(await phone.devices()).toHaveLength(1);
    const asked = "GET /approver/devices";
    expect(line.calls).toEqual([asked, "POST /approver/sessions", asked]);
  });

  test("under an answer is opened again, and the answer that was refused goes on", async () => {
    const [owner, shop, line] = [await newOwner(), await newShop(), newLine()];
    const phone = await newPhone(owner, { fetch: line.fetch });
    const started = await shop.ask(owner.userId);
    const prompt = await theOne(phone);
    line.once(/\/decision$/, refusedAs(401, "session_over"));
    expect(await prompt.approve({ matchCode: started.match_code ?? "" })).toBe("approved");
    expect(decisions(line.calls)).toHaveLength(2);
    expect((await shop.collect(started)).status).toBe(200);
  });

  test("is opened once for calls that find out at the same time", async () => {
    const [owner, line] = [await newOwner(), newLine()];
    const phone = await newPhone(owner, { fetch: line.fetch });
    for (let i = 0; i < 3; i++) line.once(/devices|activity/, refusedAs(401, "session_over"));
    line.calls.length = 0;
    await Promise.all([phone.devices(), phone.activity(), phone.devices()]);
    expect(line.calls.filter((call) => call === "POST /approver/sessions")).toHaveLength(1);
  });

  test("a second 401 is told and not tried again", async () => {
    const [owner, line] = [await newOwner(), newLine()];
    const phone = await newPhone(owner, { fetch: line.fetch });
    for (let i = 0; i < 2; i++) line.once(/devices/, refusedAs(401, "session_over"));
    await expect(phone.devices()).rejects.toMatchObject({ code: "session_over", status: 401 });
  });

  test("a user who is locked is told, and the key stays", async () => {
    const [owner, ended] = [await newOwner(), [] as string[]];
    const keys = memoryKeys();
    const phone = await newPhone(owner, { keys, onEnded: (why) => ended.push(why) });
    await operator()("PATCH", `/admin/users/${owner.userId}`, { json: { status: "locked" } });
    await expect(phone.prompts()).rejects.toMatchObject({ code: "refused", error: "user_locked" });
    expect(ended).toEqual(["locked"]);
    expect(await keys.load()).toMatchObject({ account: owner.email });
  });
});

describe("a clock that is wrong", () => {
  test.each([-3, 3])("by %i hours is put right by the first answer", async (hours) => {
    const [owner, shop] = [await newOwner(), await newShop({ insecure_tap: true })];
    const clock = () => Date.now() + hours * 3_600_000;
    const phone = createPhone({ issuer: place().origin, keys: memoryKeys(), clock });
    await phone.enrol(await owner.ticket(), { confirm: () => true });
    expect(Math.abs(phone.now() - Date.now())).toBeLessThan(5_000);
    await shop.ask(owner.userId);
    expect(await (await theOne(phone)).approve()).toBe("approved");
  });

  test("an act waits for the server's clock, as it names its minute", async () => {
    const [owner, keys] = [await newOwner(), memoryKeys()];
    await newPhone(owner, { keys });
    const again = createPhone({ issuer: place().origin, keys, clock: () => Date.now() - 3_600_000 });
    expect(await again.newRecoveryCodes()).toHaveLength(10);
  });
});

type Heard = { readonly lists: Listed[]; readonly standings: Standing[] };

describe("a watch", () => {
  const watched = async (options: Parameters<typeof newPhone>[1] = {}) => {
    const owner = await newOwner();
    const phone = await newPhone(owner, options);
    const heard: Heard = { lists: [], standings: [] };
    const ends = new AbortController();
    const watch = phone.watch({
      onPrompts: (listed) => heard.lists.push(listed),
      onStanding: (standing) => heard.standings.push(standing),
      signal: ends.signal,
    });
    watches.push(watch);
    return { owner, phone, heard, ends, watch };
  };

  test("hears of a request by the socket, and again after the line was cut", async () => {
    const cable = await newCable(place().origin);
    const { owner, heard } = await watched({ base: cable.origin });
    const shop = await newShop();
    await expect.poll(() => heard.standings.at(-1), PATIENT).toBe("live");
    await shop.ask(owner.userId);
    await expect.poll(() => heard.lists.at(-1)?.prompts.length, PATIENT).toBe(1);
    const before = heard.standings.length;
    cable.cut();
    await expect.poll(() => heard.standings.slice(before).includes("away"), PATIENT).toBe(true);
    await expect.poll(() => heard.standings.at(-1), PATIENT).toBe("live");
    const [listed] = heard.lists.at(-1)?.prompts ?? [];
    await shop.ask(owner.userId);
    await expect.poll(() => heard.lists.at(-1)?.prompts[0]?.id, PATIENT).not.toBe(listed?.id);
    await cable.close();
  });

  test("without sockets asks when it is told to, and says when nothing comes through", async () => {
    const line = newLine();
    class None {
      constructor() {
        throw new Error("no sockets here");
      }
    }
    const { owner, heard, watch } = await watched({
      fetch: line.fetch,
      WebSocket: None as unknown as typeof WebSocket,
    });
    await expect.poll(() => heard.lists.length, PATIENT).toBe(1);
    await (await newShop()).ask(owner.userId);
    await watch.refresh();
    expect(heard.lists.at(-1)?.prompts).toHaveLength(1);
    line.once(/prompts/, lost);
    await watch.refresh();
    expect(heard.standings.at(-1)).toBe("offline");
  });

  test("ends with its signal", async () => {
    const { owner, heard, ends, watch } = await watched();
    await expect.poll(() => heard.standings.at(-1), PATIENT).toBe("live");
    ends.abort();
    const before = heard.lists.length;
    await (await newShop()).ask(owner.userId);
    await watch.refresh();
    expect(heard.lists).toHaveLength(before);
  });
});
