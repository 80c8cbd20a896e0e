import { encode } from "uqr";

/** What scanners need of blank around a code, in modules (ISO/IEC 18004). */
const QUIET_ZONE = 4;

/** The dark modules as one path: a bar for each run of a row. */
function barsOf(rows: readonly (readonly boolean[])[]): string {
  const bars = rows.flatMap((row, y) =>
    row.flatMap((isDark, x) => {
      if (!isDark || row[x - 1]) return [];
      const end = row.indexOf(false, x);
      const width = (end < 0 ? row.length : end) - x;
      return `M${x} ${y}h${width}v1h-${width}z`;
    }),
  );
  return bars.join("");
}

const path = (fill: string, d: string): SVGPathElement => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", "path");
  element.setAttribute("fill", fill);
  element.setAttribute("d", d);
  return element;
};

/** Draws a text as a QR code into an SVG element: dark on white, whatever the page's colours are. */
function drawQr(svg: SVGElement, text: string): void {
  const { data, size } = encode(text, { ecc: "M", border: QUIET_ZONE });
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.replaceChildren(path("#fff", `M0 0h${size}v${size}H0z`), path("#000", barsOf(data)));
}

// Pages of an older or newer deployment call this too: it only ever gains parameters.
Object.assign(globalThis, { drawQr });
