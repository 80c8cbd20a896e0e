import type { Page, WebSocketRoute } from "playwright-core";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { CALLBACK, register } from "../wire/oauth/support.ts";
import { freshEmail } from "../wire/support/app.ts";
import { type OpenPage, openPage } from "./browser.ts";
import { layout, picture, WELL_LAID_OUT } from "./verify-support.ts";

const origin = inject("origin");
const CODE = new RegExp(`^${origin}/phone#scan=([0-9a-f]{64})\\.([A-Za-z0-9_-]{22})$`);

let open: OpenPage;
/** The lines of the page, as the test may cut them. */
let lines: { readonly route: WebSocketRoute; readonly said: string[] }[];

/** Passes on what both ends say, and keeps what the page said. */
const listenIn = (page: Page) =>
  page.routeWebSocket(/\/challenges\//, (route) => {
    const server = route.connectToServer();
    const said: string[] = [];
    route.onMessage((message) => {
      said.push(String(message));
      server.send(message);
    });
    lines.push({ route, said });
  });

/** A browser that waits for a phone. */
async function wait(page: Page): Promise<void> {
  const { id } = await register("public", { redirect_uris: [CALLBACK] });
  const asked = new URL("/oauth/authorize", origin);
  asked.search = new URLSearchParams({
    client_id: id,
    response_type: "code",
    redirect_uri: CALLBACK,
    scope: "openid",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
  }).toString();
  await page.goto(asked.href);
  await page.getByLabel("E-mail address").fill(freshEmail());
  await page.getByRole("button", { name: "Continue on my phone" }).click();
  await page.waitForURL(/\/oauth\/sign-in\//);
}

const box = (page: Page) => page.locator("#scan");
const drawn = (page: Page) => page.getByRole("img", { name: "QR code for your phone's camera" });
const pictureOf = (page: Page) => drawn(page).innerHTML();

/** What the code on the page says, once there is one other than `before`. */
async function textOf(page: Page, before = ""): Promise<string> {
  await drawn(page).waitFor();
  await page.waitForFunction(
    (old) => document.getElementById("scan")?.dataset.text !== old,
    before,
    // The page's own clock may stand still.
    { polling: 50 },
  );
  return (await box(page).getAttribute("data-text")) ?? "";
}

beforeEach(async () => {
  lines = [];
  open = await openPage();
});
afterEach(async () => {
  await open.close();
});

describe("the QR code on a waiting page", () => {
  test("T96 says this challenge and a value, and the page says which address it must open", async () => {
    const { page, complaints } = open;
    await wait(page);
    const [, id] = CODE.exec(await textOf(page)) ?? [];
    expect(new URL(page.url()).pathname).toBe(`/oauth/sign-in/${id}`);
    expect(await box(page).innerText()).toContain(`It must open ${new URL(origin).host}/phone.`);
    expect(await page.locator(".number").innerText()).toMatch(/^\d{3} \d{3}$/);
    // A page's policy admits this file by the page's nonce alone.
    const policy = (await page.reload())?.headers()["content-security-policy"] ?? "";
    expect(policy).toMatch(/script-src 'nonce-[A-Za-z0-9_-]+';/);
    await drawn(page).waitFor();
    expect(complaints).toEqual([]);
  });

  test("T96 is asked for anew every 25 s", async () => {
    const { page } = open;
    await listenIn(page);
    await page.clock.install();
    await wait(page);
    await drawn(page).waitFor();
    expect(lines[0]?.said).toEqual(["qr"]);
    await page.clock.runFor(24_000);
    expect(lines[0]?.said).toEqual(["qr"]);
    await page.clock.runFor(1_500);
    await expect.poll(() => lines[0]?.said).toEqual(["qr", "qr"]);
  });

  test("T96 goes when nothing new comes in 30 s", async () => {
    const { page } = open;
    await page.routeWebSocket(/\/challenges\//, (route) => {
      let answers = 0;
      route.onMessage(() => {
        if (answers++ === 0) route.send(JSON.stringify({ type: "qr", frame: "A".repeat(22) }));
      });
    });
    await page.clock.install();
    await wait(page);
    await drawn(page).waitFor();
    await page.clock.runFor(29_000);
    expect(await box(page).isVisible()).toBe(true);
    await page.clock.runFor(1_500);
    expect(await box(page).isVisible()).toBe(false);
  });

  test("T96 goes with the line, and comes back as another one", async () => {
    const { page } = open;
    await listenIn(page);
    await wait(page);
    const first = await textOf(page);
    const look = await pictureOf(page);
    await lines[0]?.route.close({ code: 1012, reason: "restart" });
    await box(page).waitFor({ state: "hidden" });
    const second = await textOf(page, first);
    expect(CODE.exec(second)?.[1]).toBe(CODE.exec(first)?.[1]);
    expect(await pictureOf(page)).not.toBe(look);
  });

  test("T96 goes when another window of the same sign-in has a newer one", async () => {
    const { page } = open;
    await wait(page);
    const first = await textOf(page);
    const other = await page.context().newPage();
    await other.goto(page.url());
    expect(await textOf(other)).not.toBe(first);
    await box(page).waitFor({ state: "hidden" });
    // Whoever looks at this window again has it here again, and there no more.
    await page.bringToFront();
    await page.evaluate(() => dispatchEvent(new Event("focus")));
    await textOf(page, first);
    await box(other).waitFor({ state: "hidden" });
  });

  test.each([320, 1280])(
    "at %i px it is dark on white in both schemes, and nothing stands out",
    async (width) => {
      const { page } = open;
      await page.setViewportSize({ width, height: 720 });
      await wait(page);
      await drawn(page).waitFor();
      const size = await drawn(page).boundingBox();
      expect(size?.width).toBeGreaterThanOrEqual(220);
      expect(size?.height).toBe(size?.width);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await page.evaluate(layout)).toEqual({ ...WELL_LAID_OUT, headings: 1 });
        const fills = await drawn(page)
          .locator("path")
          .evaluateAll((paths) => paths.map((path) => getComputedStyle(path).fill));
        expect(fills).toEqual(["rgb(255, 255, 255)", "rgb(0, 0, 0)"]);
        await picture(page, `waiting-qr-${width}-${colorScheme}`);
      }
    },
  );
});

test("T96 without script there is no code, and the number remains", async () => {
  const scriptless = await openPage({ javaScriptEnabled: false });
  try {
    await wait(scriptless.page);
    expect(await scriptless.page.locator(".number").innerText()).toMatch(/^\d{3} \d{3}$/);
    expect(await box(scriptless.page).isVisible()).toBe(false);
  } finally {
    await scriptless.close();
  }
});
