/** B5 and B8: counts that the budget tests assert. They are the same on every machine. */
import { bill, marginal } from "../../scripts/cost-page.ts";
import { END, SIGN_INS, type SignIn, WAITS } from "../../test/worker/whole/budget/counts.ts";
import type { Outcome } from "./outcome.ts";

/** What the plan asks for at most. */
const BARS = {
  cotter: {
    start: 2,
    "the socket opens": 1,
    "the device asks for prompts": 2,
    "the device answers": 3,
    "the poll that collects": 2,
  },
  ciba: { start: 3, "the poll that collects": 2 },
} as const;

const withEnd = (one: SignIn, end: SignIn): SignIn => ({
  requests: one.requests + end.requests,
  objects: one.objects + end.objects,
  d1Calls: one.d1Calls + end.d1Calls,
  d1RowsWritten: one.d1RowsWritten + end.d1RowsWritten,
  objectRows: one.objectRows + end.objectRows,
  queue: one.queue + end.queue,
});

export function countedFigures(): readonly Outcome[] {
  const cotter = withEnd(SIGN_INS.cotter, END.grant);
  const million = marginal(cotter);
  const first = bill(cotter, 1);
  const rows = cotter.d1RowsWritten + cotter.objectRows;
  const over = Object.entries(BARS).flatMap(([door, bars]) => {
    const waits: Readonly<Record<string, number>> = WAITS[door as keyof typeof BARS];
    return Object.entries(bars).filter(([step, most]) => (waits[step] ?? Number.POSITIVE_INFINITY) > most);
  });
  return [
    {
      figure: "B5 a million sign-ins more, by socket",
      says: `$${million.toFixed(2)}; ${rows} rows, ${cotter.objects} object requests, ${cotter.d1Calls} D1 calls each`,
      bar: "under $12",
      met: million < 12,
      data: { cotter },
    },
    {
      figure: "B5 the first million of a month",
      says: `$${first.toFixed(2)}`,
      bar: "under $6",
      met: first < 6,
      data: {},
    },
    {
      figure: "B8 waits in a row",
      says: `Cotter ${Object.values(BARS.cotter).length} steps, CIBA ${Object.values(BARS.ciba).length}: ${over.length} over the bar`,
      bar: "each at most the plan's",
      met: over.length === 0,
      data: { waits: WAITS },
    },
  ];
}
