/** How pages show the client. */
export type PageBrand = { readonly name: string; readonly colour?: string; readonly logo?: string };

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
  return `:root{--accent:${hex(accent)};--on-accent:${hex(ink)}}`;
};

/** The client's colour as the page's accent in both schemes, moved until text on it and in it keeps 4.5 : 1; empty without one. */
export function brandStyle({ colour }: PageBrand): string {
  const [, red, green, blue] = COLOUR.exec(colour ?? "") ?? [];
  if (red === undefined || green === undefined || blue === undefined) return "";
  const own: Rgb = [Number.parseInt(red, 16), Number.parseInt(green, 16), Number.parseInt(blue, 16)];
  const light = rules(readable(own, CARD.light, BLACK));
  const dark = rules(readable(own, CARD.dark, WHITE));
  return `${light}@media (prefers-color-scheme:dark){${dark}}`;
}
