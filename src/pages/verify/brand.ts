import type { BrandSettings } from "../../core/client/settings.ts";

/** How pages show the client; the name is empty where nobody is known to ask. */
export type PageBrand = BrandSettings & { readonly name: string };

type Rgb = readonly [number, number, number];

/** Grounds that accented text and buttons stand on, as in the stylesheet. */
const CARD = { light: [255, 255, 255], dark: [27, 30, 36] } as const;
const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [13, 17, 23];
/** WCAG 2.2 §1.4.3. */
const ENOUGH = 4.5;
const STEPS = 40;

const COLOUR = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i;

function luminance(colour: Rgb): number {
  const [red = 0, green = 0, blue = 0] = colour.map((part) => {
    const value = part / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Contrast of two colours, 1 to 21 (WCAG 2.2). */
export function contrast(a: Rgb, b: Rgb): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const mixed = (from: Rgb, to: Rgb, part: number): Rgb => [
  Math.round(from[0] + (to[0] - from[0]) * part),
  Math.round(from[1] + (to[1] - from[1]) * part),
  Math.round(from[2] + (to[2] - from[2]) * part),
];

/** The colour nearest to the client's own that can be read on this ground. */
function readable(colour: Rgb, ground: Rgb, towards: Rgb): Rgb {
  const steps = Array.from({ length: STEPS + 1 }, (_, step) => mixed(colour, towards, step / STEPS));
  return steps.find((candidate) => contrast(candidate, ground) >= ENOUGH) ?? towards;
}

const hex = (colour: Rgb): string => `#${colour.map((part) => part.toString(16).padStart(2, "0")).join("")}`;

const rules = (accent: Rgb): string => {
  const ink = contrast(accent, WHITE) >= contrast(accent, BLACK) ? WHITE : BLACK;
  return `{--accent:${hex(accent)};--on-accent:${hex(ink)}}`;
};

/** The client's colour for each scheme, moved until text on it and in it keeps 4.5 : 1; undefined without one. */
function accentsOf({ colour }: PageBrand): { readonly light: string; readonly dark: string } | undefined {
  const [, red, green, blue] = COLOUR.exec(colour ?? "") ?? [];
  if (red === undefined || green === undefined || blue === undefined) return undefined;
  const own: Rgb = [Number.parseInt(red, 16), Number.parseInt(green, 16), Number.parseInt(blue, 16)];
  return {
    light: rules(readable(own, CARD.light, BLACK)),
    dark: rules(readable(own, CARD.dark, WHITE)),
  };
}

/** The client's colour as the page's accent in both schemes; empty without one. */
export function brandStyle(brand: PageBrand): string {
  const accents = accentsOf(brand);
  if (!accents) return "";
  return `:root${accents.light}@media (prefers-color-scheme:dark){:root${accents.dark}}`;
}

/** The same inside a page of the client, whose scheme may be fixed. */
export function frameStyle(brand: PageBrand): string {
  const accents = accentsOf(brand);
  if (!accents) return "";
  return `${brandStyle(brand)}:root.light${accents.light}:root.dark${accents.dark}`;
}
