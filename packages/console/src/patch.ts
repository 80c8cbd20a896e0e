import type { Row } from "./row.ts";

const isSame = (one: unknown, two: unknown): boolean => JSON.stringify(one) === JSON.stringify(two);
const isObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The members of `before` that the text has no more: who takes one out may believe that it is empty then. */
export const missingIn = (before: Row, after: Row): string[] =>
  Object.keys(before).filter((name) => !Object.hasOwn(after, name));

/** The members that differ; null for a setting that is gone, which brings its default back. */
export function patchOf(before: Row, after: Row): Row {
  const changed = Object.entries(after).filter(([name, value]) => !isSame(before[name], value));
  const patch: Row = Object.fromEntries(changed);
  if (!isObject(patch.settings)) return patch;
  const gone = Object.keys(before.settings).filter((name) => !Object.hasOwn(patch.settings, name));
  const kept = Object.entries(patch.settings).filter(
    ([name, value]) => !isSame(before.settings[name], value),
  );
  return { ...patch, settings: Object.fromEntries([...kept, ...gone.map((name) => [name, null])]) };
}
