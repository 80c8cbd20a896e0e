import type { ClientId } from "../ids.ts";
import { own } from "../own.ts";
import type { Instant } from "../time.ts";
import { ENROLMENT_WINDOW, RECOVERY_OPEN, RECOVERY_PAUSE, RECOVERY_WAIT } from "./limits.ts";
import type { InboxState, Recovery } from "./state.ts";

const at = (state: InboxState, client: ClientId): Recovery => own(state.recoveries ?? {}, client) ?? {};

const put = (state: InboxState, client: ClientId, recovery: Recovery): InboxState => ({
  ...state,
  recoveries: { ...state.recoveries, [client]: recovery },
});

/** A proof was given by somebody who has had a device: its key is good for ten minutes. A wait that runs goes on. */
export function openRecovery(
  state: InboxState,
  client: ClientId,
  opening: { readonly key: string; readonly began: Instant },
  now: Instant,
): InboxState {
  const key = { binding: opening.key, began: opening.began, until: now + ENROLMENT_WINDOW };
  return put(state, client, { ...at(state, client), key });
}

export type RecoveryTry = {
  readonly client: ClientId;
  /** Digest of the key that the caller brought. */
  readonly key: string | undefined;
  /** When the user was last locked or signed out everywhere: a proof from before opens nothing. */
  readonly endedAt: Instant | undefined;
  /** Whether it has to be waited for. */
  readonly waits: boolean;
};

export type TakenRecovery =
  | { readonly outcome: "closed" }
  /** `started`: by this very call, so that the user is to be told. */
  | {
      readonly outcome: "waiting";
      readonly since: Instant;
      readonly until: Instant;
      readonly started: boolean;
    }
  | { readonly outcome: "good" };

const CLOSED: TakenRecovery = { outcome: "closed" };

/**
 * Whether the key of a proof is good for a device, at once or when its wait is over; begins the wait where none runs. Of several that come with
 * one key the statement which writes the device takes one (`insertRecovered`).
 */
export function takeRecovery(
  state: InboxState,
  { client, key, endedAt = 0, waits }: RecoveryTry,
  now: Instant,
): { readonly next: InboxState; readonly value: TakenRecovery } {
  const recovery = at(state, client);
  const { key: window, waitingSince, pausedUntil = 0 } = recovery;
  const isGood =
    window !== undefined && window.binding === key && now < window.until && window.began >= endedAt;
  if (!isGood) return { next: state, value: CLOSED };
  if (!waits) return { next: state, value: { outcome: "good" } };
  if (waitingSince === undefined || now >= waitingSince + RECOVERY_WAIT + RECOVERY_OPEN) {
    if (now < pausedUntil) return { next: state, value: CLOSED };
    const { pausedUntil: _, ...rest } = recovery;
    const until = now + RECOVERY_WAIT;
    const value = { outcome: "waiting", since: now, until, started: true } as const;
    return { next: put(state, client, { ...rest, waitingSince: now }), value };
  }
  const until = waitingSince + RECOVERY_WAIT;
  if (now < until)
    return { next: state, value: { outcome: "waiting", since: waitingSince, until, started: false } };
  return { next: state, value: { outcome: "good" } };
}

/** A device came, by whichever way: nothing is left to recover. */
export function withoutRecoveries({ recoveries: _, ...rest }: InboxState): InboxState {
  return rest;
}

/** Ends every wait: a device of the user's is in use, so it is not lost. */
export function endWaits(state: InboxState, now: Instant): InboxState {
  const { recoveries = {} } = state;
  const waiting = Object.entries(recoveries).filter(([, { waitingSince }]) => waitingSince !== undefined);
  if (waiting.length === 0) return state;
  const ended = waiting.map(([client]) => [client, { pausedUntil: now + RECOVERY_PAUSE }] as const);
  return { ...state, recoveries: { ...recoveries, ...Object.fromEntries(ended) } };
}

/** Ends the one wait that began then, by the word of who reads an address; false when it does not run. */
export function endWait(
  state: InboxState,
  client: ClientId,
  since: Instant,
  now: Instant,
): { readonly next: InboxState; readonly ended: boolean } {
  if (at(state, client).waitingSince !== since) return { next: state, ended: false };
  return { next: put(state, client, { pausedUntil: now + RECOVERY_PAUSE }), ended: true };
}
