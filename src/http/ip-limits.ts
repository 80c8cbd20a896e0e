import type { Chance, Clock, IpLimits } from "../core/ports/edge.ts";
import { HOUR, type Instant, MINUTE, type Millis } from "../core/time.ts";

/** The part of a `[[ratelimits]]` binding that is used. */
export type RateLimiter = { limit(options: { key: string }): Promise<{ success: boolean }> };

export type IpLimiters = Readonly<Record<"start" | "wait" | "miss" | "admin" | "send" | "read", RateLimiter>>;

const REMEMBERED = 10_000;
/** How long a name that was found good is not counted. */
const VOUCHED: Millis = HOUR;

const V4_IN_V6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** The eight groups of an IPv6 address, without leading zeros. */
function groupsOf(ip: string): readonly string[] {
  const [head = "", tail] = ip.toLowerCase().split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right];
  return groups.map((group) => group.replace(/^0+(?=.)/, ""));
}

/** What counts as one address: an IPv4 address, or the /64 of an IPv6 one, which a single subscriber owns. */
export function addressKey(ip: string): string {
  const mapped = V4_IN_V6.exec(ip)?.[1];
  if (mapped) return mapped;
  return ip.includes(":") ? `${groupsOf(ip).slice(0, 4).join(":")}::/64` : ip;
}

/** A /48 may have as much as this many addresses. */
const PARTS = 4;

/** The /48 of an IPv6 address, which anybody may rent whole; undefined for IPv4. */
export function networkKey(ip: string): string | undefined {
  if (!ip.includes(":") || V4_IN_V6.test(ip)) return undefined;
  return `${groupsOf(ip).slice(0, 3).join(":")}::/48`;
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
  readonly chance: Pick<Chance, "number">;
}): IpLimits {
  const { on, issuer, limiters, clock, chance } = options;
  const blockedUntil = new Map<string, Instant>();

  const counted = async (limiter: RateLimiter, name: string): Promise<boolean> => {
    try {
      return (await limiter.limit({ key: `${issuer}|${name}` })).success;
    } catch {
      return true;
    }
  };
  /**
   * Which limit a call is over. It is counted for its address, and if that is within, for one of the parts of its network at random:
   * no address takes more from its neighbours than its own share.
   */
  const over = async (
    limiter: RateLimiter,
    ip: string | undefined,
    kind = "",
  ): Promise<string | undefined> => {
    if (!on || ip === undefined) return undefined;
    const own = addressKey(ip);
    if (!(await counted(limiter, `${kind}${own}`))) return own;
    const network = networkKey(ip);
    if (network === undefined) return undefined;
    const part = chance.number(PARTS + 1);
    return (await counted(limiter, `${kind}${network}#${part}`)) ? undefined : network;
  };
  const allowed = async (limiter: RateLimiter, ip: string | undefined, kind?: string): Promise<boolean> =>
    (await over(limiter, ip, kind)) === undefined;

  const vouched = new Map<string, Instant>();
  const isVouched = (name: string | undefined): boolean =>
    name !== undefined && (vouched.get(name) ?? 0) > clock.now();

  /** Whoever is told apart from strangers elsewhere: a /48 may be rented whole. */
  const networkOf = (ip: string | undefined): string | undefined =>
    on && ip !== undefined ? (networkKey(ip) ?? addressKey(ip)) : undefined;

  const block = (key: string): void => {
    if (blockedUntil.size >= REMEMBERED) blockedUntil.clear();
    blockedUntil.set(key, untilMinuteEnds(clock.now()));
  };

  return {
    network: networkOf,
    start: (ip) => allowed(limiters.start, ip),
    wait: (ip) => allowed(limiters.wait, ip),
    read: async (ip, text) =>
      (await allowed(limiters.wait, ip)) &&
      (!on || (await counted(limiters.wait, `read|${networkOf(ip) ?? "unknown"}|${text}`))),
    admin: (ip) => allowed(limiters.admin, ip),
    send: (ip) => allowed(limiters.send, ip),
    look: (ip) => allowed(limiters.read, ip),
    check: async (ip, name) => isVouched(name) || (await allowed(limiters.read, ip, "check|")),
    vouch(name, isGood) {
      vouched.delete(name);
      if (!isGood) return;
      const [oldest] = vouched.keys();
      if (vouched.size >= REMEMBERED && oldest !== undefined) vouched.delete(oldest);
      vouched.set(name, clock.now() + VOUCHED);
    },
    async miss(ip) {
      const key = await over(limiters.miss, ip);
      if (key !== undefined) block(key);
      return key === undefined;
    },
    blocked(ip) {
      if (!on || ip === undefined) return false;
      return [addressKey(ip), networkKey(ip) ?? ""].some((key) => (blockedUntil.get(key) ?? 0) > clock.now());
    },
  };
}
