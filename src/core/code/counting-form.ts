import type { ReadIdentifier } from "../user/identifier.ts";

/** Letters of other scripts that look like Latin ones (Unicode TR39, the pairs that spell words). */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  ...{ а: "a", в: "b", е: "e", к: "k", м: "m", н: "h", о: "o", р: "p", с: "c", т: "t", у: "y", х: "x" },
  ...{ ѕ: "s", і: "i", ј: "j", ԁ: "d", ԛ: "q", ԝ: "w", ү: "y", һ: "h", ӏ: "l", ь: "b", г: "r", п: "n" },
  ...{ α: "a", β: "b", γ: "y", ε: "e", η: "n", ι: "i", κ: "k", μ: "u", ν: "v", ο: "o", ρ: "p", σ: "o" },
  ...{ τ: "t", υ: "u", χ: "x", ω: "w", ı: "i", ɑ: "a", ɡ: "g", ſ: "s", "0": "o", "1": "l" },
};

/**
 * The form under which guesses and sendings are counted (settled question 12, T62): for counting only, never for finding anybody.
 * Of an address it takes the tag behind `+` and the dots, and folds case, accents, widths, signs that look alike and the domain's
 * trailing dot; so that whoever respells an address finds its counter again. Two addresses that share a form share a counter.
 */
export function countingForm({ kind, normal }: ReadIdentifier): string {
  if (kind === "phone") return normal;
  if (kind === "username") return folded(normal);
  const at = normal.lastIndexOf("@");
  const local = folded(normal.slice(0, at).replaceAll('"', ""));
  const bare = local.replace(/\+.*$/, "").replaceAll(".", "");
  return `${bare === "" ? local : bare}@${normal.slice(at + 1).replace(/\.+$/, "")}`;
}

const folded = (text: string): string =>
  Array.from(
    text
      .normalize("NFKD")
      .replaceAll(/[\p{M}\p{Cf}]/gu, "")
      .toLowerCase(),
    (sign) => LOOK_ALIKES[sign] ?? sign,
  ).join("");
