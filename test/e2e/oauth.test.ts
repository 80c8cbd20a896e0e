import type { IncomingMessage } from "node:http";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { authJs, betterAuthPlugin, type Library, openidClient } from "../wire/oauth/apps.ts";
import { type Site as App, BY_PHONE, register, withPhone } from "../wire/oauth/support.ts";
import { freshEmail } from "../wire/support/app.ts";
import { answerNewest } from "../wire/support/events.ts";
import { type OpenPage, openPage } from "./browser.ts";
import { lastSent, newest, type Site, startSite } from "./verify-support.ts";

const place = { origin: inject("origin"), adminToken: inject("adminToken") };

let shop: Site;
let app: App;
let open: OpenPage;

async function asked(from: IncomingMessage): Promise<Request> {
  const headers = Object.entries(from.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  const chunks: Uint8Array[] = [];
  for await (const chunk of from) chunks.push(chunk);
  const { method = "GET" } = from;
  const body = method === "POST" ? { body: Buffer.concat(chunks) } : {};
  return new Request(`${shop.origin}${from.url}`, { method, headers, ...body });
}

beforeAll(async () => {
  shop = await startSite(async (from, to) => {
    const answer = await app(await asked(from));
    for (const [name, value] of answer.headers) if (name !== "set-cookie") to.setHeader(name, value);
    to.setHeader("Set-Cookie", answer.headers.getSetCookie());
    to.writeHead(answer.status).end(await answer.text());
  });
});
afterAll(async () => {
  await shop.close();
});
beforeEach(async () => {
  open = await openPage();
});
afterEach(async () => {
  await open.close();
});

/** Makes the app of this test, at a client of its own. */
async function build(library: Library, settings: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const redirect_uris = [`${shop.origin}${library.callback}`];
  app = library.build(shop.origin, await register("confidential", { redirect_uris, settings }));
}

async function typeCode(page: Page, address: string): Promise<void> {
  const last = await lastSent(place, address);
  await page.getByLabel("E-mail address").fill(address);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.waitForURL(/\/oauth\/sign-in\//);
  await page.getByRole("textbox").fill((await newest(place, address, last)).code);
  await page.keyboard.press("Enter");
}

/** What the app says once the browser is back there. */
async function told(page: Page): Promise<unknown> {
  await page.waitForURL(`${shop.origin}/**`);
  return JSON.parse((await page.textContent("body")) ?? "");
}

describe("an app with openid-client", () => {
  test("a code to an address signs in", async () => {
    await build(openidClient);
    const address = freshEmail();
    await open.page.goto(`${shop.origin}/login`);
    await typeCode(open.page, address);
    expect(await told(open.page)).toMatchObject({ email: address, acr: "urn:signin:acr:identifier" });
    expect(open.complaints).toEqual([]);
  });

  test("a phone signs in, and the page goes on by itself", async () => {
    await build(openidClient, BY_PHONE);
    const { phones, person } = await withPhone();
    const { page } = open;
    await page.goto(`${shop.origin}/login`);
    await page.getByLabel("E-mail address").fill(person.identifier);
    const listening = page.waitForEvent("websocket");
    await page.getByRole("button", { name: "Continue on my phone" }).click();
    await (await listening).waitForEvent("framereceived");
    await answerNewest(phones, person, true);
    expect(await told(page)).toMatchObject({ sub: person.userId, acr: "urn:signin:acr:device" });
    expect(open.complaints).toEqual([]);
  });

  test("whoever waits for a phone may have a code instead, and the page that waited goes nowhere else", async () => {
    await build(openidClient);
    const address = freshEmail();
    const { page } = open;
    await page.goto(`${shop.origin}/login`);
    await page.getByLabel("E-mail address").fill(address);
    const listening = page.waitForEvent("websocket");
    await page.getByRole("button", { name: "Continue on my phone" }).click();
    await (await listening).waitForEvent("framereceived");
    await page.getByRole("button", { name: "Send me a code instead" }).click();
    await page.getByRole("textbox", { name: "Code" }).fill((await newest(place, address)).code);
    await page.keyboard.press("Enter");
    expect(await told(page)).toMatchObject({ email: address });
  });

  test("whoever is signed in is not asked again, but for prompt=login", async () => {
    await build(openidClient);
    const address = freshEmail();
    const { page } = open;
    await page.goto(`${shop.origin}/login`);
    await typeCode(page, address);
    const first = await told(page);
    await page.goto(`${shop.origin}/login`);
    expect(await told(page)).toMatchObject({ email: address });
    await page.goto(`${shop.origin}/login?prompt=login`);
    await typeCode(page, address);
    expect(await told(page)).toMatchObject({ sub: (first as { sub: string }).sub });
  });

  test("whoever declines is led back with access_denied", async () => {
    await build(openidClient, { first_party: false });
    const { page } = open;
    await page.goto(`${shop.origin}/login`);
    await typeCode(page, freshEmail());
    await page.getByRole("button", { name: "Decline" }).click();
    expect(await told(page)).toEqual({ error: "access_denied" });
  });
});

test("an app with Auth.js signs in", async () => {
  await build(authJs({ idToken: false }));
  const address = freshEmail();
  await open.page.goto(`${shop.origin}/auth/signin?callbackUrl=${shop.origin}`);
  await open.page.getByRole("button", { name: "Sign in with Countersign" }).click();
  await typeCode(open.page, address);
  expect(await told(open.page)).toMatchObject({ user: { email: address } });
});

test("an app with better-auth signs in", async () => {
  await build(betterAuthPlugin());
  const address = freshEmail();
  const { page } = open;
  await page.goto(shop.origin);
  await page.evaluate(async (callbackURL) => {
    const answer = await fetch("/api/auth/sign-in/social", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ provider: "countersign", callbackURL }),
    });
    location.href = (await answer.json()).url;
  }, `${shop.origin}/`);
  await page.waitForURL(`${place.origin}/**`);
  await typeCode(page, address);
  expect(await told(page)).toMatchObject({ user: { email: address } });
});
