import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ClientId, DeviceId } from "../../../../src/core/ids.ts";
import { fresh, newPhone } from "../../support/cotter.ts";
import { exchange, newPageClient, ORIGIN, pageDeployment, readable, verified } from "../../support/page.ts";
import { mainUser } from "../../support/people.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

const DAY = 86_400_000;
const later = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);
const IP = "198.51.100.23";
const at = pageDeployment();

/** Somebody who has proven an address and enrolled a phone, and the letter that told them so. */
async function enrolled(name = "Ana's phone", client?: ClientId) {
  const through = client ?? (await newPageClient(at, {}));
  const address = `${fresh("ana")}@example.com`;
  const { body, key } = await exchange(at, through, await verified(at, through, address));
  const id = String(body.user.ID);
  const ask = async (method: string, path: string, sent: object, headers = {}) =>
    await at.ask(`/api/v0${path}`, {
      method,
      headers: { "Content-Type": "application/json", API_KEY_ID: through, ...headers },
      body: JSON.stringify(sent),
    });
  const phone = { method: "TRUSTED_DEVICE", enrolled: true, algorithm: "ED25519", device_name: name };
  const first = await ask(
    "PUT",
    `/user/methods?cotter_user_id=${id}&oauth_token=true`,
    { ...phone, code: (await newPhone()).publicKey },
    { Cookie: `enrol=${key}` },
  );
  const { oauth_token } = await first.json<{ oauth_token: { refresh_token: string } }>();
  const letter = at.messages.find((one) => one.template === "device_enrolled" && one.to === address);
  const link = new URL(letter?.link ?? "");
  const events = async () => at.services.records.events({ userId: mainUser(id).id, size: 50 });
  return {
    id,
    client: through,
    link,
    token: link.searchParams.get("t") ?? "",
    live: async () => (await at.services.devices.ofUser(mainUser(id).id)).map((device) => device.id),
    refresh: async () => (await ask("POST", "/token", { refresh_token: oauth_token.refresh_token })).status,
    removals: async () => (await events()).filter(({ type }) => type === "device.revoked"),
    letters: () => at.messages.filter((one) => one.template === "device_removed" && one.to === address),
  };
}

type Enrolled = Awaited<ReturnType<typeof enrolled>>;

const look = async (token: string, init: RequestInit = {}) => {
  const answer = await at.ask(`/phone/undo?${new URLSearchParams({ t: token })}`, init);
  return { status: answer.status, headers: answer.headers, html: await answer.text() };
};

const press = async (
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
) => {
  const answer = await at.ask("/phone/undo", {
    method: "POST",
    headers: {
      "Content-Type": "application/x-www-form-urlencoded",
      Origin: "null",
      "Sec-Fetch-Site": "same-origin",
      "CF-Connecting-IP": IP,
      ...headers,
    },
    body: new URLSearchParams(fields).toString(),
  });
  return { status: answer.status, text: readable(await answer.text()) };
};

const undo = ({ token }: Pick<Enrolled, "token">) => press({ t: token, sure: "yes" });

async function stands(person: Enrolled): Promise<void> {
  expect(await person.live()).toHaveLength(1);
  expect(await person.removals()).toEqual([]);
  expect(await person.refresh()).toBe(200);
}

