import type { ChallengeId, DeviceId } from "../ids.ts";
import type { Instant } from "../time.ts";
import { SPENT_MEMORY } from "./limits.ts";
import { withoutRecoveries } from "./recovery.ts";
import type { InboxState, Prompt } from "./state.ts";

export type Ended = { readonly next: InboxState; readonly value: readonly ChallengeId[] };

const idOf = ({ challengeId }: Prompt): ChallengeId => challengeId;

const isApproved = ({ status }: Prompt): boolean =>
  status.name === "decided" && status.decision === "approve";

const withdrawn = (prompt: Prompt): Prompt =>
  prompt.status.name === "live" ? { ...prompt, status: { name: "withdrawn" } } : prompt;

/** The window for a first device shuts; one that was taken counts as a device only if its device is noted. No device is woken. */
function closeEnrolment(state: InboxState): InboxState {
  const { enrolment, signUp, remembered, signedUp, subscriptions, ...rest } = withoutRecoveries(state);
  return enrolment?.takenBy === undefined ? rest : { ...rest, hadDevice: false };
}

/**
 * The user is locked or deleted: whatever waits for them is withdrawn, their window for a first device shuts, no browser is
 * remembered and no device is woken. Answers the challenges that may still be under way: those that nobody has denied.
 */
export function endAll(state: InboxState): Ended {
  const standing = state.prompts.filter(
    (prompt) => prompt.status.name === "live" || prompt.status.name === "superseded" || isApproved(prompt),
  );
  const { enrolment, signUp, remembered, recoveries, signedUp, subscriptions } = state;
  const kept = [enrolment, signUp, remembered, recoveries, signedUp, subscriptions];
  if (standing.length === 0 && kept.every((one) => one === undefined)) return { next: state, value: [] };
  const next = closeEnrolment({ ...state, prompts: state.prompts.map(withdrawn) });
  return { next, value: standing.map(idOf) };
}

/**
 * A device is removed: no answer of it is taken any more, not even one that is on its way, and it is not woken. Answers the challenges that are under way by its
 * word, or that it alone may answer.
 */
export function removeDevice(state: InboxState, deviceId: DeviceId, now: Instant): Ended {
  const isIts = ({ demands, status }: Prompt): boolean =>
    (status.name === "live" && demands.device === deviceId) ||
    (status.name === "decided" && status.decision === "approve" && status.deviceId === deviceId);
  const its = state.prompts.filter(isIts);
  const prompts = state.prompts.map((prompt) => (isIts(prompt) ? withdrawn(prompt) : prompt));
  const removed = { ...state.removed, [deviceId]: now + SPENT_MEMORY };
  const subscriptions = state.subscriptions?.filter(({ device }) => device !== deviceId);
  const next = { ...state, prompts, removed, ...(subscriptions === undefined ? {} : { subscriptions }) };
  return { next, value: its.map(idOf) };
}

/** Whether this device was removed a short while ago. */
export const isRemoved = ({ removed }: InboxState, deviceId: DeviceId, now: Instant): boolean =>
  now < (removed[deviceId] ?? 0);
