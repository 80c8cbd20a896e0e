import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { faint, spilt } from "../e2e/page-looks.ts";

/** Where pictures go for people to look at; none are taken without it. */
const pictures = process.env.SCREENSHOTS;

/** Nothing is too faint or spills, narrow and wide, light and dark. */
export async function look(page: Page, name: string): Promise<void> {
  const before = page.viewportSize();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 800 });
      expect(await page.evaluate(faint), `${name} ${colorScheme}`).toEqual([]);
      // What only a screen reader meets has no room of its own.
      const spills = (await page.evaluate(spilt)).filter((html) => !html.includes("width: 1px"));
      expect(spills, `${name} ${width}`).toEqual([]);
      if (pictures) {
        mkdirSync(pictures, { recursive: true });
        await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`) });
      }
    }
  }
  if (before) await page.setViewportSize(before);
}