describe("T33 a new device is taken back by the letter that told of it", () => {
  test("T33 once: it approves nothing more, its sessions end, and every proven address hears of it", async () => {
    const person = await enrolled();
    expect(`${person.link.origin}${person.link.pathname}`).toBe(`${ORIGIN}/phone/undo`);
    const [deviceId] = await person.live();
    const { status, text } = await undo(person);
    expect([status, text]).toEqual([200, expect.stringContaining("The device was taken back")]);
    expect(await person.live()).toEqual([]);
    expect(await person.refresh()).not.toBe(200);
    expect(await person.removals()).toMatchObject([
      { deviceId, reason: "undone", actor: "anonymous", ip: IP },
    ]);
    expect(person.letters()).toHaveLength(1);
    const again = await undo(person);
    expect([again.status, again.text]).toEqual([410, expect.stringContaining("gone already")]);
    expect((await look(person.token)).status).toBe(410);
    expect([await person.removals(), person.letters()].map(({ length }) => length)).toEqual([1, 1]);
  });

  test("T33 race: pressed twenty times at once it is removed once and told once", async () => {
    const person = await enrolled();
    const answers = await Promise.all(Array.from({ length: 20 }, () => undo(person)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await person.removals()).toHaveLength(1);
    expect(person.letters()).toHaveLength(1);
  });

  test("T33 T68 who looks changes nothing, however often: a person, a scanner, a preview", async () => {
    const person = await enrolled(`<b>Mallory's</b> "phone"`);
    for (const method of ["GET", "HEAD", "GET", "HEAD"]) {
      const { status, headers, html } = await look(person.token, { method });
      expect([status, headers.get("Cache-Control"), headers.get("Referrer-Policy")]).toEqual([
        200,
        "no-store",
        "no-referrer",
      ]);
      if (method === "HEAD") continue;
      expect(html).toContain("&lt;b&gt;Mallory&#39;s&lt;/b&gt; &quot;phone&quot;");
      expect(html.match(/<button/g)).toHaveLength(1);
    }
    await stands(person);
  });

  test("T33 T221 a program that follows the link and presses the button changes nothing", async () => {
    const person = await enrolled();
    for (const sure of [{}, { sure: "no" }, { sure: "" }] as const) {
      const { status, text } = await press({ t: person.token, ...sure });
      expect([status, text]).toEqual([422, expect.stringContaining("Tick the box")]);
    }
    await stands(person);
    expect((await undo(person)).status).toBe(200);
  });

  test("T33 a page of another site presses nothing, and frames nothing", async () => {
    const person = await enrolled();
    for (const headers of [{ "Sec-Fetch-Site": "cross-site" }, { Origin: "https://evil.example" }]) {
      expect((await press({ t: person.token, sure: "yes" }, headers)).status).toBe(404);
    }
    const framed = await look(person.token, { headers: { "Sec-Fetch-Dest": "iframe" } });
    expect(framed.status).toBe(403);
    expect(framed.html).not.toContain("<form");
    await stands(person);
  });

  test("T33 T49 a link that no letter had is 404, and no table is read for it", async () => {
    const person = await enrolled();
    const [user = "", device = "", since = "", mac = ""] = person.token.split(".");
    const other = crypto.randomUUID();
    const turned = mac.startsWith("A") ? `B${mac.slice(1)}` : `A${mac.slice(1)}`;
    const forged = [
      "",
      "x",
      [user, device, since].join("."),
      [user, device, since, ""].join("."),
      [user, device, since, turned].join("."),
      [other, device, since, mac].join("."),
      [user, other, since, mac].join("."),
      [user, device, (Number.parseInt(since, 36) + 1).toString(36), mac].join("."),
      [device, user, since, mac].join("."),
      `${person.token}.x`,
      `${person.token}x`,
      "a.b.c.d",
      "\u0000".repeat(100),
    ];
    const read = vi.spyOn(at.services.devices, "byId");
    for (const token of forged) {
      expect([token, (await look(token)).status]).toEqual([token, 404]);
      expect([token, (await press({ t: token, sure: "yes" })).status]).toEqual([token, 404]);
    }
    expect(read).not.toHaveBeenCalled();
    read.mockRestore();
    expect((await press({})).status).toBe(404);
    await stands(person);
  });

  test("T33 T106 a letter is good for its own device: another one of the same user, and anybody else's, stay", async () => {
    const [ana, ben] = [await enrolled(), await enrolled()];
    const [user = "", , since = "", mac = ""] = ana.token.split(".");
    const bens = ben.token.split(".")[1] ?? "";
    expect((await press({ t: [user, bens, since, mac].join("."), sure: "yes" })).status).toBe(404);
    expect((await undo(ana)).status).toBe(200);
    expect(await ana.live()).toEqual([]);
    await stands(ben);
  });

  test("T33 it is good for 24 hours, to the millisecond", async () => {
    const [late, early] = [await enrolled(), await enrolled()];
    const { enrolledAt } = (await at.services.devices.byId((await early.live())[0] as DeviceId))!;
    vi.setSystemTime(enrolledAt + DAY - 1);
    expect((await undo(early)).status).toBe(200);
    later(DAY);
    for (const answer of [await look(late.token), await undo(late)]) expect(answer.status).toBe(410);
    expect((await undo(late)).text).toContain("The time to take it back is over");
    await stands(late);
  });

  test("T33 of what was removed or deleted meanwhile it says so; of whoever is locked it takes the device all the same", async () => {
    const [removed, deleted, locked] = [await enrolled(), await enrolled(), await enrolled()];
    const headers = { Authorization: "Bearer dev-admin-token", "Content-Type": "application/json" };
    await at.ask(`/admin/users/${removed.id}/devices/${(await removed.live())[0]}`, {
      method: "DELETE",
      headers,
    });
    await at.ask(`/admin/users/${deleted.id}`, { method: "DELETE", headers });
    const body = JSON.stringify({ status: "locked" });
    await at.ask(`/admin/users/${locked.id}`, { method: "PATCH", headers, body });
    for (const person of [removed, deleted]) {
      expect((await look(person.token)).status).toBe(410);
      expect((await undo(person)).text).toContain("gone already");
    }
    expect((await undo(locked)).status).toBe(200);
    expect(await locked.live()).toEqual([]);
  });

  test("an outage is a page of its own, and the link stays good", async () => {
    const person = await enrolled();
    const { Outage } = await import("../../../../src/core/fault.ts");
    const down = vi
      .spyOn(at.services.devices, "byId")
      .mockRejectedValue(new Outage("down", { retryAfter: 2 }));
    const { status, headers, html } = await look(person.token);
    down.mockRestore();
    expect([status, headers.get("Retry-After"), html.includes("<h1>")]).toEqual([503, "2", true]);
    expect((await undo(person)).status).toBe(200);
  });
});
