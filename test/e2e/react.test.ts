import type { ServerResponse } from "node:http";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { createClient, isCountersignError } from "../../packages/countersign/src/client.ts";
import { newBackend, newPage, newUser, type Stage, type User } from "../wire/sdk/stage.ts";
import { type OpenPage, openPage } from "./browser.ts";
import { picture, type Site, startSite } from "./verify-support.ts";

const stage: Stage = { origin: inject("origin"), adminToken: inject("adminToken") };

let site: Site;
let clientId: string;
let user: User;
let open: OpenPage;
let script: string;
/** Device requests that the page has sent. */
let starts: string[];
/** Whom the site's backend asks. */
let payer: string;
let wasLeft: Promise<unknown>;

const HTML = `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,"><body><script type="module" src="/page.js"></script>`;

/** The backend of the page: asks by its own client, and streams what the page has to show. */
async function pay(answer: ServerResponse, to: string): Promise<void> {
  const backend = await newBackend(stage);
  const client = createClient({
    issuer: stage.origin,
    clientId: backend.client_id,
    clientSecret: backend.client_secret,
  });
  const control = new AbortController();
  wasLeft = new Promise((done) => control.signal.addEventListener("abort", done));
  answer.on("close", () => control.abort());
  const say = (line: object) => answer.write(`${JSON.stringify(line)}\n`);
  try {
    const details = [{ type: "payment", to }];
    const approval = await client.requestApproval(
      { user: payer, details },
      { signal: control.signal, onPrompt: (prompt) => say({ prompt }) },
    );
    say({ to: approval.details?.[0]?.to });
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    say({ code: error.code });
  }
  answer.end();
}

beforeAll(async () => {
  const built = await build({
    entryPoints: [new URL("./react-page.tsx", import.meta.url).pathname],
    bundle: true,
    format: "esm",
    write: false,
    define: { "process.env.NODE_ENV": '"development"' },
    logLevel: "error",
  });
  script = built.outputFiles[0]?.text ?? "";
  site = await startSite((request, response) => {
    const url = new URL(request.url ?? "/", site.origin);
    if (url.pathname === "/pay") return void pay(response, url.searchParams.get("to") ?? "");
    const isScript = url.pathname === "/page.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.end(isScript ? script : HTML);
  });
  ({ client_id: clientId } = await newPage(stage, { allowed_origins: [site.origin] }));
});
afterAll(async () => {
  await site.close();
});
beforeEach(async () => {
  [user, open] = await Promise.all([newUser(stage), openPage()]);
  payer = user.email;
  starts = [];
  await open.page.addInitScript(() => {
    const sockets: WebSocket[] = [];
    const { WebSocket: Native } = window;
    class Seen extends Native {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    }
    Object.assign(window, { WebSocket: Seen, sockets });
  });
  open.page.on("request", (request) => {
    if (request.method() === "POST" && request.url().endsWith("/oauth/device_authorization")) {
      starts.push(request.postData() ?? "");
    }
  });
});
afterEach(async () => {
  await open.close();
});

const visit = (page: Page, over: Record<string, string> = {}) =>
  page.goto(`${site.origin}/?${new URLSearchParams({ issuer: stage.origin, client: clientId, ...over })}`);
const rendered = (page: Page) => page.evaluate(() => (window as unknown as { states: string[] }).states);
const ask = async (page: Page, address = user.email) => {
  await page.getByLabel("Address").fill(address);
  await page.getByRole("button", { name: "Sign in" }).click();
};
/** How each socket of the page stands. One that is closed before it is open makes the browser complain. */
const sockets = (page: Page) =>
  page.evaluate(() =>
    (window as unknown as { sockets: WebSocket[] }).sockets.map(
      ({ readyState }) => ["connecting", "open", "closing", "closing"][readyState],
    ),
  );
/** The number as it stands on the page, once it does. */
const number = async (page: Page) =>
  (await page.locator("[data-part=code] [aria-hidden]").innerText()).replace(" ", "");

