import { isStranger } from "../caller.ts";
import type { Instant } from "../time.ts";
import { DENIAL_WINDOW, DENIALS_TO_SILENCE, SILENCE } from "./limits.ts";
import type { Asker, Denial, InboxState, Prompt, Silence } from "./state.ts";

/** Without a known network all strangers at a client are one asker, and all of its backend's calls another. */
const isSame = (one: Asker, other: Asker): boolean =>
  one.clientId === other.clientId &&
  isStranger(one.caller) === isStranger(other.caller) &&
  one.caller?.network === other.caller?.network;

const askerOf = ({ clientId, caller }: Asker): Asker => ({ clientId, ...(caller ? { caller } : {}) });

/** Counts a denial; the third of one asker within the window silences that asker, and nobody else (T02). */
export function countDenial(state: InboxState, denied: Prompt, now: Instant): InboxState {
  const denial: Denial = { ...askerOf(denied), at: now };
  const known = (state.refused ?? []).filter(({ at }) => now < at + DENIAL_WINDOW);
  const own = known.filter((one) => isSame(one, denied));
  if (own.length + 1 < DENIALS_TO_SILENCE) return { ...state, refused: [...known, denial] };
  return silence({ ...state, refused: known.filter((one) => !own.includes(one)) }, denied, now);
}

/** Silences an asker at once: the user has said that it was not them who began. */
export function silence(state: InboxState, asker: Asker, now: Instant): InboxState {
  const added: Silence = { ...askerOf(asker), until: now + SILENCE };
  return { ...state, silences: [...(state.silences ?? []).filter((one) => !isSame(one, asker)), added] };
}

/** Until when this asker is silent. A silence of a version that told no askers apart holds for strangers. */
export function silentUntil(state: InboxState, asker: Asker, now: Instant): Instant | undefined {
  const own = (state.silences ?? []).filter((one) => now < one.until && isSame(one, asker));
  const { silencedUntil } = state;
  const old = silencedUntil !== undefined && now < silencedUntil && isStranger(asker.caller);
  const ends = [...own.map(({ until }) => until), ...(old ? [silencedUntil] : [])];
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** The state without what no rule of this file looks at any more. */
export function sweepDenials(state: InboxState, now: Instant): InboxState {
  const { silencedUntil, refused, silences, ...rest } = state;
  const fresh = refused?.filter(({ at }) => now < at + DENIAL_WINDOW) ?? [];
  const standing = silences?.filter(({ until }) => now < until) ?? [];
  return {
    ...rest,
    denials: state.denials.filter((at) => now < at + DENIAL_WINDOW),
    ...(silencedUntil !== undefined && now < silencedUntil ? { silencedUntil } : {}),
    ...(fresh.length > 0 ? { refused: fresh } : {}),
    ...(standing.length > 0 ? { silences: standing } : {}),
  };
}
