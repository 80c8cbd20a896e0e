import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { FrameLocator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openPage } from "./browser.ts";
import {
  lastSent,
  layout,
  makeClient,
  newest,
  newestLink,
  picture,
  type Site,
  startSite,
  WELL_LAID_OUT,
} from "./verify-support.ts";

const place = { origin: inject("origin"), adminToken: inject("adminToken") };
/** The vendor's own web SDK, unmodified. */
const SDK = readFileSync(
  join(dirname(createRequire(import.meta.url).resolve("cotter/package.json")), "dist/cotter.min.js"),
);
const email = () => `ana-${randomUUID().slice(0, 8)}@example.com`;

const sitePage = (clientId: string, start: string) => `<!doctype html>
<title>Shop</title>
<div id="cotter-form-container" style="width:320px;height:420px"></div>
<pre id="result"></pre>
<script src="/cotter.js"></script>
<script>
  Cotter.CotterEnum.BackendURL = "${place.origin}/api/v0";
  Cotter.CotterEnum.JSURL = Cotter.CotterEnum.AssetURL = "${place.origin}";
  Cotter.CotterEnum.WorkerURL = "${place.origin}";
  const told = (kind) => (value) => { document.getElementById("result").textContent = JSON.stringify({ kind, value }); };
  window.successes = 0;
  const cotter = new Cotter({ ApiKeyID: "${clientId}", Type: "EMAIL", OnSuccess: () => { window.successes += 1; } });
  ${start}
</script>`;

const STARTS: Readonly<Record<string, string>> = {
  "/otp": `cotter.signInWithOTP().showEmailForm().then(told("ok"), told("error"));`,
  "/link": `cotter.signInWithLink().showEmailForm().then(told("ok"), told("error"));`,
  "/form": `cotter.withFormID("form_default").signInWithOTP().showEmailForm().then(told("ok"), told("error"));`,
  "/refuses": `cotter.signInWithOTP(() => "Only for members.").showEmailForm().then(told("ok"), told("error"));`,
};

let site: Site;
let clientId = "";

beforeAll(async () => {
  site = await startSite((request, response) => {
    if (request.url === "/cotter.js") {
      response.setHeader("Content-Type", "text/javascript");
      response.end(SDK);
      return;
    }
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(sitePage(clientId, STARTS[request.url?.split("?")[0] ?? ""] ?? ""));
  });
  clientId = await makeClient(place, { allowed_origins: [site.origin] });
});
afterAll(async () => {
  await site.close();
});

const frameOf = (page: Page): FrameLocator => page.frameLocator("#cotter-form-container iframe");

// biome-ignore lint/suspicious/noExplicitAny: a test reads members that it asserts
async function resultOf(page: Page): Promise<any> {
  await expect.poll(() => page.locator("#result").textContent(), { timeout: 15_000 }).not.toBe("");
  return JSON.parse((await page.locator("#result").textContent()) ?? "");
}

async function frameLooks(page: Page, name: string): Promise<void> {
  const frame = page.frames().find((one) => one.url().startsWith(place.origin));
  expect(await frame?.evaluate(layout), name).toMatchObject(WELL_LAID_OUT);
  await picture(page, `frame-${name}`);
}

