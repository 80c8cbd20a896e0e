import type { SubjectKey } from "../core/ids.ts";
import { codesMatterUntil } from "../core/inbox/codes.ts";
import { deliveriesMatterUntil } from "../core/inbox/deliveries.ts";
import { guessesMatterUntil } from "../core/inbox/guesses.ts";
import { DENIAL_WINDOW, IDLE_COUNTER, PROMPT_WINDOW } from "../core/inbox/limits.ts";
import { livePrompts } from "../core/inbox/prompts.ts";
import { rememberedUntil } from "../core/inbox/remembered.ts";
import type { InboxState, Prompt } from "../core/inbox/state.ts";
import type { Instant } from "../core/time.ts";

/** Whether a subject is only counted: a user's inbox stays, an identifier's or a client's passes. */
export const isPassing = (who: SubjectKey): boolean => !who.startsWith("user:");

/** When nothing in the inbox of a passing subject counts any more; a lease is kept a day, so that a busy client's is not remade. */
export const idleAt = (state: InboxState): Instant =>
  Math.max(
    state.silencedUntil ?? 0,
    state.enrolment?.until ?? 0,
    codesMatterUntil(state),
    deliveriesMatterUntil(state),
    guessesMatterUntil(state),
    rememberedUntil(state),
    state.lease ? state.lease.windowEnds + IDLE_COUNTER : 0,
    ...Object.values(state.counters).map((counter) => counter.until),
    ...Object.values(state.spent).map((mark) => mark.until),
    ...state.prompts.map((prompt) => prompt.expiresAt),
    ...state.sent.map((at) => at + PROMPT_WINDOW),
    ...state.denials.map((at) => at + DENIAL_WINDOW),
  );

/** What a device's socket is told when its user's prompts change: how many there are, and nothing of what they say. */
export const promptsFrame = (state: InboxState, now: Instant): string =>
  JSON.stringify({ type: "prompts", count: livePrompts(state, now).length });

/** Whether a user sees the same prompts before and after a step. */
export const showsTheSame = (before: InboxState, after: InboxState, now: Instant): boolean =>
  livePrompts(before, now).map(idOf).join() === livePrompts(after, now).map(idOf).join();

const idOf = (prompt: Prompt): string => prompt.challengeId;
