import { own } from "../own.ts";
import { type Instant, MINUTE, type Millis, SECOND } from "../time.ts";
import type { Delivery, InboxState } from "./state.ts";

/** `mine`: nobody else sends it now. `busy`: somebody may be sending it. `over`: it went out, or failed for good. */
export type Claim = "mine" | "busy" | "over";

/** Longer than any carrier may take. */
const CLAIM: Millis = 45 * SECOND;
/** How long a message is remembered after its own end, for late repeats of the queue and for the page that shows its fate. */
const MEMORY: Millis = 30 * MINUTE;

/** Takes the message for one attempt, so that a message that comes twice is sent once. */
export function claimDelivery(
  state: InboxState,
  id: string,
  expiresAt: Instant,
  now: Instant,
): { next: InboxState; value: Claim } {
  const known = own(state.deliveries, id);
  if (known?.status === "sent" || known?.status === "failed") return { next: state, value: "over" };
  if (known?.status === "claimed" && now < known.claimedUntil) return { next: state, value: "busy" };
  const claimed: Delivery = {
    status: "claimed",
    claimedUntil: now + CLAIM,
    until: Math.max(expiresAt, now) + MEMORY,
  };
  return { next: { ...state, deliveries: { ...live(state, now), [id]: claimed } }, value: "mine" };
}

/** Writes down how an attempt ended; `released`: another one may follow. What is over stays as it is. */
export function endDelivery(
  state: InboxState,
  id: string,
  status: Exclude<Delivery["status"], "claimed">,
  now: Instant,
): InboxState {
  const known = own(state.deliveries, id);
  if (known?.status === "sent" || known?.status === "failed") return state;
  const until = known?.until ?? now + MEMORY;
  const ended: Delivery = { status, claimedUntil: now, until };
  return { ...state, deliveries: { ...live(state, now), [id]: ended } };
}

/** Until when anything about messages is worth remembering. */
export const deliveriesMatterUntil = (state: InboxState): Instant =>
  Math.max(0, ...Object.values(state.deliveries).map(({ until }) => until));

const live = (state: InboxState, now: Instant): InboxState["deliveries"] =>
  Object.fromEntries(Object.entries(state.deliveries).filter(([, { until }]) => now < until));
