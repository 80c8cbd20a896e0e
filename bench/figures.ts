const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;

/** Prints one line of milliseconds, and answers their median. */
export function report(name: string, values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((q) => quantile(sorted, q));
  console.log(`${name.padEnd(52)} p50 ${p50?.toFixed(2)}  p90 ${p90?.toFixed(2)}  p99 ${p99?.toFixed(2)} ms`);
  return p50 ?? Number.NaN;
}
