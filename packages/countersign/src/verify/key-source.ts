import { createLocalJWKSet, errors, type JWK } from "jose";
import { freshSeconds } from "./cache-control.ts";
import { unavailable } from "./refusal.ts";

const SECOND = 1_000;
const TIMEOUT = 5 * SECOND;
/** An unknown `kid` asks the issuer again at most once in so long: anybody can make one up. */
const COOL_DOWN = 60 * SECOND;
/** After a failure nobody asks again for so long. */
const RETRY = 10 * SECOND;
const LONGEST_RETRY = 300 * SECOND;
/** Whatever the headers say, keys are kept for at least and at most so long. */
const SHORTEST = 10 * SECOND;
const LONGEST = 86_400 * SECOND;
/** While the issuer cannot be asked, keys that are no longer fresh stay good for so long. */
const STALE = 3_600 * SECOND;

export type KeyHeader = { readonly alg: "ES256"; readonly kid: string };

/** The public keys of one issuer. */
export type KeySource = {
  /** The key of this header; undefined when the issuer has none. Throws `unavailable` when that cannot be told now. */
  find(header: KeyHeader): Promise<CryptoKey | undefined>;
};

export type KeySourceOptions = {
  readonly issuer: string;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
};

type Known = {
  readonly keyOf: ReturnType<typeof createLocalJWKSet>;
  readonly freshUntil: number;
  readonly goodUntil: number;
};

type Failure = { readonly cause: unknown; readonly retryAt: number };

/** A promise of one request must not be awaited in another one there: it may never end. */
const isWorkers = (): boolean =>
  typeof navigator !== "undefined" && navigator.userAgent === "Cloudflare-Workers";

/** Fetches the JWKS when it is first needed, and keeps it as its headers say. */
export function makeKeySource(options: KeySourceOptions): KeySource {
  const { clock } = options;
  let known: Known | undefined;
  let failure: Failure | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let pending: Promise<void> | undefined;

  const isGood = (now: number): boolean => known !== undefined && now < known.goodUntil;

  async function load(): Promise<void> {
    try {
      known = await fetchKeys(options);
      failure = undefined;
    } catch (cause) {
      const wait = cause instanceof RefusedFetch ? cause.wait : 0;
      failure = { cause, retryAt: clock() + Math.min(Math.max(wait, RETRY), LONGEST_RETRY) };
    }
  }

  /** Asks the issuer, once for all who wait. Never throws. */
  async function ask(now: number): Promise<void> {
    if (pending !== undefined && !isWorkers()) return await pending;
    if (pending !== undefined && now < askedAt + TIMEOUT && isGood(now)) return;
    askedAt = now;
    const mine = load().finally(() => {
      if (pending === mine) pending = undefined;
    });
    pending = mine;
    await mine;
  }

  const mayAsk = (now: number): boolean => failure === undefined || now >= failure.retryAt;

  async function look(header: KeyHeader): Promise<CryptoKey | undefined> {
    const now = clock();
    return known !== undefined && isGood(now) ? await keyIn(known, header) : undefined;
  }

  return {
    async find(header) {
      const now = clock();
      if ((known === undefined || now >= known.freshUntil) && mayAsk(now)) await ask(now);
      const found = await look(header);
      if (found !== undefined) return found;
      const later = clock();
      const isCool = later >= (failure?.retryAt ?? askedAt + COOL_DOWN);
      if (pending !== undefined || isCool) {
        await ask(later);
        const next = await look(header);
        if (next !== undefined) return next;
      }
      if (failure !== undefined || !isGood(clock())) {
        const wait = (failure?.retryAt ?? clock() + RETRY) - clock();
        throw unavailable("The keys of the issuer cannot be had now", wait / SECOND, failure?.cause);
      }
      return undefined;
    },
  };
}

/** The issuer has answered something else than its keys; `wait` as it asks, in milliseconds. */
class RefusedFetch extends Error {
  readonly wait: number;
  constructor(message: string, wait = 0) {
    super(message);
    this.wait = wait;
  }
}

async function fetchKeys({ issuer, fetch, clock }: KeySourceOptions): Promise<Known> {
  const askedAt = clock();
  const response = await fetch(`${issuer}/.well-known/jwks.json`, {
    headers: { Accept: "application/json" },
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    const wait = Number(/^\d{1,6}$/.exec(response.headers.get("Retry-After") ?? "")?.[0] ?? 0);
    throw new RefusedFetch(`The issuer's keys were answered with ${response.status}`, wait * SECOND);
  }
  const keys = usable(await response.json());
  const fresh = (freshSeconds(response.headers) ?? 0) * SECOND;
  // Counted from the question: how long the answer took to come is unknown.
  const freshUntil = askedAt + Math.min(Math.max(fresh, SHORTEST), LONGEST);
  return { keyOf: createLocalJWKSet({ keys }), freshUntil, goodUntil: freshUntil + STALE };
}

/** The public keys of a JWKS (RFC 7517 §5). Which of them fits a token, by `kid` and kind, is jose's to say. */
function usable(body: unknown): JWK[] {
  const keys = (body as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new RefusedFetch("The issuer's keys are no JWKS");
  // Who reads a private key in public can sign with it.
  return keys.filter((key) => typeof key === "object" && key !== null && key.d === undefined);
}

async function keyIn({ keyOf }: Known, header: KeyHeader): Promise<CryptoKey | undefined> {
  try {
    return await keyOf(header);
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return undefined;
    throw unavailable("The keys of the issuer cannot be used", RETRY / SECOND, error);
  }
}
