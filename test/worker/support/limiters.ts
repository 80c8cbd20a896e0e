/** Counters as the platform has them, without its clock: so many calls of each key pass. */
export function limiterOf(limit: number) {
  const counts = new Map<string, number>();
  return {
    counts,
    async limit({ key }: { key: string }) {
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return { success: count <= limit };
    },
  };
}

export const LIMITERS = [
  "LIMIT_START",
  "LIMIT_WAIT",
  "LIMIT_MISS",
  "LIMIT_ADMIN",
  "LIMIT_SEND",
  "LIMIT_READ",
] as const;

/** Limits on, each with a counter of its own; those that are named let only so many pass. */
export const limited = (limits: Partial<Record<(typeof LIMITERS)[number], number>> = {}) => ({
  IP_LIMITS: "on",
  ...Object.fromEntries(LIMITERS.map((name) => [name, limiterOf(limits[name] ?? Number.POSITIVE_INFINITY)])),
});

export const from = (ip: string) => ({ "CF-Connecting-IP": ip });
