import { renderUnicodeCompact } from "uqr";

/** A QR code of half blocks. A full block is a light module, so a terminal gets white on black. */
export const qrOf = (text: string, to: NodeJS.WriteStream): string =>
  renderUnicodeCompact(text, { border: 2 })
    .split("\n")
    .map((line) => (to.isTTY ? `\u001b[97;40m${line}\u001b[0m` : line))
    .join("\n");
