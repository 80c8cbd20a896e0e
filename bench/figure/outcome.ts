/** A figure of the plan: what was measured, what it is to show, and whether it does. */
export type Outcome = {
  readonly figure: string;
  readonly says: string;
  readonly bar: string;
  readonly met: boolean;
  /** Everything behind it, for the file of results. */
  readonly data: unknown;
};

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
};

export const share = (values: readonly number[], part: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
};

/** Two digits that say something: 0.42, 5.1, 93. */
export const brief = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
