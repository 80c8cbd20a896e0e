import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { renderMermaidSVG } from "beautiful-mermaid";
import { OUTPUT, ROOT } from "./place.ts";

const LIGHT = "--bg:#ffffff;--fg:#1a1d21;--muted:#565d66";
const DARK = "--bg:#1b1e24;--fg:#eceef1;--muted:#a3abb6";

/** Draws a Mermaid diagram as an SVG of its own, light and dark, that loads nothing. Answers its path below the output. */
export function draw(page: string, number: number, text: string): string {
  const path = `diagrams/${page.replace(/\.html$/, "").replaceAll("/", "-")}-${number}.svg`;
  const drawn = renderMermaidSVG(text, { bg: "#ffffff", fg: "#1a1d21", transparent: true })
    .replace(/(<svg [^>]*?) style="[^"]*"/, "$1")
    .replace(/\s*@import url\([^)]*\);/, "")
    .replaceAll("'Inter', ", "Helvetica, Arial, ")
    .replace("<style>", `<style>svg{${LIGHT}}@media (prefers-color-scheme:dark){svg{${DARK}}}`);
  if (/@import|url\(['"]?https?:/.test(drawn)) throw new Error(`${page}: its diagram would load something`);
  const file = resolve(ROOT, OUTPUT, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, drawn);
  return path;
}
