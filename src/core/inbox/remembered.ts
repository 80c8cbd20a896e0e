import type { ClientId } from "../ids.ts";
import { type Instant, SECOND } from "../time.ts";
import type { InboxState, Remembered } from "./state.ts";

/** The newest of a user that are kept. */
export const REMEMBERED_LIMIT = 8;
/** How long the cookie before is taken: the answer with the newer one may have been lost. */
export const REMEMBER_GRACE = 30 * SECOND;

export type Cookie = { readonly id: string; readonly clientId: ClientId; readonly turn: number };

/** What became of a cookie: `replayed` ends what it stands for, because two hold it. */
export type Recalled =
  | { readonly kind: "good"; readonly entry: Remembered }
  | { readonly kind: "gone" }
  | { readonly kind: "replayed" };

const live = ({ remembered = [] }: InboxState, now: Instant): readonly Remembered[] =>
  remembered.filter(({ until }) => now < until);

/** Remembers a browser; the same one again changes nothing. */
export function remember(state: InboxState, entry: Remembered, now: Instant): InboxState {
  const before = live(state, now);
  if (before.some(({ id }) => id === entry.id)) return state;
  return { ...state, remembered: [...before, entry].slice(-REMEMBERED_LIMIT) };
}

/** The browser of a cookie, without using it. */
export const rememberedOf = (state: InboxState, cookie: Cookie, now: Instant): Recalled => {
  const entry = live(state, now).find(({ id, clientId }) => id === cookie.id && clientId === cookie.clientId);
  if (!entry) return { kind: "gone" };
  if (cookie.turn === entry.turn) return { kind: "good", entry };
  const isLost = cookie.turn === entry.turn - 1 && now < entry.turnedAt + REMEMBER_GRACE;
  return isLost ? { kind: "good", entry } : { kind: "replayed" };
};

/** Uses a cookie: the next one is good from then on, and the one before for a short while. An older one ends what it stands for. */
export function recall(
  state: InboxState,
  cookie: Cookie,
  now: Instant,
): { readonly next: InboxState; readonly value: Recalled } {
  const found = rememberedOf(state, cookie, now);
  if (found.kind === "replayed") return { next: forget(state, cookie.id), value: found };
  if (found.kind !== "good") return { next: state, value: found };
  const { entry } = found;
  if (cookie.turn !== entry.turn) return { next: state, value: found };
  const turned = { ...entry, turn: entry.turn + 1, turnedAt: now };
  const remembered = live(state, now).map((one) => (one === entry ? turned : one));
  return { next: { ...state, remembered }, value: { kind: "good", entry: turned } };
}

/** Forgets one browser. */
export const forget = (state: InboxState, id: string): InboxState => ({
  ...state,
  remembered: (state.remembered ?? []).filter((entry) => entry.id !== id),
});

/** Until when a browser is remembered. */
export const rememberedUntil = ({ remembered = [] }: InboxState): Instant =>
  Math.max(0, ...remembered.map(({ until }) => until));
