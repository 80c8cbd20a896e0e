import { admits } from "../challenge/approvers.ts";
import type { DeviceId } from "../ids.ts";
import type { Instant } from "../time.ts";
import { isRemoved } from "./ending.ts";
import type { InboxState, Prompt, PushTarget, Subscription } from "./state.ts";

/** Devices of a user that are woken; one more takes the place of the one that subscribed first. */
export const SUBSCRIBED_DEVICES = 8;

type Subscribed = { readonly next: InboxState; readonly value: boolean };

/** What names a target: two subscriptions with one address are one browser or app. */
export const addressOf = (target: PushTarget): string =>
  "endpoint" in target ? target.endpoint : `fcm:${target.fcm}`;

/** Whose push service it is; the rest of an address is a secret of its device. */
export const serviceOf = (target: PushTarget): string =>
  "fcm" in target ? "fcm" : (URL.parse(target.endpoint)?.host ?? "");

const isSame = (one: PushTarget, other: PushTarget): boolean => JSON.stringify(one) === JSON.stringify(other);

/**
 * Keeps where a device is woken, in place of what it said before. An address that another device had is that one's no more: the browser has
 * enrolled anew. False for a device that was removed a moment ago, and for a user who has none: they were deleted meanwhile.
 */
export function subscribe(state: InboxState, subscription: Subscription, now: Instant): Subscribed {
  const { device, target } = subscription;
  if (!state.hadDevice || isRemoved(state, device, now)) return { next: state, value: false };
  const kept = state.subscriptions ?? [];
  const own = kept.find((one) => one.device === device);
  if (own && isSame(own.target, target)) return { next: state, value: true };
  const others = kept.filter((one) => one.device !== device && addressOf(one.target) !== addressOf(target));
  const subscriptions = [...others, subscription].slice(-SUBSCRIBED_DEVICES);
  return { next: { ...state, subscriptions }, value: true };
}

/** Forgets where a device is woken; with `address`, only if it is still this one. */
export function unsubscribe(state: InboxState, device: DeviceId, address?: string): InboxState {
  const { subscriptions } = state;
  const isIts = (one: Subscription) =>
    one.device === device && (address === undefined || addressOf(one.target) === address);
  return subscriptions?.some(isIts)
    ? { ...state, subscriptions: subscriptions.filter((one) => !isIts(one)) }
    : state;
}

/** Whom a prompt wakes: the devices before which it stands, and the one alone that may answer it where there is such a one. */
export const subscribersTo = (
  { subscriptions = [] }: InboxState,
  prompt: Pick<Prompt, "clientId" | "realm" | "approvers" | "demands">,
): readonly Subscription[] =>
  subscriptions.filter(
    ({ device, through }) =>
      admits(prompt, through) && (prompt.demands.device === undefined || prompt.demands.device === device),
  );
