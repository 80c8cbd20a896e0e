import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { newPushReader } from "../fakes/push-reader.ts";
import {
  ask,
  freshAddress,
  newPhone,
  openWorld,
  type Phone,
  press,
  QUESTION,
  sees,
  type World,
} from "./phone-support.ts";

/** A push service of the test's own: Chromium has none without its vendor's. */
const arrivals: Buffer[] = [];
const service = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  arrivals.push(Buffer.concat(parts));
  response.writeHead(201).end();
});

let world: World;
let endpoint: string;
let phone: Phone | undefined;

beforeAll(async () => {
  await new Promise<void>((listening) => service.listen(0, "127.0.0.1", listening));
  const host = `127.0.0.1:${(service.address() as AddressInfo).port}`;
  endpoint = `http://${host}/push/1`;
  world = await openWorld({ PUSH_CONTACT: "mailto:ops@sign.example", PUSH_HOSTS: host });
});
afterAll(async () => {
  await world.close();
  service.closeAllConnections();
  await new Promise((closed) => service.close(closed));
});
afterEach(async () => {
  await phone?.close();
});

/** The browser's own answer when it is asked to subscribe, as its vendor's service would give it. */
async function answerSubscribe(
  page: Page,
  keys: { readonly p256dh: string; readonly auth: string },
): Promise<void> {
  await page.addInitScript(
    ([to, p256dh, auth]) => {
      let made: unknown = null;
      PushManager.prototype.subscribe = async function subscribe(options) {
        if (!options?.userVisibleOnly || !options.applicationServerKey) throw new Error("not allowed");
        made = {
          endpoint: to,
          toJSON: () => ({ endpoint: to, keys: { p256dh, auth } }),
          unsubscribe: async () => true,
        };
        return made as PushSubscription;
      };
      PushManager.prototype.getSubscription = async () => made as PushSubscription;
    },
    [endpoint, keys.p256dh, keys.auth] as const,
  );
}

/** Returns once the worker of the page runs: the browser drops a message for one that is still being set up. */
async function awake(): Promise<void> {
  const stateNow = async () => (await navigator.serviceWorker.getRegistration("/phone"))?.active?.state;
  while ((await stateNow()) !== "activated") await new Promise((again) => setTimeout(again, 50));
}

/** Puts a message into the page's service worker, as a push service does through the browser. */
async function deliver(page: Page, data: string): Promise<void> {
  await page.evaluate(awake);
  const devtools = await page.context().newCDPSession(page);
  const registered = new Promise<string>((done) => {
    devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const [one] = registrations;
      if (one) done(one.registrationId);
    });
  });
  await devtools.send("ServiceWorker.enable");
  const registrationId = await registered;
  await devtools.send("ServiceWorker.deliverPushMessage", { origin: world.origin, registrationId, data });
}

type Shown = { readonly title: string; readonly body: string; readonly tag: string };

const notifications = (page: Page): Promise<readonly Shown[]> =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration("/phone");
    const shown = (await registration?.getNotifications()) ?? [];
    return shown.map(({ title, body, tag }) => ({ title, body, tag }));
  });

/** What the browser tells the worker when somebody presses the notification. */
async function pressNotification(page: Page): Promise<void> {
  const [worker] = page.context().serviceWorkers();
  if (!worker) throw new Error("no service worker runs");
  await worker.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: the globals of a service worker
    const scope = globalThis as any;
    const [notification] = await scope.registration.getNotifications();
    scope.dispatchEvent(new scope.NotificationEvent("notificationclick", { notification }));
  });
}

test("a push that the server sent shows a notification, and a press on it opens the request", async () => {
  const address = freshAddress();
  phone = await newPhone(world, "passkey", address);
  const { page } = phone;
  const reader = await newPushReader();
  await page.context().grantPermissions(["notifications"], { origin: world.origin });
  await answerSubscribe(page, reader.keys);
  await page.goto(`${world.origin}/phone#notifications`);
  await page.reload();
  await press(phone, "Turn on");
  await page.getByText("They are on for this phone").waitFor();
  // The page is left: nothing listens but the worker behind it.
  await page.goto(`${world.origin}/healthz`);
  const started = await ask(world, address);
  expect(started.status).toBe(200);
  await vi.waitFor(() => expect(arrivals).toHaveLength(1), 10_000);
  const message = reader.read(arrivals[0] as Buffer);
  await page.goto(`${world.origin}/phone/manifest.webmanifest`);
  await deliver(page, message);
  await vi.waitFor(async () => expect(await notifications(page)).toHaveLength(1), 10_000);
  const [shown] = await notifications(page);
  expect(shown).toMatchObject({ title: "Sign-in request", body: "Open to see who asks." });
  expect(JSON.stringify(shown)).not.toContain("Shop");
  await page.goto(`${world.origin}/phone#more`);
  await sees(phone, "More");
  await pressNotification(page);
  await sees(phone, QUESTION);
  expect(new URL(page.url()).hash).toBe(`#prompt=${shown?.tag}`);
  expect(await notifications(page)).toEqual([]);
});

test("a message that cannot be read still shows something, and leads nowhere else", async () => {
  phone = await newPhone(world, "key", freshAddress());
  const { page } = phone;
  await page.context().grantPermissions(["notifications"], { origin: world.origin });
  await deliver(page, "not json");
  await vi.waitFor(async () => expect(await notifications(page)).toHaveLength(1), 10_000);
  expect(await notifications(page)).toMatchObject([{ title: "Sign-in request" }]);
});
