// How soon a request is on the screen of a phone that has the page open. Every figure is of this machine, now.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { report } from "./figures.ts";
import { ROOT } from "./subject/bare.ts";
import { type Place, withSubject } from "./subject/place.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 60);
/** Requests that one person is shown in a minute: more would be kept from them. */
const A_PHONE = 4;
const BAR = 300;
const CIBA = "urn:openid:params:grant-type:ciba";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"];

type Json = Readonly<Record<string, string>>;

async function operator({ origin, adminToken }: Place, path: string, body: object): Promise<Json> {
  const answer = await fetch(origin + path, {
    method: "POST",
    headers: { Authorization: `Bearer ${adminToken}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()) as Json;
}

/** A person whose phone is this browser, with the page open. */
async function newPhone(place: Place, browser: BrowserContext): Promise<{ page: Page; address: string }> {
  const address = `ana-${crypto.randomUUID().slice(0, 8)}@example.com`;
  const { user_id } = await operator(place, "/admin/users", { email: address, verified: true });
  const { ticket } = await operator(place, "/demo/ticket", { user_id });
  await browser.clearCookies();
  const page = await browser.newPage();
  await page.goto(`${place.origin}/phone#add=${ticket}`);
  await page.getByRole("button", { name: "Add without a passkey" }).click();
  await page.getByRole("button", { name: "Back to the requests" }).click();
  await page.getByText("Connected").waitFor();
  return { page, address };
}

/** When the question is drawn, by the clock that both processes read. */
const shownAt = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const look = () => {
          if (!/Is it you/.test(document.querySelector("h1")?.textContent ?? "")) return;
          observer.disconnect();
          requestAnimationFrame(() => resolve(Date.now()));
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, { childList: true, subtree: true });
      }),
  );

async function round(place: Place, client: Json, { page, address }: { page: Page; address: string }) {
  const shown = shownAt(page);
  const sent = Date.now();
  const answer = await fetch(`${place.origin}/oauth/bc-authorize`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` },
    body: new URLSearchParams({ scope: "openid", login_hint: address }),
  });
  const answered = Date.now();
  if (!answer.ok) throw new Error(`the start was answered ${answer.status}`);
  const at = await shown;
  await page.getByRole("button", { name: "Decline" }).click();
  await page.getByRole("link", { name: "Back to the requests" }).click();
  await page.getByText("Connected").waitFor();
  return { fromSent: at - sent, fromAnswer: at - answered };
}

async function main(place: Place): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), "countersign-bench-"));
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  try {
    const samples: Awaited<ReturnType<typeof round>>[] = [];
    while (samples.length < ROUNDS) {
      const browser = await chromium.launchPersistentContext(join(profile, String(samples.length)), {
        executablePath,
        args: FLAGS,
      });
      const phone = await newPhone(place, browser);
      // Who was declined three times at a client is silent there for a while: each request is of a client of its own.
      for (let index = 0; index < A_PHONE; index++) {
        const client = await operator(place, "/admin/clients", {
          name: "Bench",
          kind: "confidential",
          grant_types: [CIBA],
        });
        samples.push(await round(place, client, phone));
      }
      await browser.close();
    }
    console.log(`\n${samples.length} requests, ${cpus().length} cores of ${cpus()[0]?.model ?? "?"}\n`);
    report(
      "the start is answered, to drawn on the phone",
      samples.map(({ fromAnswer }) => fromAnswer),
    );
    const p50 = report(
      "the start is sent, to drawn on the phone",
      samples.map(({ fromSent }) => fromSent),
    );
    console.log(`bar: median under ${BAR} ms from sent to drawn: ${p50 < BAR ? "held" : "MISSED"}\n`);
    process.exitCode = p50 < BAR ? 0 : 1;
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}

// The page as it is now: bundling the Worker leaves the files of our pages alone.
execFileSync(process.execPath, [join(ROOT, "scripts/run.mjs"), "build"], { cwd: ROOT, stdio: "inherit" });
await withSubject(main, { ASSETS: "1" });
process.exit();
