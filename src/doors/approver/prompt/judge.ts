import { admits } from "../../../core/challenge/approvers.ts";
import { judgeNearness, judgeSameDevice } from "../../../core/challenge/proximity.ts";
import type { Origin } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import { allowsBareTap, requiresUnlock } from "../../../core/client/settings.ts";
import type { Device } from "../../../core/device/device.ts";
import { isNew } from "../../../core/device/own-enrolment.ts";
import { isOwn, reachOf } from "../../../core/device/own-pages.ts";
import type { DoorRules } from "../../../core/ports/services.ts";
import type { Instant } from "../../../core/time.ts";
import { type Asked, saidOf } from "./asked.ts";

/** Why a device may decline a request and not approve it. */
export type WhyNot = "tap" | "unlock" | "new_device" | "more" | "far" | "same_device";

export type Judged = {
  /** How the approver shows that they see the waiting screen. */
  readonly match: "number" | "none";
  readonly unlock: boolean;
  readonly whyNot?: WhyNot;
  readonly warnings: readonly ("far" | "same_device")[];
  /** Asked and answered on one device: the approval says so. */
  readonly isMarked: boolean;
};

/** What is known of who asks to answer, beside the device itself. */
export type Judging = {
  readonly client: Client;
  readonly device: Device;
  /** The user's other live devices. */
  readonly others: readonly Device[];
  readonly doors: readonly DoorRules[];
  /** The device has shown that it sees the waiting screen: by its QR code, or by the code that was typed. */
  readonly isSeen: boolean;
  /** The browser that answers is the one that began the request. */
  readonly isShared: boolean;
  /** Where the answer comes from. */
  readonly here: Origin;
  readonly now: Instant;
};

/** Whether a request stands before this device at all: its client admits it, and it is no younger than the request (T25). */
export const standsBefore = (asked: Asked, device: Device): boolean =>
  admits(asked, reachOf(device)) &&
  (asked.demands.device === undefined || asked.demands.device === device.id) &&
  device.enrolledAt <= asked.startedAt;

/**
 * What answering takes here, and why it cannot be approved if it cannot. A bare tap approves only where the client's setting says `insecure`
 * (T03): elsewhere the number on the waiting screen is typed, or its code was scanned. From far away the client's setting may ask for more (T30).
 */
export function judge(asked: Asked, judging: Judging): Judged {
  const { client, device, isSeen, isShared, here } = judging;
  const { demands, origin } = asked;
  const { more = false, unseen = false } = saidOf(asked, judging.doors);
  // Of a backend's call nothing is known of its user's place: that is as far as can be, and no news to warn of.
  const place = judgeNearness(client.settings, unseen ? {} : origin, here);
  const same = judgeSameDevice(client.settings, isShared);
  const shows = demands.matchCode || demands.matchOnPage === true;
  const mayTap = allowsBareTap(client.settings) && !place.stepUp;
  const asksNumber = demands.matchCode || (shows && !mayTap);
  const unlock = demands.unlock || requiresUnlock(client.settings) || place.stepUp;
  const isUnlocked = device.credentialId !== undefined;
  const reasons: readonly (readonly [WhyNot, boolean])[] = [
    ["far", place.denied],
    ["same_device", same.denied],
    ["more", more],
    ["tap", !asksNumber && !mayTap && !isSeen],
    ["unlock", unlock && !isUnlocked],
    ["new_device", waitsFor(asked, judging)],
  ];
  const whyNot = reasons.find(([, holds]) => holds)?.[0];
  return {
    match: asksNumber && !isSeen ? "number" : "none",
    unlock,
    warnings: [...(unseen ? [] : place.warnings), ...same.warnings],
    isMarked: same.marked,
    ...(whyNot === undefined ? {} : { whyNot }),
  };
}

/**
 * Whether an older device has to answer instead. Who reads somebody's mail adds a device by a code: for as long as that can be taken back, it
 * approves nothing that a device of before could, but on our sign-in page, where a code is a way in itself (docs/decisions/0087).
 */
const waitsFor = (asked: Asked, judging: Judging): boolean =>
  (asked.door !== "oauth" || saidOf(asked, judging.doors).unseen === true) && hasOlder(asked, judging);

const hasOlder = (asked: Asked, { device, others, now }: Judging): boolean =>
  device.byCode === true &&
  isNew(device, now) &&
  others.some((other) => other.enrolledAt < device.enrolledAt && !isOwn(other) && admits(asked, other));
