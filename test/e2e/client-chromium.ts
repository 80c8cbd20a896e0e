import type { Page } from "playwright-core";
import type { Runtime } from "../wire/sdk/play.ts";
import type { Outcome } from "../wire/sdk/program.ts";
import { bundle } from "../wire/sdk/runtimes/bundle.ts";
import { type OpenPage, openPage } from "./browser.ts";
import { startSite } from "./verify-support.ts";

const PAGE = `
import * as library from "countersign";
import { carryOut } from "../program.ts";

globalThis.carryOut = (order) =>
  carryOut(library, order, {
    prompt: (prompt) => void globalThis.told(JSON.stringify(prompt)),
    onAbort: (abort) => { globalThis.abort = abort; },
  });
`;

export type Tabs = {
  /** The page's own, which the client has to list. */
  readonly origin: string;
  /** A tab of the same browser. */
  open(): Promise<Runtime>;
  close(): Promise<void>;
};

/** What the page has. */
type There = { carryOut(order: unknown): Promise<Outcome>; abort(): void };

async function runtimeIn(page: Page, origin: string): Promise<Runtime> {
  let printed: string[] = [];
  let told: (text: string) => void = () => {};
  page.on("console", (message) => printed.push(message.text()));
  page.on("pageerror", (error) => printed.push(`uncaught ${error.message}`));
  await page.exposeFunction("told", (text: string) => told(text));
  await page.goto(origin);
  // The metadata may be kept for some minutes: faults of its reading would meet nobody.
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  return {
    name: "Chromium",
    async carryOut(order, events) {
      printed = [];
      // Dates are texts here.
      told = (text) => events.prompt(JSON.parse(text));
      events.onAbort(() => void page.evaluate(() => (globalThis as unknown as There).abort()));
      const outcome = await page.evaluate((one) => (globalThis as unknown as There).carryOut(one), order);
      return { ...outcome, printed: [...outcome.printed, ...printed] };
    },
    stop: async () => await page.close(),
  };
}

/** A page of an origin of its own with the built package in it, in as many tabs as are opened. */
export async function openTabs(): Promise<Tabs> {
  const script = await bundle(PAGE);
  const site = await startSite(async (request, response) => {
    const isScript = request.url === "/page.js";
    response.writeHead(200, { "Content-Type": isScript ? "text/javascript" : "text/html" });
    response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  const browser: OpenPage = await openPage();
  return {
    origin: site.origin,
    open: async () => await runtimeIn(await browser.page.context().newPage(), site.origin),
    close: async () => {
      await browser.close();
      await site.close();
    },
  };
}
