"use client";
/** @jsxImportSource react */

import { useMemo } from "react";

/** Modules of a QR code, row by row; true is dark. `encode` of the package `uqr` answers so. */
export type QrEncoder = (text: string) => { readonly data: readonly (readonly boolean[])[] };

/** Light modules that readers want around the code (ISO/IEC 18004). */
const QUIET = 4;

/** One path for all dark modules: a bar for each run of them. */
function pathOf(rows: readonly (readonly boolean[])[]): string {
  let path = "";
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue;
      const from = x;
      while (row[x]) x += 1;
      path += `M${from} ${y}h${x - from}v1h-${x - from}z`;
    }
  }
  return path;
}

/** Dark on light in both colour schemes: many readers take nothing else. */
export function Qr({
  text,
  encode,
  title,
}: {
  readonly text: string;
  readonly encode: QrEncoder;
  readonly title: string;
}) {
  const { path, size } = useMemo(() => {
    const { data } = encode(text);
    return { path: pathOf(data), size: data.length };
  }, [text, encode]);
  const box = `${-QUIET} ${-QUIET} ${size + 2 * QUIET} ${size + 2 * QUIET}`;
  return (
    <svg role="img" aria-label={title} viewBox={box} width="200" height="200" shapeRendering="crispEdges">
      <rect x={-QUIET} y={-QUIET} width={size + 2 * QUIET} height={size + 2 * QUIET} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
