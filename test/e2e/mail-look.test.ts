import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { letter } from "../fakes/letters.ts";
import { openPage } from "./browser.ts";

/** Where pictures go for users to look at; none are taken without it. */
const pictures = process.env.SCREENSHOTS;

const LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";
const LINK = `https://sign.example/app/confirm/${"a1b2c3d4".repeat(12)}?t=${"x".repeat(43)}`;
const UNDO = `https://sign.example/phone/undo?t=${"62117e62-0520-4441-8cbc-82a15d4c65f7.".repeat(2)}mi8b7w2q.${"x".repeat(43)}`;
const LETTERS = {
  code: letter({ origin: { country: "DE", ip: "198.51.100.7" } }),
  "long-name": letter({ brand: { name: LONG, colour: "#ffcc00" } }),
  link: letter({ template: "magic_link", link: LINK, brand: { name: "Shop", colour: "#0a7d4b" } }),
  device: letter({ template: "device_enrolled", deviceName: LONG, link: UNDO }),
};

const SIZES = [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
] as const;

describe.each(SIZES)("an e-mail on $width pixels", (viewport) => {
  describe.each(["light", "dark"] as const)("%s", (colorScheme) => {
    test.each(Object.entries(LETTERS))("%s: nothing is clipped, nothing is faint", async (name, { html }) => {
      const { page, complaints, close } = await openPage({ viewport, colorScheme, offline: true });
      try {
        await page.setContent(html);
        if (pictures) {
          mkdirSync(pictures, { recursive: true });
          const file = `mail-${name}-${colorScheme}-${viewport.width}.png`;
          await page.screenshot({ path: join(pictures, file), fullPage: true });
        }
        const seen = await page.evaluate(look);
        expect(seen.overflow).toBe(0);
        expect(seen.clipped).toEqual([]);
        expect(seen.faint).toEqual([]);
        expect(seen.checked).toBeGreaterThan(3);
        expect(complaints).toEqual([]);
      } finally {
        await close();
      }
    });
  });
});

/** What a mail must be, whatever it says. Runs in the page. */
function look() {
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = channels(colour).map((channel) => {
      const value = channel / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element: Element | null): string => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = [...document.querySelectorAll("body *")].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim()),
  );
  const contrast = (element: Element) => {
    const a = luminance(getComputedStyle(element).color);
    const b = luminance(ground(element));
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const { clientWidth, scrollWidth } = document.documentElement;
  return {
    checked: texts.length,
    overflow: Math.max(0, scrollWidth - clientWidth),
    clipped: texts
      .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0)
      .map((element) => element.textContent),
    faint: texts.filter((element) => contrast(element) < 4.5).map((element) => element.textContent),
  };
}
