import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ClientSettings } from "../../../src/core/client/settings.ts";
import type { ClientId, UserId } from "../../../src/core/ids.ts";
import { admin, disable, lock, remove, unlock } from "../support/acts.ts";
import { claimsOf, fresh } from "../support/cotter.ts";
import {
  appPath,
  type Browser,
  browser,
  enter,
  exchange,
  handed,
  newPageClient,
  pageDeployment,
  readable,
} from "../support/page.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

const MINUTE = 60_000;
const later = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);
const GO_ON = "Continue with it";
const DAY: ClientSettings = { remember_minutes: 1_440 };

/** A browser in which somebody has just proven an address at a client, and what the app got for it. */
async function scene(settings: ClientSettings = DAY) {
  const at = pageDeployment();
  const client = await newPageClient(at, settings);
  const person = browser(at);
  const address = `${fresh("ana")}@example.com`;
  const check = await enter(person, client, address);
  const done = await person.post(check, { code: at.last().code ?? "" });
  const { body } = await exchange(at, client, handed(done.location));
  const userId = String(body.user.ID) as UserId;
  return { at, client, person, address, userId, first: claimsOf(body.oauth_token.id_token) };
}

/** The page as this browser is shown it now. */
const opened = async (person: Browser, client: ClientId, over: Record<string, string> = {}) =>
  person.get(await appPath(client, over));

/** One press of the button; where it leads. */
const press = async (person: Browser, client: ClientId, over: Record<string, string> = {}) =>
  person.post(await appPath(client, over), { remembered: "1" });

/** Whether the page offers to go on, and whether a press by itself would. */
async function goesOn(person: Browser, client: ClientId): Promise<readonly [boolean, boolean]> {
  const shown = readable((await opened(person, client)).text).includes(GO_ON);
  return [shown, (await press(person, client)).status === 303];
}

describe("C20 a remembered browser goes on with one press", () => {
  test("C20 no letter is sent, the token says when the proof was given, and the next time is no longer than the first", async () => {
    const { at, client, person, address, userId, first } = await scene();
    const letters = at.messages.length;
    later(60 * MINUTE);
    const shown = await opened(person, client);
    expect(readable(shown.text)).toContain(address);
    const gone = await press(person, client);
    expect(gone.status).toBe(303);
    const { status, body } = await exchange(at, client, handed(gone.location));
    expect(status).toBe(200);
    expect(body.user).toMatchObject({ ID: userId, identifier: address });
    const second = claimsOf(body.oauth_token.id_token);
    expect(second.sub).toBe(userId);
    expect(second.auth_time).toBe(first.auth_time);
    expect(Number(second.iat)).toBeGreaterThan(Number(first.iat));
    expect(body.oauth_token.auth_method).toBe("OTP");
    expect(at.messages).toHaveLength(letters);
    // A day after the proof, and not after the last press, a code is asked for again.
    later((1_440 - 60) * MINUTE - 1_000);
    expect(await goesOn(person, client)).toEqual([true, true]);
    later(2_000);
    expect(await goesOn(person, client)).toEqual([false, false]);
  });

  test("C20 by default nothing is remembered, and what was ends when the client wants no more of it", async () => {
    const { client, person } = await scene({});
    expect(person.cookie()).not.toContain("remembered");
    expect(await goesOn(person, client)).toEqual([false, false]);
    const other = await scene();
    await other.at.services.clients.update(other.client, { settings: {} } as never, Date.now());
    later(31_000);
    expect(await goesOn(other.person, other.client)).toEqual([false, false]);
    const third = await scene();
    const shorter = { settings: { remember_minutes: 1 } };
    await third.at.services.clients.update(third.client, shorter as never, Date.now());
    later(61_000);
    expect(await goesOn(third.person, third.client)).toEqual([false, false]);
  });

  test("C20 the app's own address is what is offered, and a direct start asks before it sends", async () => {
    const { at, client, person, address } = await scene();
    const letters = at.messages.length;
    const direct = { direct_login: "true", input: address };
    expect(readable((await opened(person, client, direct)).text)).toContain(GO_ON);
    expect(at.messages).toHaveLength(letters);
    expect((await press(person, client, direct)).status).toBe(303);
    // Another address, or a number, is another proof.
    for (const over of [{ input: `other-${address}` }, { type: "PHONE" }]) {
      expect(readable((await opened(person, client, over)).text)).not.toContain(GO_ON);
    }
    expect((await opened(person, client, { ...direct, input: `other-${address}` })).status).toBe(303);
    expect(at.messages).toHaveLength(letters + 1);
  });
});

