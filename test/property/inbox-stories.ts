import fc from "fast-check";
import type { Caller } from "../../src/core/caller.ts";
import type { DecisionKind } from "../../src/core/challenge/state.ts";
import type { ChallengeId } from "../../src/core/ids.ts";
import {
  type Listed,
  list,
  type PromptRequest,
  settlePrompt,
  withdraw,
} from "../../src/core/inbox/prompts.ts";
import { isSpentElsewhere, spend } from "../../src/core/inbox/spent.ts";
import { EMPTY_INBOX, type InboxState } from "../../src/core/inbox/state.ts";
import type { Instant, Millis } from "../../src/core/time.ts";
import { BIRTH, CLIENTS, type Timed } from "./arbitraries.ts";

/** What may happen to an inbox. `which` counts back over the challenges that were ever asked for: 0 is the newest. */
export type InboxCommand =
  | { readonly name: "list"; readonly client: number; readonly caller: Caller; readonly lifetime: Millis }
  | { readonly name: "listAgain"; readonly which: number }
  | {
      readonly name: "settle";
      readonly which: number;
      readonly decision: DecisionKind;
      readonly digest: string;
    }
  | { readonly name: "withdraw"; readonly which: number }
  | { readonly name: "spend"; readonly digest: string; readonly use: string };

const which = fc.oneof(
  { arbitrary: fc.constant(0), weight: 3 },
  { arbitrary: fc.nat({ max: 8 }), weight: 1 },
);
const listing = fc.record({
  name: fc.constant("list" as const),
  client: fc.constantFrom(0, 0, 0, 1, 2),
  caller: fc.constantFrom<Caller>(
    { brought: "secret" },
    { brought: "secret" },
    { brought: "secret" },
    { brought: "secret" },
    { brought: "nothing" },
    { brought: "nothing", network: "n1" },
    { brought: "nothing", network: "n1" },
    { brought: "nothing", network: "n1" },
    { brought: "nothing", network: "n2" },
  ),
  lifetime: fc.constantFrom(1, 30_000, 200_000, 600_000, 3_600_000),
});
const settling = (decision: fc.Arbitrary<DecisionKind>, digest: fc.Arbitrary<string>) =>
  fc.record({ name: fc.constant("settle" as const), which, decision, digest });
const fewDigests = fc.constantFrom("d1", "d2", "d3");
const manyDigests = fc.nat({ max: 1_000_000 }).map((number) => `d${number}`);

const inboxCommands: fc.Arbitrary<InboxCommand> = fc.oneof(
  { arbitrary: listing, weight: 10 },
  { arbitrary: fc.record({ name: fc.constant("listAgain" as const), which }), weight: 1 },
  { arbitrary: settling(fc.constantFrom("approve", "deny", "deny", "deny"), manyDigests), weight: 7 },
  { arbitrary: settling(fc.constantFrom("approve", "deny"), fewDigests), weight: 2 },
  { arbitrary: fc.record({ name: fc.constant("withdraw" as const), which }), weight: 1 },
  {
    arbitrary: fc.record({
      name: fc.constant("spend" as const),
      digest: fewDigests,
      use: fc.constantFrom("enrol", "remove"),
    }),
    weight: 1,
  },
);

const pauses: fc.Arbitrary<Millis> = fc.oneof(
  { arbitrary: fc.constantFrom(0, 1, 500), weight: 12 },
  { arbitrary: fc.constantFrom(11_999, 12_000, 15_000, 59_999, 60_000), weight: 5 },
  { arbitrary: fc.constantFrom(180_000, 299_999, 599_999, 600_000, 1_199_999, 1_200_000), weight: 1 },
);

export const inboxStories: fc.Arbitrary<readonly Timed<InboxCommand>[]> = fc.array(
  fc.record({ after: pauses, command: inboxCommands }),
  { minLength: 1, maxLength: 40, size: "max" },
);

/** The id of the nth challenge of a story. */
export const nthId = (nth: number): ChallengeId => nth.toString(16).padStart(64, "0") as ChallengeId;

/** The nth challenge as it is put before the user. */
export const nthRequest = (
  nth: number,
  client: number,
  lifetime: Millis,
  now: Instant,
  caller: Caller = { brought: "secret" },
): PromptRequest => ({
  caller,
  challengeId: nthId(nth),
  door: "cotter",
  clientId: CLIENTS[client % 3] ?? CLIENTS[0],
  clientName: "Shop",
  purpose: "sign_in",
  demands: { matchCode: false, claim: false, unlock: false },
  origin: {},
  context: {},
  respondNumber: nth + 1,
  startedAt: now,
  expiresAt: now + lifetime,
});

/** What one command did: the state before and after it, and what it touched. */
export type InboxTurn = {
  readonly now: Instant;
  readonly command: InboxCommand;
  readonly before: InboxState;
  readonly after: InboxState;
  /** The challenge that the command named or asked for. */
  readonly id?: ChallengeId;
  readonly asked?: PromptRequest;
  readonly listed?: Listed;
  readonly settled?: ReturnType<typeof settlePrompt>["value"];
  readonly spent?: boolean;
};

/** Does one command. `requests` holds every challenge asked for so far, and grows by a new one. */
export function turn(
  before: InboxState,
  command: InboxCommand,
  requests: PromptRequest[],
  now: Instant,
): InboxTurn {
  const base = { now, command, before };
  switch (command.name) {
    case "list":
      requests.push(nthRequest(requests.length, command.client, command.lifetime, now, command.caller));
      return relist(base, requests.at(-1));
    case "listAgain":
      return relist(base, requests.at(-1 - command.which));
    case "settle": {
      const id = requests.at(-1 - command.which)?.challengeId ?? nthId(0xdead);
      const { decision, digest } = command;
      const { next, value } = settlePrompt(before, { challengeId: id, decision, digest }, now);
      return { ...base, after: next, id, settled: value };
    }
    case "withdraw": {
      const id = requests.at(-1 - command.which)?.challengeId ?? nthId(0xdead);
      return { ...base, after: withdraw(before, id), id };
    }
    case "spend": {
      const { digest, use } = command;
      if (isSpentElsewhere(before, digest, use, now)) return { ...base, after: before, spent: false };
      return { ...base, after: spend(before, digest, use, now), spent: true };
    }
  }
}

function relist(
  base: Pick<InboxTurn, "now" | "command" | "before">,
  request: PromptRequest | undefined,
): InboxTurn {
  if (!request) return { ...base, after: base.before };
  const { next, value } = list(base.before, request, base.now);
  return { ...base, after: next, id: request.challengeId, asked: request, listed: value };
}

/** Plays a story on an empty inbox. */
export function play(story: readonly Timed<InboxCommand>[]): readonly InboxTurn[] {
  const turns: InboxTurn[] = [];
  const requests: PromptRequest[] = [];
  let state = EMPTY_INBOX;
  let now = BIRTH;
  for (const { after, command } of story) {
    now += after;
    const done = turn(state, command, requests, now);
    turns.push(done);
    state = done.after;
  }
  return turns;
}
