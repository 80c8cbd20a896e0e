import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  ask,
  CALM,
  freshAddress,
  newBackend,
  newPhone,
  openPhone,
  openWorld,
  type Phone,
  press,
  QUESTION,
  sees,
  type World,
} from "./phone-support.ts";

let world: World;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => {
  await world.close();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

const kept = <T extends { close(): Promise<void> }>(one: T): T => {
  opened.push(one);
  return one;
};
const phoneOf = async (address: string, kind: "passkey" | "key" = "key"): Promise<Phone> =>
  kept(await newPhone(world, kind, address));

const START = "Approve with this phone";
const hash = (page: Page, to: string) =>
  page.evaluate((text) => {
    location.hash = text;
  }, to);

/** Holds one answer back, and tells when it was asked for; `release` lets it go. */
async function holdOnce(page: Page, path: string) {
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  let isHeld = false;
  await page.route(path, async (route) => {
    if (isHeld) return await route.continue();
    isHeld = true;
    const response = await route.fetch();
    asked.resolve();
    await release.promise;
    await route.fulfill({ response });
  });
  return { asked: asked.promise, release: () => release.resolve() };
}

describe("what comes late, or twice", () => {
  test("an older list that arrives after a newer one does not take its place", async () => {
    const address = freshAddress();
    const phone = await phoneOf(address);
    const { page } = phone;
    const other = await newBackend(world);
    const held = await holdOnce(page, "**/approver/prompts");
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await held.asked;
    await ask(world, address);
    await sees(phone, QUESTION);
    await ask(world, address, {}, other);
    await page.getByRole("link", { name: "Requests", exact: true }).click();
    await sees(phone, "2 requests wait");
    const late = page.waitForResponse((answer) => answer.url().endsWith("/approver/prompts"));
    held.release();
    await (await late).finished();
    await page.getByRole("link", { name: "Devices", exact: true }).click();
    await sees(phone, "Devices");
    await page.getByRole("link", { name: "Requests", exact: true }).click();
    await sees(phone, "2 requests wait");
  });

  test("of two answers that are pressed the first is sent, and the other is not", async () => {
    const address = freshAddress();
    const phone = await phoneOf(address);
    await ask(world, address);
    await sees(phone, QUESTION);
    const sent: string[] = [];
    phone.page.on("request", (request) => {
      if (request.url().endsWith("/decision")) sent.push(request.postDataJSON().decision);
    });
    const held = await holdOnce(phone.page, "**/decision");
    await press(phone, "Decline");
    await held.asked;
    // Playwright waits for what is disabled: a hand does not.
    await phone.page.getByRole("button", { name: "This was not me" }).dispatchEvent("click");
    held.release();
    await sees(phone, "Declined");
    expect(sent).toEqual(["deny"]);
  });

  test("a code that is answered when its reader has gone elsewhere stays away", async () => {
    const phone = await phoneOf(freshAddress());
    const { page } = phone;
    await hash(page, "#code=BCDF-GHJK");
    const held = await holdOnce(page, "**/approver/scans");
    await press(phone, "Continue");
    await held.asked;
    await hash(page, "#more");
    await sees(phone, "More");
    held.release();
    await page.waitForLoadState("networkidle");
    expect(await page.locator("h1").textContent()).toBe("More");
  });

  test("a browser that says several times that it is online opens one socket", async () => {
    const phone = await phoneOf(freshAddress());
    // The page before has a socket of its own, which may come late.
    await phone.page.getByText("Connected").waitFor();
    const sockets: string[] = [];
    phone.page.on("websocket", (socket) => sockets.push(socket.url()));
    await phone.page.reload();
    await phone.page.evaluate(() => {
      for (let i = 0; i < 4; i++) dispatchEvent(new Event("online"));
    });
    await phone.page.getByText("Connected").waitFor();
    await phone.page.waitForLoadState("networkidle");
    expect(sockets).toHaveLength(1);
  });

  test("a socket that answers no ping is made anew", async () => {
    const phone = await phoneOf(freshAddress());
    const { page } = phone;
    await page.clock.install();
    let sockets = 0;
    await page.routeWebSocket("**/approver/socket", (socket) => {
      sockets += 1;
      const isDead = sockets === 1;
      const server = socket.connectToServer();
      socket.onMessage((message) => isDead || server.send(message));
      server.onMessage((message) => (isDead && message === "pong") || socket.send(message));
    });
    await page.reload();
    await page.getByText("Connected").waitFor();
    await page.clock.runFor(60_000);
    await page.getByText("Connected").waitFor();
    await expect.poll(() => sockets).toBe(2);
  });
});

describe("what a browser has lost, or does not have", () => {
  test.each(["passkey", "key"] as const)(
    "a phone with a %s that was removed is led to the start by whichever call finds out",
    async (kind) => {
      const phone = await phoneOf(freshAddress(), kind);
      const { page } = phone;
      await page.route("**/approver/**", async (route) => {
        const path = new URL(route.request().url()).pathname;
        if (path === "/approver/config") return await route.continue();
        const json = path.endsWith("/sessions") ? { code: "not_a_device" } : { code: "session_over" };
        await route.fulfill({ status: path.endsWith("/sessions") ? 403 : 401, json });
      });
      await hash(page, "#codes");
      await sees(phone, START);
      await page.getByText(kind === "key" ? "was removed" : "session here is over").waitFor();
      await page.getByRole("link", { name: "Set up this phone" }).waitFor();
      await page.unrouteAll({ behavior: "wait" });
    },
  );

  test("a browser that stores nothing says so", async () => {
    const phone = kept(await openPhone("key"));
    await phone.page.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("no storage here", "SecurityError");
      };
    });
    await phone.page.goto(`${world.origin}/phone`);
    await phone.page.getByText("keeps nothing for this page").waitFor();
    await phone.page.getByRole("button", { name: "Try again" }).waitFor();
  });

  test("a key that does not sign says so, and another press tries again", async () => {
    const address = freshAddress();
    const phone = await phoneOf(address);
    await ask(world, address);
    await sees(phone, QUESTION);
    await phone.page.evaluate(() => {
      const { sign } = SubtleCrypto.prototype;
      SubtleCrypto.prototype.sign = function broken() {
        SubtleCrypto.prototype.sign = sign;
        return Promise.reject(new DOMException("the key is gone", "InvalidStateError"));
      };
    });
    await press(phone, "Decline");
    await phone.page.getByText("That did not work").waitFor();
    await press(phone, "Decline");
    await sees(phone, "Declined");
  });

  test("the page that was kept opens offline, and goes on by itself when the network is back", async () => {
    const phone = kept(await openPhone("key"));
    const { page } = phone;
    await page.goto(`${world.origin}/phone`);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.context().setOffline(true);
    await page.reload();
    await page.getByText("You are offline").waitFor();
    await page.context().setOffline(false);
    await sees(phone, START);
  });
});

