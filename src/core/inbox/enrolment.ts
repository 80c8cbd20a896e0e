import type { ClientId } from "../ids.ts";
import type { Instant } from "../time.ts";
import { ENROLMENT_WINDOW } from "./limits.ts";
import { openRecovery, withoutRecoveries } from "./recovery.ts";
import type { InboxState, SignedUp, SignUp } from "./state.ts";

/** What the holder of a sign-up's id shows: nobody else was told it. */
const ID = "the user's id";

/**
 * Opens the short time in which a user's first device may be enrolled without a signature. `key` is what the caller was handed;
 * `ambient`, where a client's settings want it, what its calls look like (address and user agent). `began` is when the proof began that
 * opens it.
 */
export type Opening = {
  readonly key: string;
  readonly ambient?: string;
  readonly began?: Instant;
  /** The client through which somebody who had a device may come to another one. */
  readonly recoversAt?: ClientId;
};

/** Whoever has ever had a device gets no such window, but where the client's settings let them recover. */
export function openEnrolment(state: InboxState, opening: Opening, now: Instant): InboxState {
  const { key, ambient, began, recoversAt } = opening;
  if (state.hadDevice)
    return recoversAt === undefined || began === undefined
      ? state
      : openRecovery(state, recoversAt, { key, began }, now);
  return {
    ...state,
    enrolment: {
      binding: key,
      until: now + ENROLMENT_WINDOW,
      ...(ambient === undefined ? {} : { ambient }),
      ...(began === undefined ? {} : { began }),
    },
  };
}

/** Begins a sign-up under an id that only its caller knows. */
export const beginSignUp = (state: InboxState, signUp: SignUp, now: Instant): InboxState =>
  openEnrolment({ ...state, signUp }, { key: ID }, now);

/** The sign-up while it can be finished. */
export const signUpOf = ({ signUp, enrolment }: InboxState, now: Instant): SignUp | undefined =>
  signUp && enrolment && now < enrolment.until ? signUp : undefined;

/**
 * What a caller shows for a first device: the sign-up's id, the key that it was handed, or what its call looks like. `endedAt` is when the
 * user was last locked: a proof that began before opens nothing.
 */
export type Offered =
  | { readonly kind: "sign_up" }
  | {
      readonly kind: "proof";
      readonly key?: string;
      readonly ambient?: string;
      readonly endedAt?: Instant | undefined;
    };

/**
 * Takes the window, once: true closes it for good. A key that does not fit changes nothing, since nobody guesses one; a call that only
 * looks wrong ends what its looks could have opened. The window stays written down until a device is known to be stored, so that
 * `restoreEnrolment` can tell its own window from a closed one. The same `attempt` again is a retry of a call whose answer was lost, and is
 * answered alike.
 */
export function takeEnrolment(
  state: InboxState,
  offered: Offered,
  now: Instant,
  attempt: string,
): { next: InboxState; taken: boolean; until: Instant } {
  const window = state.enrolment;
  if (window?.takenBy === attempt && now < window.until && fits(window, offered))
    return { next: state, taken: true, until: window.until };
  if (state.hadDevice || !window || now >= window.until) return { next: state, taken: false, until: now };
  if (!fits(window, offered)) {
    const { ambient, ...closed } = window;
    return {
      next: ambient === undefined ? state : { ...state, enrolment: closed },
      taken: false,
      until: now,
    };
  }
  const enrolment = { ...window, takenBy: attempt };
  return { next: { ...state, enrolment, hadDevice: true }, taken: true, until: window.until };
}

function fits(window: NonNullable<InboxState["enrolment"]>, offered: Offered): boolean {
  if (offered.kind === "sign_up") return window.binding === ID;
  const { key, ambient, endedAt } = offered;
  if ((window.began ?? Number.POSITIVE_INFINITY) < (endedAt ?? 0)) return false;
  return (
    (key !== undefined && window.binding === key) || (ambient !== undefined && window.ambient === ambient)
  );
}

/** Gives the window back when the enrolment that took it could not be stored, unless a device came by another way meanwhile. */
export function restoreEnrolment(state: InboxState, attempt: string, until: Instant): InboxState {
  const { enrolment } = state;
  if (!state.hadDevice || enrolment?.takenBy !== attempt || enrolment.until !== until) return state;
  const { takenBy: _, ...open } = enrolment;
  return { ...state, hadDevice: false, enrolment: open };
}

/** The state without a window and without what was typed for it. */
export function withoutSignUp({ enrolment: _, signUp: __, ...rest }: InboxState): InboxState {
  return rest;
}

/** Records that the user has a device now, through whichever door it came. */
export function noteDevice(state: InboxState, signedUp?: SignedUp): InboxState {
  return {
    ...withoutSignUp(withoutRecoveries(state)),
    ...(signedUp === undefined ? {} : { signedUp }),
    hadDevice: true,
  };
}

/** Whether a call looks like the one that finished the sign-up a moment ago. */
export const looksSignedUp = ({ signedUp }: InboxState, looks: string, now: Instant): boolean =>
  signedUp !== undefined && now < signedUp.until && signedUp.looks === looks;