describe("T241 what a remembered browser is not", () => {
  test("T241 it is one client's: another one offers nothing, with the same cookies", async () => {
    const { at, person } = await scene();
    expect(await goesOn(person, await newPageClient(at, DAY))).toEqual([false, false]);
  });

  test("T241 a page of another site presses nothing, and a form that was not shown neither", async () => {
    const { client, person } = await scene();
    const path = await appPath(client);
    await person.get(path);
    const foreign = { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" };
    expect((await person.post(path, { remembered: "1" }, foreign)).status).toBe(403);
    expect((await person.post(path, { remembered: "1", csrf: "x" })).status).toBe(403);
    expect(await goesOn(person, client)).toEqual([true, true]);
  });

  test("T241 a cookie that was changed, or made up, wakes and opens nothing", async () => {
    const { at, client, person, userId } = await scene();
    const [name = "", value = ""] =
      person
        .cookie()
        .split("; ")
        .find((pair) => pair.includes("remembered"))
        ?.split("=") ?? [];
    const parts = value.split(".");
    expect(parts).toHaveLength(4);
    for (const forged of [
      [userId, parts[1], "7", parts[3]],
      [crypto.randomUUID(), parts[1], parts[2], parts[3]],
      [userId, "A".repeat(16), "0", "B".repeat(43)],
    ]) {
      const stranger = browser(at);
      stranger.keep(name, forged.join("."));
      expect(await goesOn(stranger, client)).toEqual([false, false]);
    }
    expect(await goesOn(person, client)).toEqual([true, true]);
  });

  test("T240 a cookie that was used before ends what it stands for, and is on record; a lost answer is repeated", async () => {
    const { at, client, person, userId } = await scene();
    const thief = browser(at);
    const [name = "", value = ""] =
      person
        .cookie()
        .split("; ")
        .find((pair) => pair.includes("remembered"))
        ?.split("=") ?? [];
    const steal = () => thief.keep(name, value);
    steal();
    expect(await goesOn(person, client)).toEqual([true, true]);
    // Within half a minute the answer with the new one may have been lost.
    expect(await goesOn(thief, client)).toEqual([true, true]);
    later(31_000);
    steal();
    await opened(thief, client);
    expect((await press(thief, client)).status).not.toBe(303);
    expect(await goesOn(person, client)).toEqual([false, false]);
    await expect.poll(() => JSON.stringify(at.queued)).toContain("remembered_browser_replayed");
    expect(JSON.stringify(at.queued)).toContain(userId);
  });

  test.each([
    ["the person was locked", lock],
    [
      "the person was locked and is free again",
      async (id: UserId) => {
        await lock(id);
        await unlock(id);
      },
    ],
    ["the person was deleted", remove],
    ["the person was signed out everywhere", (id: UserId) => admin("DELETE", `/users/${id}/grants`)],
  ])("T242 it ends when %s", async (_name, act) => {
    const { client, person, userId } = await scene();
    later(1_000);
    await act(userId);
    later(1_000);
    expect(await goesOn(person, client)).toEqual([false, false]);
  });

  test("T242 it ends with its client, and when the address is not the user's any more", async () => {
    const { client, person } = await scene();
    await disable(client);
    later(31_000);
    expect((await opened(person, client)).status).toBe(400);
    const other = await scene();
    const changed = await admin("PATCH", `/users/${other.userId}`, { email: `${fresh("new")}@example.com` });
    expect(changed.status).toBe(200);
    expect(await goesOn(other.person, other.client)).toEqual([false, false]);
  });

  test.each(["lock", "sign out everywhere"] as const)(
    "T242 %s between the cookie and the approval gives nothing",
    async (act) => {
      let before = async (): Promise<unknown> => undefined;
      const { client, person, userId } = await scene();
      const at = pageDeployment({}, ({ users }) => ({
        users: {
          ...users,
          byId: async (...asked: Parameters<typeof users.byId>) => {
            const found = await users.byId(...asked);
            await before();
            return found;
          },
        },
      }));
      const here = browser(at);
      for (const pair of person.cookie().split("; ")) {
        const [name = "", value = ""] = pair.split("=");
        here.keep(name, value);
      }
      await opened(here, client);
      let reads = 0;
      before = async () => {
        // The first look decides whether it is offered; the second is the one that the approval stands on.
        if (++reads !== 2) return;
        later(5);
        if (act === "lock") await lock(userId);
        else await admin("DELETE", `/users/${userId}/grants`);
        later(5);
      };
      const gone = await press(here, client);
      expect(reads).toBe(2);
      before = async () => undefined;
      const given = handed(gone.location);
      expect((await exchange(at, client, given)).status).not.toBe(200);
    },
  );
});
