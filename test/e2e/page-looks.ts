import type { Page } from "playwright-core";
import { expect } from "vitest";
import { layout, picture, WELL_LAID_OUT } from "./verify-support.ts";

const SIZES = [
  // A small phone at 200 %.
  [180, 370],
  [320, 740],
  [360, 740],
  [1280, 800],
] as const;

/** Nothing of what is shown is clipped, overlaps, is faint or too low to touch, at any size and by day and night. */
export async function looksWell(page: Page, name: string): Promise<void> {
  // Each place in a sentence was filled.
  expect(await page.locator("body").innerText()).not.toMatch(/\{\w+\}|undefined|\[object/);
  for (const [width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const seen = {
        ...(await page.evaluate(layout)),
        faint: await page.evaluate(faint),
        spilt: await page.evaluate(spilt),
      };
      expect(seen, `${name} at ${width}, ${colorScheme}`).toEqual({
        ...WELL_LAID_OUT,
        headings: 1,
        faint: [],
        spilt: [],
      });
      await picture(page, `${name}-${width}-${colorScheme}`);
    }
  }
}

/** Texts that are too faint to read; run in the page. */
export function faint() {
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map((part) => {
      const value = Number(part) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
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
  return [...document.querySelectorAll("main *,nav *,footer *")]
    .filter((element) =>
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim()),
    )
    .filter((element) => {
      const a = luminance(getComputedStyle(element).color);
      const b = luminance(ground(element));
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
    })
    .map((element) => element.outerHTML.slice(0, 80));
}

/** Texts that stand out of their box; run in the page. */
export function spilt() {
  return [...document.querySelectorAll("main :not(input,.brand span)")]
    .filter((element) => element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1)
    .map((element) => element.outerHTML.slice(0, 80));
}