describe("useSignIn and Waiting, in StrictMode in a browser", () => {
  test("shows number, QR code and time left, is read out, and is signed in", async () => {
    const { page, complaints } = open;
    await visit(page);
    await ask(page);
    const shown = page.getByRole("region", { name: "Waiting for your answer on your phone" });
    await shown.waitFor();
    // The button that was pressed is gone, so the focus would be nowhere.
    await expect.poll(() => shown.evaluate((root) => root === document.activeElement)).toBe(true);
    await page.getByRole("img", { name: "Scan this with your phone’s camera" }).waitFor();
    expect(await page.getByRole("timer").innerText()).toMatch(/^Time left: [0-3]:\d\d$/);
    const code = await number(page);
    expect(code).toMatch(/^\d{6}$/);
    expect(
      await page.getByRole("status", { name: "Type this number on your phone" }).ariaSnapshot(),
    ).toContain([...code].join(" "));
    await picture(page, "react-waiting");
    await user.approve(code);
    await page.getByText(`Signed in as ${user.id}`).waitFor();
    await page.getByText("Session: signed_in").waitFor();
    expect(await rendered(page)).toEqual(["idle", "starting", "waiting", "signed_in"]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("Session: signed_out").waitFor();
    expect(complaints).toEqual([]);
  });

  test("says when somebody declines", async () => {
    await visit(open.page);
    await ask(open.page);
    await number(open.page);
    await user.decline();
    await open.page.getByText("Failed: denied").waitFor();
  });

  test("a start in an effect, which StrictMode runs twice, asks once", async () => {
    const { page } = open;
    await visit(page, { at: user.email });
    await user.approve(await number(page));
    await page.getByText(`Signed in as ${user.id}`).waitFor();
    expect(starts).toHaveLength(1);
  });

  test("Cancel goes back at once, closes the socket, and an approval that comes later is not heard", async () => {
    const { page, complaints } = open;
    await visit(page);
    await ask(page);
    const code = await number(page);
    await expect.poll(() => sockets(page)).toEqual(["open"]);
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(await sockets(page)).toEqual(["closing"]);
    await user.approve(code).catch(() => undefined);
    // A whole sign-in later the first one has said nothing.
    const other = await newUser(stage);
    await ask(page, other.email);
    await other.approve(await number(page));
    await page.getByText(`Signed in as ${other.id}`).waitFor();
    expect(await rendered(page)).toEqual([
      ...["idle", "starting", "waiting", "idle"],
      ...["starting", "waiting", "signed_in"],
    ]);
    expect(complaints).toEqual([]);
  });

  test("a component that goes ends its wait, and nobody complains", async () => {
    const { page, complaints } = open;
    await visit(page);
    await ask(page);
    await number(page);
    await expect.poll(() => sockets(page)).toEqual(["open"]);
    await page.getByRole("button", { name: "Leave" }).click();
    expect(await sockets(page)).toEqual(["closing"]);
    expect(await rendered(page)).toEqual(["idle", "starting", "waiting"]);
    expect(complaints).toEqual([]);
  });

  test("a second start ends the first", async () => {
    const { page } = open;
    const other = await newUser(stage);
    // The first answer is held back until the second start is out.
    let free = () => {};
    const held = new Promise<void>((done) => {
      free = done;
    });
    await page.route("**/oauth/device_authorization", async (route) => {
      if (route.request().postData()?.includes(encodeURIComponent(user.email))) await held;
      await route.continue().catch(() => undefined);
    });
    await visit(page);
    await ask(page);
    await expect.poll(() => starts.length).toBe(1);
    await ask(page, other.email);
    const code = await number(page);
    free();
    await other.approve(code);
    await page.getByText(`Signed in as ${other.id}`).waitFor();
    expect(await rendered(page)).toEqual(["idle", "starting", "waiting", "signed_in"]);
  });
});

describe("useApproval, with a backend that asks", () => {
  test("shows what the backend streams, and says what was approved", async () => {
    const { page, complaints } = open;
    await visit(page, { pay: "" });
    await page.getByRole("button", { name: "Pay" }).click();
    await user.approve(await number(page));
    await page.getByText("Paid to Büro Müller").waitFor();
    expect(await rendered(page)).toEqual(["idle", "starting", "waiting", "approved"]);
    expect(complaints).toEqual([]);
  });

  test("a start in an effect, which StrictMode runs twice, asks the backend once", async () => {
    const { page } = open;
    let asked = 0;
    page.on("request", (request) => {
      if (request.url().includes("/pay?")) asked += 1;
    });
    await visit(page, { pay: "", at: "Ada" });
    await user.approve(await number(page));
    await page.getByText("Paid to Ada").waitFor();
    expect(asked).toBe(1);
  });

  test("has the code of the error that the backend saw", async () => {
    const { page } = open;
    await visit(page, { pay: "" });
    await page.getByRole("button", { name: "Pay" }).click();
    await number(page);
    await user.decline();
    await page.getByText("Failed: denied").waitFor();
  });

  test("Cancel hangs up on the backend", async () => {
    const { page } = open;
    await visit(page, { pay: "" });
    await page.getByRole("button", { name: "Pay" }).click();
    await number(page);
    await page.getByRole("button", { name: "Cancel" }).click();
    await wasLeft;
    await page.getByRole("button", { name: "Pay" }).waitFor();
  });
});
