import type { Clock } from "../core/ports/chance.ts";
import type { IpLimits } from "../core/ports/edge.ts";
import { type Instant, MINUTE } from "../core/time.ts";

/** The part of a `[[ratelimits]]` binding that is used. */
export type RateLimiter = { limit(options: { key: string }): Promise<{ success: boolean }> };

export type IpLimiters = Readonly<Record<"start" | "wait" | "miss" | "admin" | "send", RateLimiter>>;

const REMEMBERED = 10_000;

const V4_IN_V6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** What counts as one address: an IPv4 address, or the /64 of an IPv6 one, which a single subscriber owns. */
export function addressKey(ip: string): string {
  const mapped = V4_IN_V6.exec(ip)?.[1];
  if (mapped) return mapped;
  if (!ip.includes(":")) return ip;
  const [head = "", tail] = ip.toLowerCase().split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}

const untilMinuteEnds = (now: Instant): Instant => (Math.floor(now / MINUTE) + 1) * MINUTE;

/** Seconds until a limit that counts by the minute lets its address in again: what `Retry-After` says. */
export const retryAfterMinute = (now: Instant): number => Math.ceil((untilMinuteEnds(now) - now) / 1_000);

/**
 * Limits per address over the platform's counters: approximate, per location, by the minute (settled question 30). Keys carry
 * the issuer, because counters are shared in an account. An address that is unknown, or `on` being false, is let through; so is
 * everybody while the counter itself fails.
 */
export function makeIpLimits(options: {
  readonly on: boolean;
  readonly issuer: string;
  readonly limiters: IpLimiters;
  readonly clock: Clock;
}): IpLimits {
  const { on, issuer, limiters, clock } = options;
  const blockedUntil = new Map<string, Instant>();

  const counted = async (limiter: RateLimiter, name: string): Promise<boolean> => {
    try {
      return (await limiter.limit({ key: `${issuer}|${name}` })).success;
    } catch {
      return true;
    }
  };
  const allowed = async (limiter: RateLimiter, ip: string | undefined): Promise<boolean> =>
    !on || ip === undefined || (await counted(limiter, addressKey(ip)));

  const block = (ip: string): void => {
    if (blockedUntil.size >= REMEMBERED) blockedUntil.clear();
    blockedUntil.set(addressKey(ip), untilMinuteEnds(clock.now()));
  };

  return {
    network: (ip) => (on && ip !== undefined ? addressKey(ip) : undefined),
    start: (ip) => allowed(limiters.start, ip),
    wait: (ip) => allowed(limiters.wait, ip),
    read: async (ip, text) =>
      (await allowed(limiters.wait, ip)) && (!on || (await counted(limiters.wait, `read|${text}`))),
    admin: (ip) => allowed(limiters.admin, ip),
    send: (ip) => allowed(limiters.send, ip),
    async miss(ip) {
      const within = await allowed(limiters.miss, ip);
      if (!within && ip !== undefined) block(ip);
      return within;
    },
    blocked(ip) {
      if (!on || ip === undefined) return false;
      return (blockedUntil.get(addressKey(ip)) ?? 0) > clock.now();
    },
  };
}
