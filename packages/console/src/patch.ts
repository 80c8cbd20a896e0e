import type { Row } from "./row.ts";

const isSame = (one: unknown, two: unknown): boolean => JSON.stringify(one) === JSON.stringify(two);

/** The members that differ; null for a setting that is gone, which brings its default back. */
export function patchOf(before: Row, after: Row): Row {
  const changed = Object.entries(after).filter(([name, value]) => !isSame(before[name], value));
  const patch: Row = Object.fromEntries(changed);
  if (typeof patch.settings !== "object" || patch.settings === null) return patch;
  const gone = Object.keys(before.settings).filter((name) => !(name in patch.settings));
  const kept = Object.entries(patch.settings).filter(
    ([name, value]) => !isSame(before.settings[name], value),
  );
  return { ...patch, settings: Object.fromEntries([...kept, ...gone.map((name) => [name, null])]) };
}
