import { CountersignError } from "./errors.ts";

const aborted = (signal: AbortSignal): CountersignError =>
  new CountersignError("aborted", "The signal was aborted", { cause: signal.reason });

/** Throws `aborted` when the signal has fired. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}

/** A timer that is set for longer than 2^31 ms fires at once. */
const LONGEST = 60_000;

/** Waits this long, at most a minute, and no longer than until the machine wakes up or comes online. Throws `aborted`. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  checkAborted(signal);
  await new Promise<void>((done) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      stop();
      done();
    };
    const timer = setTimeout(end, Math.min(ms, LONGEST));
    const stop = onWake(end);
    signal?.addEventListener("abort", end);
  });
  checkAborted(signal);
}

/** Calls back when a page is shown again or the network has come back, which a laptop does after its sleep. Gives the way to stop. */
export function onWake(call: () => void): () => void {
  const { document: page } = globalThis as { document?: Document };
  const target = globalThis as { addEventListener?: typeof addEventListener };
  if (!page || !target.addEventListener) return () => undefined;
  const shown = () => {
    if (page.visibilityState === "visible") call();
  };
  page.addEventListener("visibilitychange", shown);
  addEventListener("online", call);
  return () => {
    page.removeEventListener("visibilitychange", shown);
    removeEventListener("online", call);
  };
}

/** Milliseconds before try number `n`: the first wait, doubled up to 32 times, and up to a half more so that many clients do not come at once. */
export const backOff = (first: number, n: number): number =>
  first * Math.min(2 ** n, 32) * (1 + Math.random() / 2);
