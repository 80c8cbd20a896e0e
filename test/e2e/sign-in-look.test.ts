import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Setting } from "../../src/pages/verify/frame.tsx";
import { ORDINARY, type Said, signInPages } from "../fakes/sign-in-pages.ts";
import { type OpenPage, openPage } from "./browser.ts";
import { faint, spilt } from "./page-looks.ts";
import { layout, picture, WELL_LAID_OUT } from "./verify-support.ts";

const ORIGIN = "https://id.example";
const NONCE = "n0nce";
/** As the service's own, but for the styles: the e2e tests of the routes see to those. */
const POLICY = `default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-${NONCE}'; img-src 'self'; connect-src 'self' wss://id.example; form-action 'self'`;
const LONG: Said = {
  app: "The Extraordinarily Long-Named Shop of Donaudampfschifffahrtsgesellschaft & Sons (formerly Müller)",
  account: `${"very.long.address.that.goes.on.and.on".padEnd(64, "x")}@${"subdomain.".repeat(4)}example.com`,
  host: `${"donaudampfschifffahrtsgesellschaft-".repeat(3)}shop.${"subdomain.".repeat(8)}example`,
  place: "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch, GB",
  device: "Samsung Internet, Android",
  detail: `redirect_uri is not registered: https://${"evil".repeat(60)}.example`,
};
const settingOf = (name: string, colour?: string): Setting => ({
  locale: "en",
  brand: { name, ...(colour === undefined ? {} : { colour }) },
  nonce: NONCE,
});

let open: OpenPage;
const bodies = new Map<string, string>();

/** Shows a text as an answer of the service. */
async function show(page: Page, html: string): Promise<void> {
  bodies.set("/shown", html);
  await page.goto(`${ORIGIN}/shown`);
}

beforeAll(async () => {
  open = await openPage();
  const drawer = readFileSync(resolve(import.meta.dirname, "../../assets/qr.js"), "utf8");
  await open.page.route(`${ORIGIN}/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === "/qr.js") {
      await route.fulfill({ body: drawer, contentType: "text/javascript" });
      return;
    }
    const body = bodies.get(pathname) ?? "<!doctype html><title>There</title>";
    await route.fulfill({ body, contentType: "text/html", headers: { "Content-Security-Policy": POLICY } });
  });
  await open.page.routeWebSocket(/^wss:/, (line) => {
    line.onMessage((said) => {
      if (said === "qr") line.send(JSON.stringify({ type: "qr", frame: "A".repeat(22) }));
    });
  });
});
afterAll(async () => {
  await open.close();
});

/** Endings and troubles differ in their words alone: the longest stands for all of each. */
const isAlike = (kind: string) =>
  /^(ended|trouble)-/.test(kind) && !["ended-reported", "trouble-redirect"].includes(kind);

describe("the standard door's pages", () => {
  test.each([
    // A small phone at 200 %.
    [180, 370, "", ORDINARY, settingOf("Shop", "#0a7d4b")],
    [360, 740, "", ORDINARY, settingOf("Shop", "#0a7d4b")],
    [360, 740, "-long", LONG, settingOf(LONG.app, "#ffd400")],
    [1280, 800, "", ORDINARY, settingOf("")],
    [1280, 800, "-long", LONG, settingOf(LONG.app, "#ffd400")],
  ] as const)(
    "at %i x %i%s: nothing is clipped, overlaps, is faint or too low to touch",
    async (width, height, name, said, setting) => {
      const { page, complaints } = open;
      await page.setViewportSize({ width, height });
      for (const [kind, body] of Object.entries(signInPages(said, setting))) {
        if (isAlike(kind)) continue;
        await show(page, String(await body));
        if (kind.startsWith("match")) await page.locator("#scan path").first().waitFor();
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          const seen = {
            ...(await page.evaluate(layout)),
            faint: await page.evaluate(faint),
            spilt: await page.evaluate(spilt),
          };
          expect(seen, `${kind}, ${colorScheme}`).toEqual({
            ...WELL_LAID_OUT,
            headings: 1,
            faint: [],
            spilt: [],
          });
          await picture(page, `sign-in-${kind}${name}-${width}-${colorScheme}`);
        }
      }
      expect(complaints).toEqual([]);
    },
  );

  test.each([
    ["consent", ["Decline", "Approve"]],
    ["consent-unverified", ["Decline", "Approve"]],
    ["device-confirm", ["Decline", "Approve", "This was not me"]],
    ["sign-out", ["Stay signed in", "Sign out"]],
  ] as const)("T29 %s: the keyboard reaches no first, and yes is no bigger", async (kind, names) => {
    const { page } = open;
    await page.setViewportSize({ width: 360, height: 740 });
    await show(page, String(await signInPages(ORDINARY, settingOf("Shop"))[kind]));
    const reached = [];
    for (const _ of names) {
      await page.keyboard.press("Tab");
      reached.push(
        await page.evaluate(() => {
          const { activeElement: element } = document;
          if (!(element instanceof HTMLElement)) return;
          const { outlineStyle, outlineWidth, ...style } = getComputedStyle(element);
          const { width, height, top } = element.getBoundingClientRect();
          const { fontSize, fontWeight, color, backgroundColor, borderColor } = style;
          return {
            name: element.textContent,
            ring: `${outlineWidth} ${outlineStyle}`,
            look: { width, height, top, fontSize, fontWeight, color, backgroundColor, borderColor },
          };
        }),
      );
    }
    expect(reached.map((control) => control?.name)).toEqual(names);
    expect(reached.map((control) => control?.ring)).toEqual(names.map(() => "3px solid"));
    expect(reached[0]?.look).toEqual(reached[1]?.look);
  });

  test("a page that waits goes on by itself once the phone has answered", async () => {
    const { page } = open;
    await page.routeWebSocket(/^wss:/, (socket) => {
      socket.send(JSON.stringify({ type: "state", state: "pending" }));
      setTimeout(() => socket.send(JSON.stringify({ type: "settled", state: "approved" })), 300);
    });
    await show(page, String(await signInPages(ORDINARY, settingOf("Shop")).match));
    await page.waitForURL(`${ORIGIN}/oauth/next`);
  });

  test("whoever types an address and presses Enter goes on by phone", async () => {
    const { page } = open;
    await show(page, String(await signInPages(ORDINARY, settingOf("Shop"))["sign-in"]));
    await page.getByRole("textbox").and(page.locator(":focus")).waitFor();
    await page.keyboard.type("ana@example.com");
    const [request] = await Promise.all([
      page.waitForRequest((made) => made.method() === "POST"),
      page.keyboard.press("Enter"),
    ]);
    expect(request.postData()).toBe("csrf=c5rf&identifier=ana%40example.com&way=device");
  });
});