describe("the form inside a page of the client, with the vendor's own SDK", () => {
  test("C14 a form with an id asks nothing more, and its code is sent", async () => {
    const { page, close } = await openPage({ viewport: { width: 480, height: 600 } });
    try {
      const address = email();
      await page.goto(`${site.origin}/form`);
      const frame = frameOf(page);
      await frame.getByLabel("E-mail address").fill(address);
      await frame.getByRole("button", { name: "Continue" }).click();
      await frame.getByLabel("Code").waitFor();
      const { code } = await newest(place, address);
      await frame.getByLabel("Code").fill(`\u200b${code}`);
      expect((await resultOf(page)).kind).toBe("ok");
    } finally {
      await close();
    }
  });

  test("a code is typed in the frame, and the site has its tokens, once", async () => {
    const { page, complaints, close } = await openPage({ viewport: { width: 480, height: 600 } });
    try {
      const address = email();
      await page.goto(`${site.origin}/otp`);
      const frame = frameOf(page);
      await frame.getByLabel("E-mail address").fill(address);
      await frameLooks(page, "entry");
      await frame.getByRole("button", { name: "Continue" }).click();
      await frame.getByLabel("Code").waitFor();
      await frameLooks(page, "code");
      const { code } = await newest(place, address);
      await frame.getByLabel("Code").fill(code === "000000" ? "111111" : "000000");
      await frame.getByRole("alert").getByText("4 more times").waitFor();
      await frameLooks(page, "wrong");
      await frame.getByLabel("Code").fill(code);
      const { kind, value } = await resultOf(page);
      expect(kind).toBe("ok");
      expect(value).toMatchObject({
        email: address,
        token: { identifier: address, receiver: clientId },
        oauth_token: { auth_method: "OTP" },
        user: { identifier: address },
      });
      await frame.getByText("Confirmed").waitFor();
      await frameLooks(page, "done");
      expect(await page.evaluate(() => (window as unknown as { successes: number }).successes)).toBe(1);
      expect(await page.evaluate(() => localStorage.getItem("rft"))).toBe(value.oauth_token.refresh_token);
      // The wrong guess is a 422 that the browser mentions; nothing else is.
      expect(complaints.filter((text) => !text.includes("422"))).toEqual([]);
    } finally {
      await close();
    }
  });

  test("a link opened elsewhere, and the site has its tokens", async () => {
    const { page, close } = await openPage();
    const reader = await openPage();
    try {
      const address = email();
      await page.goto(`${site.origin}/link`);
      const frame = frameOf(page);
      await frame.getByLabel("E-mail address").fill(address);
      await frame.getByRole("button", { name: "Continue" }).click();
      await frame.getByText("Waiting for you to open it").waitFor();
      await frameLooks(page, "wait");
      await reader.page.goto(await newestLink(place, address));
      await reader.page.getByLabel("Yes, it was me").check();
      await reader.page.getByRole("button", { name: "Continue" }).click();
      const { kind, value } = await resultOf(page);
      expect(kind).toBe("ok");
      expect(value.oauth_token.auth_method).toBe("MAGIC_LINK");
    } finally {
      await close();
      await reader.close();
    }
  });

  test("another code, another address, and a site that says no before anything is sent", async () => {
    const { page, close } = await openPage();
    try {
      const [first, second] = [email(), email()];
      await page.goto(`${site.origin}/otp`);
      const frame = frameOf(page);
      await frame.getByRole("button", { name: "Continue" }).click();
      await frame.getByRole("alert").getByText("not an e-mail address").waitFor();
      await frame.getByLabel("E-mail address").fill(first);
      await frame.getByRole("button", { name: "Continue" }).click();
      await frame.getByLabel("Code").waitFor();
      await frame.getByRole("button", { name: "Use another address" }).click();
      await frame.getByLabel("E-mail address").fill(second);
      await frame.getByRole("button", { name: "Continue" }).click();
      await frame.getByLabel("Code").waitFor();
      const code = await newest(place, second);
      const [again] = await Promise.all([
        page.waitForResponse((response) => response.url().endsWith("/signup/again")),
        frame.getByRole("button", { name: "Send another code" }).click(),
      ]);
      expect(again.status()).toBe(200);
      await frame.getByLabel("Code").fill((await newest(place, second, code)).code);
      expect((await resultOf(page)).value.email).toBe(second);

      const third = email();
      await page.goto(`${site.origin}/refuses`);
      await frameOf(page).getByLabel("E-mail address").fill(third);
      await frameOf(page).getByRole("button", { name: "Continue" }).click();
      await frameOf(page).getByRole("alert").getByText("Only for members.").waitFor();
      expect(await lastSent(place, third)).toBeUndefined();
    } finally {
      await close();
    }
  });

  test("T93 a site that the client does not list sees no form, and messages from elsewhere are not heard", async () => {
    const other = await startSite((_request, response) => {
      response.setHeader("Content-Type", "text/html");
      const src = `${place.origin}/signup?challenge=rV_uKoNSoqAz2sq68RWO8z3pKJ9ijzDmnql2pPfKv8s&type=EMAIL&domain=${site.origin}&api_key=${clientId}&redirect_url=undefined&state=s&id=f`;
      response.end(`<!doctype html><iframe src="${src.replaceAll("&", "&amp;")}"></iframe>`);
    });
    const { page, close } = await openPage();
    try {
      await page.goto(other.origin);
      await expect
        .poll(() => page.frames().map((frame) => frame.url()))
        .toContain("chrome-error://chromewebdata/");
    } finally {
      await close();
      await other.close();
    }
  });
});