describe("a phone of one person", () => {
  test("T33 that is asked to become another's says whose it is", async () => {
    const address = freshAddress();
    const phone = await phoneOf(address);
    await phone.page.route("**/enrolments/begin", (route) =>
      route.fulfill({ json: { enrolment: "x.y", account: "mallory@example.com" } }),
    );
    await hash(phone.page, "#add=anything");
    await sees(phone, "Add this phone?");
    await phone.page.getByText("mallory@example.com", { exact: true }).waitFor();
    await phone.page.getByText(`This browser is a phone of ${address} already`).waitFor();
    await phone.page.getByRole("link", { name: "Do not add" }).click();
    await sees(phone, CALM);
  });

  test("is forgotten after a question, and keeps no key of it", async () => {
    const phone = await phoneOf(freshAddress());
    await hash(phone.page, "#more");
    await press(phone, "Forget this phone here");
    await phone.page.getByText("Its key is deleted with it").waitFor();
    await press(phone, "Keep it");
    await press(phone, "Forget this phone here");
    await press(phone, "Forget it");
    await sees(phone, START);
    await phone.page.reload();
    await sees(phone, START);
  });
});

describe("by keyboard", () => {
  test("the list keeps its reader's place when it is asked again, and the flow needs no mouse", async () => {
    const address = freshAddress();
    const phone = await phoneOf(address);
    const { page } = phone;
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await page.getByRole("link", { name: "Code on another screen" }).focus();
    const other = await newBackend(world);
    await ask(world, address);
    await sees(phone, QUESTION);
    expect(await focused()).toMatch(QUESTION);
    const order: string[] = [];
    for (let step = 0; step < 4; step++) {
      await page.keyboard.press("Tab");
      order.push(
        await page.evaluate(
          () => (document.activeElement as HTMLElement).id || document.activeElement?.textContent || "",
        ),
      );
    }
    expect(order).toEqual(["number", "Decline", "Approve", "This was not me"]);
    await page.getByRole("link", { name: "Requests", exact: true }).focus();
    await page.keyboard.press("Enter");
    await sees(phone, "1 request waits");
    await page.getByRole("link", { name: "Code on another screen" }).focus();
    await ask(world, address, {}, other);
    await sees(phone, "2 requests wait");
    expect(await focused()).toBe("Code on another screen");
    await page.getByRole("link", { name: "Look at it" }).first().focus();
    await page.keyboard.press("Enter");
    await sees(phone, QUESTION);
    await page.getByRole("button", { name: "Decline" }).focus();
    await page.keyboard.press("Enter");
    await sees(phone, "Declined");
  });
});

describe("the camera", () => {
  test("T96 a QR code of a waiting screen is read here, one of anything else is not followed, and the camera goes off", async () => {
    const phone = await phoneOf(freshAddress());
    const { page } = phone;
    await page.addInitScript((origin) => {
      const codes = ["https://evil.example/phone#scan=abc.def", `${origin}/phone#code=BCDF-GHJK`];
      let looks = 0;
      class BarcodeDetector {
        static getSupportedFormats = async () => ["qr_code"];
        async detect() {
          looks += 1;
          return [{ rawValue: codes[looks > 3 ? 1 : 0] }];
        }
      }
      const canvas = document.createElement("canvas");
      const stream = canvas.captureStream();
      // A camera that sees something: without a picture a video does not begin.
      setInterval(() => canvas.getContext("2d")?.fillRect(Math.random(), 0, 9, 9), 50);
      Object.assign(globalThis, { BarcodeDetector, stream });
      Object.defineProperty(navigator, "mediaDevices", { value: { getUserMedia: async () => stream } });
    }, world.origin);
    await page.reload();
    await page.getByRole("link", { name: "Scan a QR code" }).click();
    await page.getByText("This code is not of this service").waitFor();
    await sees(phone, "Connect a device");
    expect(await page.getByLabel("Code on another screen").inputValue()).toBe("BCDF-GHJK");
    const live = await page.evaluate(() =>
      (globalThis as unknown as { stream: MediaStream }).stream
        .getTracks()
        .map(({ readyState }) => readyState),
    );
    expect(live).toEqual(["ended"]);
  });

  test("where a browser reads none by itself, the page says what does", async () => {
    const phone = await phoneOf(freshAddress());
    await phone.page.getByText("own camera app").waitFor();
    expect(await phone.page.getByRole("link", { name: "Scan a QR code" }).count()).toBe(0);
  });
});
