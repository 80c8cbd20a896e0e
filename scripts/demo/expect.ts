/** Throws what was expected and what came instead; a secret is never passed to it. */
export function expect(held: boolean, wanted: string, came: unknown): asserts held {
  if (!held) throw new Error(`expected ${wanted}, but came ${shown(came)}`);
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
