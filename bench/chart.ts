/** The chart of the README: sign-ins a second and CPU for each, by contender. Text and bars follow the reader's colour scheme. */
import { brief, type Outcome } from "./figure/outcome.ts";

type Row = { readonly name: string; readonly perSecond: number; readonly cpuPerRound: number };

const WIDTH = 800;
const LINE = 34;
const LEFT = 350;
const BAR = 150;

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** Undefined when flows were not measured. */
export function chart(outcomes: readonly Outcome[], date: string): string | undefined {
  const data = outcomes.find(({ figure }) => figure.startsWith("B2"))?.data as
    | { rows?: readonly Row[] }
    | undefined;
  const rows = data?.rows;
  if (!rows) return undefined;
  const most = (pick: (row: Row) => number) => Math.max(...rows.map(pick));
  const [fastest, dearest] = [most((row) => row.perSecond), most((row) => row.cpuPerRound)];
  const height = 70 + rows.length * LINE;
  const lines = rows.map((row, index) => {
    const y = 62 + index * LINE;
    const kind = row.name.startsWith("Countersign") ? "own" : "peer";
    const bar = (x: number, part: number, words: string) =>
      `<rect class="${kind}" x="${x}" y="${y}" width="${Math.max(1, part * BAR).toFixed(1)}" height="18" rx="2"/>` +
      `<text x="${(x + part * BAR + 6).toFixed(1)}" y="${y + 14}">${words}</text>`;
    return (
      `<text x="${LEFT - 12}" y="${y + 14}" text-anchor="end">${escaped(row.name)}</text>` +
      bar(LEFT, row.perSecond / fastest, `${brief(row.perSecond)}/s`) +
      bar(LEFT + 220, row.cpuPerRound / dearest, `${brief(row.cpuPerRound)} ms`)
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Sign-ins a second and CPU for each, measured on ${date}">
<style>text{font:13px system-ui,sans-serif;fill:#1c2024}.head{font-weight:600}.own{fill:#2f6f4f}.peer{fill:#9aa4ad}@media(prefers-color-scheme:dark){text{fill:#e6e9ec}.own{fill:#5fb58a}.peer{fill:#66707a}}</style>
<text class="head" x="${LEFT}" y="24">sign-ins a second</text><text class="head" x="${LEFT + 220}" y="24">CPU for each</text>
<text x="${LEFT}" y="44">more is better</text><text x="${LEFT + 220}" y="44">less is better</text>
${lines.join("\n")}
</svg>
`;
}
