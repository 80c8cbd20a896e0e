import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, inject, test } from "vitest";
import { openPage } from "./browser.ts";

const origin = inject("origin");
/** Where pictures go for users to look at; none are taken without it. */
const pictures = process.env.SCREENSHOTS;

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

/** What a page must be, whatever it says. Runs in the page. */
function anatomy() {
  const { documentElement: root } = document;
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map((part) => Number(part) / 255);
    const [red, green, blue] = [r, g, b].map((v) =>
      v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
  };
  const ground = (element: Element | null): string => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const contrasts = [...document.querySelectorAll("main *")]
    .filter((element) =>
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim()),
    )
    .map((element) => {
      const [light = 0, dark = 0] = [
        luminance(getComputedStyle(element).color),
        luminance(ground(element)),
      ].sort((a, b) => b - a);
      return (light + 0.05) / (dark + 0.05);
    });
  return {
    title: document.title,
    language: root.lang,
    mode: document.compatMode,
    headings: [...document.querySelectorAll("h1,h2,h3")].map(({ tagName }) => tagName),
    mains: document.querySelectorAll("main").length,
    scripts: document.querySelectorAll("script").length,
    sideways: root.scrollWidth - root.clientWidth,
    ground: getComputedStyle(document.body).backgroundColor,
    lowestContrast: Math.min(...contrasts),
    texts: contrasts.length,
    namelessLinks: [...document.querySelectorAll("a")].filter(({ textContent }) => !textContent?.trim())
      .length,
    lowLinks: [...document.querySelectorAll(".rows a")].filter((a) => a.getBoundingClientRect().height < 24)
      .length,
    icon: document.querySelector<HTMLLinkElement>("link[rel=icon]")?.href ?? "",
  };
}

describe("pages that users meet", () => {
  test.each([
    [320, 740, "light"],
    [360, 740, "light"],
    [360, 740, "dark"],
    [1280, 800, "light"],
    [1280, 800, "dark"],
  ] as const)(
    "home at %i x %i, %s: named, ordered, legible, no wider than the window, no complaint",
    async (width, height, colorScheme) => {
      const { page, complaints, close } = await openPage({ viewport: { width, height }, colorScheme });
      try {
        const answer = await page.goto(`${origin}/`);
        expect(answer?.status()).toBe(200);
        const seen = await page.evaluate(anatomy);
        expect(seen).toMatchObject({
          title: "Countersign",
          language: "en",
          mode: "CSS1Compat",
          mains: 1,
          scripts: 0,
          sideways: 0,
          namelessLinks: 0,
          lowLinks: 0,
        });
        expect(seen.headings).toEqual(["H1", ...seen.headings.slice(1).map(() => "H2")]);
        expect(seen.texts).toBeGreaterThan(10);
        expect(seen.lowestContrast).toBeGreaterThanOrEqual(4.5);
        // The stylesheet was let in by its hash, and follows the scheme.
        expect(seen.ground).toBe(colorScheme === "dark" ? "rgb(17, 19, 23)" : "rgb(244, 245, 247)");
        expect(seen.icon).toBe(`${origin}/favicon.svg`);
        expect(complaints).toEqual([]);
        await picture(page, `home-${width}-${colorScheme}`);
      } finally {
        await close();
      }
    },
  );

  test("home is read by keyboard: each link in order, with a visible focus", async () => {
    const { page, close } = await openPage({ viewport: { width: 360, height: 740 } });
    try {
      await page.goto(`${origin}/`);
      const names: string[] = [];
      for (const _ of [1, 2]) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate(() => {
          const style = getComputedStyle(document.activeElement ?? document.body);
          return {
            name: document.activeElement?.textContent ?? "",
            outline: style.outlineStyle,
            width: style.outlineWidth,
          };
        });
        expect(at).toMatchObject({ outline: "solid", width: "3px" });
        names.push(at.name);
      }
      expect(names).toEqual(["Signing keys (JWKS)", "Health"]);
      await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Enter");
      await page.waitForURL(`${origin}/.well-known/jwks.json`);
    } finally {
      await close();
    }
  });

  test("T93 the home page lets nothing in: no script, no inline style of a stranger, no frame around it", async () => {
    const { page, complaints, close } = await openPage();
    try {
      await page.goto(`${origin}/`);
      const ran = await page.evaluate(() => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'taken'";
        document.body.append(script);
        const style = document.createElement("style");
        style.textContent = "h1{color:rgb(1,2,3)}";
        document.body.append(style);
        return {
          title: document.title,
          colour: getComputedStyle(document.querySelector("h1") ?? document.body).color,
        };
      });
      expect(ran.title).toBe("Countersign");
      expect(ran.colour).not.toBe("rgb(1, 2, 3)");
      expect(complaints.filter((text) => text.includes("Content Security Policy"))).toHaveLength(2);
      await page.goto("about:blank");
      await page.setContent(`<iframe src="${origin}/"></iframe>`);
      await expect
        .poll(() => page.frames().map((frame) => frame.url()))
        .toContain("chrome-error://chromewebdata/");
    } finally {
      await close();
    }
  });

  test("an address that leads nowhere is a page too", async () => {
    const { page, close } = await openPage({ viewport: { width: 320, height: 740 } });
    try {
      const answer = await page.goto(`${origin}/some/long/address/that/leads/nowhere`);
      expect(answer?.status()).toBe(404);
      const seen = await page.evaluate(anatomy);
      expect(seen).toMatchObject({
        title: "Page not found - Countersign",
        headings: ["H1"],
        sideways: 0,
        scripts: 0,
      });
      expect(seen.lowestContrast).toBeGreaterThanOrEqual(4.5);
      await picture(page, "not-found-320");
      await page.getByRole("link", { name: "About this service" }).click();
      await page.waitForURL(`${origin}/`);
    } finally {
      await close();
    }
  });
});
