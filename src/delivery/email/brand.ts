import type { Brand } from "../../core/ports/deliveries.ts";

/** A client's colours and picture, checked: `onColour` is readable on `colour`. */
export type Look = { readonly colour: string; readonly onColour: string; readonly logo?: string };

const DEFAULT_COLOUR = "#1d4ed8";
const LIGHT = "#ffffff";
/** Of white and black one always has 4.5 : 1. */
const DARK = "#000000";
const COLOUR = /^#[0-9a-f]{6}$/i;

/** Relative luminance (WCAG 2.2). */
function luminance(colour: string): number {
  const channel = (at: number) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

/** Contrast ratio of two colours, 1 to 21 (WCAG 2.2). */
export function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** An https address and nothing that could leave the attribute it stands in. */
function readLogo(text: string | undefined): string | undefined {
  const url = text === undefined || text.length > 2_048 ? null : URL.parse(text);
  return url?.protocol === "https:" && url.username === "" && url.password === "" ? url.href : undefined;
}

/** What of a brand can be shown; the rest is left out. */
export function lookOf(brand: Brand): Look {
  const colour = COLOUR.test(brand.colour ?? "") ? String(brand.colour).toLowerCase() : DEFAULT_COLOUR;
  const onColour = contrast(colour, LIGHT) >= contrast(colour, DARK) ? LIGHT : DARK;
  const logo = readLogo(brand.logo);
  return { colour, onColour, ...(logo === undefined ? {} : { logo }) };
}
