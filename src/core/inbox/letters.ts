import type { Brought, Caller } from "../caller.ts";
import type { ClientId } from "../ids.ts";
import { DAY, type Instant } from "../time.ts";
import { halfOf, OPEN_LETTERS, OWN_LETTERS, type Rule, SPELLINGS } from "./policy.ts";
import type { InboxState } from "./state.ts";
import { freeAt, latest } from "./windows.ts";

/** A code or link that was sent: in which lane, to which spelling of the address, and asked for from where. */
export type Letter = {
  readonly at: Instant;
  readonly lane: string;
  readonly identifierId?: string;
  readonly network?: string;
};

/** Who has a letter sent. */
export type Sender = {
  readonly caller: Caller;
  readonly clientId: ClientId;
  /** What the door asks for beside the rules of every lane. */
  readonly also?: Rule;
};

/** Strangers share one lane over all clients; whoever brings something has one for each client. */
const laneOf = (brought: Brought, clientId: ClientId): string =>
  brought === "nothing" ? "nothing" : `${brought}:${clientId}`;

type Asked = { readonly sender?: Sender; readonly identifierId?: string };
const STRANGER: Caller = { brought: "nothing" };

/** Letters of the last day, the oldest first, with those of a version that told no senders apart. */
export const lettersOf = ({ codeSends, letters }: InboxState, now: Instant): readonly Letter[] =>
  [...codeSends.map((at): Letter => ({ at, lane: "nothing" })), ...(letters ?? [])].filter(
    ({ at }) => now < at + DAY,
  );

/**
 * When the sender's lane lets the next letter through; undefined: now. Strangers' letters are counted for all spellings together, so
 * that respelling gives nobody more; those of callers who bring something for the one address, so that whoever owns a neighbouring
 * spelling uses up nothing of it. One network may use half of a lane; a browser that is known here has it alone.
 */
export function nextLetterAt(
  state: InboxState,
  { sender, identifierId }: Asked,
  now: Instant,
): Instant | undefined {
  const { brought, network } = sender?.caller ?? STRANGER;
  const lane = sender ? laneOf(brought, sender.clientId) : "nothing";
  const all = lettersOf(state, now).filter((letter) => letter.lane === lane);
  const also = sender?.also ? [sender.also] : [];
  const counts: readonly (readonly [readonly Letter[], readonly Rule[]])[] =
    brought === "nothing"
      ? [[all, [...OPEN_LETTERS, ...also]]]
      : [
          [all.filter((letter) => letter.identifierId === identifierId), [...OWN_LETTERS, ...also]],
          [all, OWN_LETTERS.map(({ window, limit }) => ({ window, limit: limit * SPELLINGS }))],
        ];
  const shared = brought !== "browser" && network !== undefined;
  return latest(
    counts.flatMap(([letters, limits]) => {
      const ofNetwork = shared ? letters.filter((letter) => letter.network === network) : [];
      return limits.flatMap((rule) => [
        freeAt(times(letters), rule, now),
        freeAt(times(ofNetwork), { ...rule, limit: halfOf(rule.limit) }, now),
      ]);
    }),
  );
}

const times = (letters: readonly Letter[]): readonly Instant[] => letters.map(({ at }) => at);

/** Counts a letter that goes out now. */
export function countLetter(state: InboxState, { sender, identifierId }: Asked, now: Instant): InboxState {
  const { brought, network } = sender?.caller ?? STRANGER;
  const letter: Letter = {
    at: now,
    lane: sender ? laneOf(brought, sender.clientId) : "nothing",
    ...(identifierId === undefined ? {} : { identifierId }),
    ...(network === undefined ? {} : { network }),
  };
  const codeSends = state.codeSends.filter((at) => now < at + DAY);
  const known = (state.letters ?? []).filter(({ at }) => now < at + DAY);
  return { ...state, codeSends, letters: [...known, letter] };
}

/** Until when a letter is worth remembering. */
export const lettersMatterUntil = ({ codeSends, letters }: InboxState): Instant =>
  Math.max(0, ...codeSends.map((at) => at + DAY), ...(letters ?? []).map(({ at }) => at + DAY));
