import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type OpenPage, openPage } from "../e2e/browser.ts";
import { newest } from "../e2e/verify-support.ts";
import { newUser, operate, type User } from "../wire/sdk/stage.ts";
import { Device, IOS } from "../wire/support/authsignal.ts";
import { type Running, stage, startExample } from "./example.ts";
import { look } from "./look.ts";

let open: OpenPage;
let user: User;
let app: Running | undefined;

beforeEach(async () => {
  [open, user] = await Promise.all([openPage(), newUser(stage())]);
});
afterEach(async () => {
  await Promise.all([open.close(), app?.stop()]);
});

const visit = async (name: string) => {
  app = await startExample(name);
  await app.says(/Open |Ready/);
  await open.page.goto(app.origin);
  return open.page;
};

test("next-app: the hook signs in, and the route handler takes the token", async () => {
  const page = await visit("next-app");
  await look(page, "next-app");
  await page.getByLabel("E-mail address").fill(user.email);
  await page.getByRole("button", { name: "Continue on my phone" }).click();
  const code = page.locator("[data-part=code] [aria-hidden]");
  await code.waitFor();
  await page.getByRole("img", { name: "Scan this with your phone’s camera" }).waitFor();
  await look(page, "next-app-waiting");
  await user.approve((await code.innerText()).replace(" ", ""));
  await page.getByText(`Signed in as ${user.id}`).waitFor();
  expect(open.complaints).toEqual([]);
  const bare = await fetch(`${app?.origin}/api/me`);
  expect(bare.status).toBe(401);
  expect(await bare.json()).toMatchObject({ error: "unauthorized" });
});

test("tv-page: shows a code and its QR code, is signed in by the phone, and stays so until it signs out", async () => {
  const page = await visit("tv-page");
  const letters = page.locator("#letters");
  await expect.poll(() => letters.innerText()).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
  await page.locator("#qr svg").waitFor();
  await look(page, "tv-page");
  await user.decideCode(await letters.innerText(), "approve");
  await page.getByText(`Signed in as ${user.id}`).waitFor();
  await page.reload();
  await page.getByText(`Signed in as ${user.id}`).waitFor();
  await look(page, "tv-page-signed-in");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect.poll(() => letters.innerText()).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
  await user.decideCode(await letters.innerText(), "deny");
  await page.getByText("You declined").waitFor();
  expect(open.complaints).toEqual([]);
});

test("cotter-app: the vendor's SDK proves an address on our page in its frame", async () => {
  const page = await visit("cotter-app");
  const frame = page.frameLocator("#cotter-form-container iframe");
  const address = `ana-${randomUUID().slice(0, 8)}@example.com`;
  await frame.getByLabel("E-mail address").fill(address);
  await look(page, "cotter-app");
  await frame.getByRole("button", { name: "Continue" }).click();
  await frame.getByLabel("Code").fill((await newest(stage(), address)).code);
  await page.getByText(`Signed in as ${address}, with a token for 3600 seconds.`).waitFor();
  await look(page, "cotter-app-signed-in");
  expect(open.complaints).toEqual([]);
});

test("authsignal-app: the vendor's SDKs ask a phone, and the backend validates what it approved", async () => {
  const page = await visit("authsignal-app");
  await page.getByLabel("User").fill("nobody");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("This user has no phone yet.").waitFor();
  // A phone of the vendor's app.
  const userId = `ada-${randomUUID()}`;
  const tenantId = "example-authsignal-app";
  const { client_secret: secret } = await operate(stage(), "POST", `/admin/clients/${tenantId}/secret`);
  const tracked = await fetch(`${stage().origin}/v1/users/${userId}/actions/enrol`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${secret}:`)}`, "Content-Type": "application/json" },
    body: JSON.stringify({ scope: "add:authenticators" }),
  });
  const { token } = (await tracked.json()) as { token: string };
  const phone = new Device({ ...stage(), id: tenantId } as Device["tenant"], IOS, "push");
  expect((await phone.add(token)).status).toBe(200);

  await page.getByLabel("User").fill(userId);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Waiting for your answer on your phone.").waitFor();
  await look(page, "authsignal-app");
  const { challengeId } = (await phone.pending()).body;
  await phone.answer(String(challengeId), true);
  await page.getByText(`Signed in as ${userId}.`).waitFor();
  // The refusal of the user without a phone is a 403 that the browser mentions.
  expect(open.complaints.filter((text) => !text.includes("403"))).toEqual([]);
});
