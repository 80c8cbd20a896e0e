import { renderUnicodeCompact } from "uqr";

/** A QR code of half blocks, dark on light whatever the terminal's colours are. */
export const qrOf = (text: string): string =>
  renderUnicodeCompact(text, { border: 2 })
    .split("\n")
    .map((line) => (process.stdout.isTTY ? `\u001b[30;107m${line}\u001b[0m` : line))
    .join("\n");
