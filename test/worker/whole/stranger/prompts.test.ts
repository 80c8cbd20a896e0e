import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { enrol, newTenant, startPush } from "../../support/authsignal.ts";
import { newClient, newPerson, poll, prompt, respond, start } from "../../support/cotter.ts";
import { signInByPhone } from "../../support/cotter-signed.ts";
import { appPath, newPageClient } from "../../support/page.ts";
import { HOME, STRANGER, seconds, world } from "../../support/stranger.ts";

// Hours of a stranger's calls, on whatever else the machine does.
vi.setConfig({ testTimeout: 120_000 });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("S7 a stranger's starts", () => {
  test("S7f a start every second at another client's door keeps no push of the bank from the user, and none of their own sign-ins", async () => {
    const at = world();
    const [home, stranger] = [at.from(HOME), at.from(STRANGER)];
    const shop = await newClient(home);
    const person = await newPerson(home, shop);
    const bank = await newTenant(home);
    await enrol(home, bank, person.id);
    const pushed: number[] = [];
    const signedIn: number[] = [];
    for (let second = 0; second < 20 * 60; second += 5) {
      await start(stranger, shop, person);
      if (second % 60 === 50) pushed.push((await startPush(home, bank, person.id)).answer.status);
      if (second % 75 === 35) {
        const waiter = (await start(home, shop, person)).body;
        const shown = (await prompt(home, shop, person)) ?? {};
        await respond(home, shop, person, shown, true);
        signedIn.push((await poll(home, shop, waiter)).body.oauth_token ? 200 : 0);
      }
      seconds(5);
    }
    expect(pushed).toEqual(Array(20).fill(200));
    expect(signedIn).toEqual(Array(16).fill(200));
  });

  test("S7g three denied starts silence whoever asked, and neither the user's own nor another client's", async () => {
    const at = world();
    const [home, stranger] = [at.from(HOME), at.from(STRANGER)];
    const [shop, other] = [await newClient(home), await newClient(home, { approve_through: "realm" })];
    const person = await newPerson(home, shop);
    for (let time = 0; time < 3; time++) {
      await start(stranger, shop, person);
      await respond(home, shop, person, (await prompt(home, shop, person)) ?? {}, false);
      seconds(60);
    }
    await start(stranger, shop, person);
    expect(await prompt(home, shop, person)).toBeNull();
    for (const client of [shop, other]) {
      const waiter = (await start(home, client, person)).body;
      await respond(home, client, person, (await prompt(home, client, person)) ?? {}, true);
      expect((await poll(home, client, waiter)).body.oauth_token).toBeTruthy();
      seconds(30);
    }
  });

  test("S7h five addresses that start for a throw-away user stop neither a client's users nor its mail", async () => {
    const at = world();
    const home = at.from(HOME);
    const shop = await newPageClient(at);
    const [person, throwAway] = [await newPerson(home, shop), await newPerson(home, shop)];
    for (let address = 1; address <= 5; address++) {
      const stranger = at.from(`203.0.113.${address}`);
      for (let time = 0; time < 60; time++) await start(stranger, shop, throwAway);
    }
    expect((await start(home, shop, person)).status).toBe(200);
    expect((await signInByPhone(home, shop, person)).status).toBe(200);
    const browser = at.browserAt(HOME);
    const path = await appPath(shop);
    await browser.get(path);
    expect((await browser.post(path, { identifier: person.identifier })).status).toBe(303);
  });

  test("S7j all letters of an hour, asked for from two addresses, end nobody else's mail", async () => {
    const at = world();
    const shop = await newPageClient(at, { code_sends_per_hour: 100 });
    const path = await appPath(shop);
    for (let minute = 0; minute < 6; minute++) {
      for (const ip of [STRANGER, "203.0.113.50"]) {
        const stranger = at.browserAt(ip);
        await stranger.get(path);
        for (let letter = 0; letter < 10; letter++) {
          await stranger.post(path, { identifier: `x${minute}y${letter}z${ip.length}@example.com` });
        }
      }
      seconds(60);
    }
    const browser = at.browserAt(HOME);
    await browser.get(path);
    expect((await browser.post(path, { identifier: "somebody@example.com" })).status).toBe(303);
  });
});

test("T154 strangers who use up a client's starts stop neither its backend nor a known browser", async () => {
  const at = world();
  const home = at.from(HOME);
  const bank = await newTenant(home, { starts_per_minute: 12 });
  const user = "ada";
  await enrol(home, bank, user);
  const page = await newPageClient(at, { starts_per_minute: 12 });
  const known = at.browserAt(HOME);
  const address = "known@example.com";
  const asks = async (who: ReturnType<typeof at.browserAt>, to: string) => {
    const path = await appPath(page);
    await who.get(path);
    return await who.post(path, { identifier: to });
  };
  const check = (await asks(known, address)).location.split("?")[0] ?? "";
  await known.post(check, { code: at.last().code ?? "" });
  seconds(60);
  const statuses: number[] = [];
  for (let time = 0; time < 15; time++) {
    const stranger = at.from(`203.0.113.${time}`);
    const headers = { Authorization: `Basic ${btoa(`${bank.id}:`)}` };
    const begun = await stranger.call("POST", "/v1/client/challenge/qr-code", { action: "kiosk" }, headers);
    statuses.push(begun.status);
    await asks(at.browserAt(`203.0.113.${time}`), `x${time}@example.com`);
  }
  expect(statuses).toEqual([...Array(12).fill(200), 429, 429, 429]);
  expect((await asks(at.browserAt(STRANGER), "y@example.com")).status).toBe(429);
  expect((await startPush(home, bank, user)).answer.status).toBe(200);
  expect((await asks(known, address)).status).toBe(303);
});
