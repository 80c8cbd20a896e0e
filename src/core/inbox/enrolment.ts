import type { Instant } from "../time.ts";
import { ENROLMENT_WINDOW } from "./policy.ts";
import type { InboxState } from "./state.ts";

/**
 * Opens the short time in which the person's first device may be enrolled without a signature, for the caller that `binding`
 * names (settled question 22). Whoever has ever had a device gets no such window.
 */
export const openEnrolment = (state: InboxState, binding: string, now: Instant): InboxState =>
  state.hadDevice ? state : { ...state, enrolment: { binding, until: now + ENROLMENT_WINDOW } };

/**
 * Takes the window, once: true closes it for good. Another binding, or too late, changes nothing. The window stays written down
 * until a device is known to be stored, so that `restoreEnrolment` can tell its own window from a closed one. The same `attempt` again is
 * a retry of a call whose answer was lost, and is answered alike.
 */
export function takeEnrolment(
  state: InboxState,
  binding: string,
  now: Instant,
  attempt?: string,
): { next: InboxState; taken: boolean; until: Instant } {
  const window = state.enrolment;
  if (window && attempt !== undefined && window.takenBy === attempt) {
    return { next: state, taken: true, until: window.until };
  }
  if (state.hadDevice || !window || window.binding !== binding || now >= window.until) {
    return { next: state, taken: false, until: now };
  }
  const enrolment = { ...window, ...(attempt === undefined ? {} : { takenBy: attempt }) };
  return { next: { ...state, enrolment, hadDevice: true }, taken: true, until: window.until };
}

/** Gives the window back when the enrolment that took it could not be stored, unless a device came by another way meanwhile. */
export function restoreEnrolment(state: InboxState, binding: string, until: Instant): InboxState {
  const { enrolment } = state;
  const isTaken = state.hadDevice && enrolment?.binding === binding && enrolment.until === until;
  return isTaken ? { ...state, hadDevice: false, enrolment: { binding, until } } : state;
}

/** Records that the person has a device now, through whichever door it came. */
export function noteDevice(state: InboxState): InboxState {
  const { enrolment: _, ...rest } = state;
  return { ...rest, hadDevice: true };
}
