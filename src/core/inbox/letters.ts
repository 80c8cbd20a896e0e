import type { Caller } from "../caller.ts";
import type { ClientId } from "../ids.ts";
import { DAY, type Instant } from "../time.ts";
import {
  CHOSEN_LETTERS,
  halfOf,
  OPEN_LETTERS,
  OPEN_SHARE,
  OWN_LETTERS,
  partOf,
  type Rule,
  SPELLINGS,
} from "./limits.ts";
import type { InboxState, Letter } from "./state.ts";
import { freeAt, latest } from "./windows.ts";

/** Who has a letter sent. */
export type Sender = {
  readonly caller: Caller;
  readonly clientId: ClientId;
  /** Nobody has enrolled the address: whoever asks has chosen it, so it is not the lane of its owner, and less of the day's sum. */
  readonly unproven?: true;
  /** What the door asks for beside the rules of every lane. */
  readonly also?: Rule;
};

/** Strangers share one lane over all clients; whoever brings something has one for each client. */
const laneOf = ({ caller: { brought }, clientId, unproven }: Sender): string =>
  brought === "nothing" ? STRANGERS : `${brought}:${clientId}${unproven ? CHOSEN : ""}`;

const STRANGERS = "nothing";
const CHOSEN = ":unproven";

/** The lane of an enrolled address and that of a chosen one: one day's sum of letters is for both. */
const sumOf = (lane: string): string => (lane.endsWith(CHOSEN) ? lane.slice(0, -CHOSEN.length) : lane);

type Asked = { readonly sender?: Sender; readonly identifierId?: string };
const STRANGER: Caller = { brought: "nothing" };

/** Letters of the last day, the oldest first, with those of a version that told no senders apart. */
export const lettersOf = ({ codeSends, letters }: InboxState, now: Instant): readonly Letter[] =>
  [...codeSends.map((at): Letter => ({ at, lane: STRANGERS })), ...(letters ?? [])].filter(
    ({ at }) => now < at + DAY,
  );

/** Letters that are counted together, and what they must not pass. */
type LetterCount = readonly [readonly Letter[], readonly Rule[]];

/**
 * When the sender's lane lets the next letter through; undefined: now. Strangers' letters are counted for all spellings together, so
 * that respelling gives nobody more; those of callers who bring something for the one address, so that whoever owns a neighbouring
 * spelling uses up nothing of it. One network may use half of a lane; a browser that is known here has it alone.
 */
export function nextLetterAt(state: InboxState, asked: Asked, now: Instant): Instant | undefined {
  const { brought, network } = asked.sender?.caller ?? STRANGER;
  const shared = brought !== "browser" && network !== undefined;
  return latest(
    countsOf(state, asked, now).flatMap(([letters, limits]) => {
      const ofNetwork = shared ? letters.filter((letter) => letter.network === network) : [];
      return limits.flatMap((rule) => [
        freeAt(times(letters), rule, now),
        freeAt(times(ofNetwork), { ...rule, limit: halfOf(rule.limit) }, now),
      ]);
    }),
  );
}

function countsOf(state: InboxState, { sender, identifierId }: Asked, now: Instant): readonly LetterCount[] {
  const lane = sender ? laneOf(sender) : STRANGERS;
  const also = sender?.also ? [sender.also] : [];
  const sent = lettersOf(state, now);
  const own = sent.filter((letter) => letter.lane === lane);
  if (lane === STRANGERS) return [[own, [...OPEN_LETTERS, ...also]]];
  const sum = sent.filter((letter) => sumOf(letter.lane) === sumOf(lane));
  const isChosen = sumOf(lane) !== lane;
  const rules = isChosen ? [...OWN_LETTERS, CHOSEN_LETTERS] : OWN_LETTERS;
  const ofDay = OWN_LETTERS.filter(({ window }) => window === DAY).map(
    // Whoever has only chosen the address leaves the last of a day to whoever has enrolled it.
    (rule) => (isChosen ? { ...rule, limit: partOf(rule.limit, OPEN_SHARE) } : rule),
  );
  const isSpelledSo = (letter: Letter) => letter.identifierId === identifierId;
  return [
    [own.filter(isSpelledSo), [...rules, ...also]],
    [own, rules.map(forSpellings)],
    [sum.filter(isSpelledSo), ofDay],
    [sum, ofDay.map(forSpellings)],
  ];
}

/** What the spellings of one mailbox may have together. */
const forSpellings = (rule: Rule): Rule => ({ ...rule, limit: rule.limit * SPELLINGS });

const times = (letters: readonly Letter[]): readonly Instant[] => letters.map(({ at }) => at);

/** Counts a letter that goes out now. */
export function countLetter(state: InboxState, { sender, identifierId }: Asked, now: Instant): InboxState {
  const { network } = sender?.caller ?? STRANGER;
  const letter: Letter = {
    at: now,
    lane: sender ? laneOf(sender) : STRANGERS,
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
