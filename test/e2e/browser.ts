import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** Files that a page does not need to be read. */
const LATE = /\/(?:favicon\.svg|qr\.js|phone\/(?:icon[\w-]*\.(?:svg|png)|manifest\.webmanifest|sw\.js))$/;

export type OpenPage = {
  readonly page: Page;
  /** What the console, the policy or the network complained of. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
};

/** A fresh browser with a profile of its own, on one page. */
export async function openPage(options: BrowserContextOptions = {}): Promise<OpenPage> {
  const profile = mkdtempSync(join(tmpdir(), "countersign-browser-"));
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS,
    ...options,
  });
  const complaints: string[] = [];
  const page = context.pages()[0] ?? (await context.newPage());
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => {
    // Icon, manifest and worker are fetched when everything else is there, and what draws codes beside it: a page that is left before has
    // given them up.
    const isLeft = request.failure()?.errorText === "net::ERR_ABORTED" && LATE.test(request.url());
    if (!isLeft) complaints.push(`${request.url()} failed`);
  });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { page, complaints, close };
}
