const NEVER = /^no-(?:store|cache)(?:=|$)/;
const MAX_AGE = /^max-age="?(\d{1,10})"?$/;

/** For how many seconds an answer is fresh (RFC 9111 §4.2.1); undefined when its headers say nothing of it. */
export function freshSeconds(headers: Headers): number | undefined {
  const directives = (headers.get("Cache-Control") ?? "").split(",").map((text) => text.trim().toLowerCase());
  if (directives.some((directive) => NEVER.test(directive))) return 0;
  const maxAge = directives.map((directive) => MAX_AGE.exec(directive)?.[1]).find((found) => found);
  if (maxAge === undefined) return undefined;
  // What it has spent in a cache on the way is over (RFC 9111 §4.2.3).
  const age = Number(/^\d{1,10}$/.exec(headers.get("Age")?.trim() ?? "")?.[0] ?? 0);
  return Math.max(0, Number(maxAge) - age);
}
