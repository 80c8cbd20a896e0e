import { noteRefusal } from "../audit/note-refusal.ts";
import { admits, enrollerOf } from "../challenge/approvers.ts";
import type { Origin } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import { brandOf } from "../client/settings.ts";
import { reachedAt } from "../code/send.ts";
import { userSubject } from "../ids.ts";
import { DEVICE_LETTERS } from "../inbox/limits.ts";
import type { Template } from "../ports/deliveries.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import { DAY } from "../time.ts";
import type { Device } from "./device.ts";
import { UNDO } from "./own-enrolment.ts";
import { isOwn, reachOf } from "./own-pages.ts";
import { undoLink } from "./undo-enrolment.ts";

type Powers = Pick<
  Services,
  "deliveries" | "inboxes" | "handles" | "events" | "chance" | "clock" | "background" | "log"
>;

export type DeviceNews = {
  readonly client: Client;
  readonly user: UserRecord;
  readonly device: Pick<Device, "name">;
  readonly origin: Origin;
  /** What ends what the letter tells of. */
  readonly link?: string;
};

/** Tells a user at every e-mail address they have proven, behind the answer. The removal stands whatever becomes of the letters. */
export function tellDeviceRemoved(powers: Powers, news: DeviceNews): void {
  if (addressesOf(news).length > 0) powers.background(() => tell(powers, news, "device_removed"));
}

/**
 * The same of every device that is enrolled, whoever has let it in: who took a session over enrols a key of their own next (T33). The letter has
 * a link that takes it back within 24 h. The enrolment stands whatever becomes of the letters.
 */
export function tellDeviceEnrolled(
  powers: Powers & Pick<Services, "config" | "pushes">,
  news: DeviceNews & { readonly device: Device },
): void {
  powers.background(() => wakeOthers(powers, news));
  if (addressesOf(news).length === 0) return;
  powers.background(async () =>
    tell(powers, { ...news, link: await undoLink(powers, news.device) }, "device_enrolled"),
  );
}

/**
 * Wakes the user's other devices, once: their pages show the new one for as long as it may be taken back. One that a client's device had let in
 * hears only of those that it may see.
 */
async function wakeOthers(
  { inboxes, pushes, log }: Pick<Services, "inboxes" | "pushes" | "log">,
  { device: added }: { readonly device: Device },
): Promise<void> {
  const { id, userId, enrolledAt } = added;
  const subscriptions = await inboxes.subscriptionsOf(userSubject(userId));
  const enroller = isOwn(added) ? reachOf(added) : enrollerOf(added);
  const others = subscriptions.filter(({ device, through }) => device !== id && admits(enroller, through));
  const note = { newDevice: id, expiresAt: enrolledAt + UNDO };
  const woken = await Promise.all(others.map(({ target }) => pushes.send(target, note)));
  for (const outcome of woken) {
    if (outcome.kind === "sent" || outcome.kind === "gone") continue;
    log("warn", "a device was not told of another one", { kind: outcome.kind, reason: outcome.reason });
  }
}

/**
 * The same of a wait for a device in place of a lost one, with the link that ends it (docs/decisions/0056). Answers whether a letter went to
 * anybody: the wait rests on it.
 */
export const tellRecoveryBegun = (
  powers: Powers,
  news: DeviceNews & { readonly link: string },
): Promise<boolean> => tell(powers, news, "recovery_begun");

const addressesOf = ({ user }: DeviceNews) =>
  user.identifiers.filter(({ kind, verifiedAt }) => kind === "email" && verifiedAt !== undefined);

/** Answers whether at least one letter was handed over. */
async function tell(powers: Powers, news: DeviceNews, template: Template): Promise<boolean> {
  if (await isPastLimit(powers, news, template)) return false;
  const sent = await Promise.allSettled(
    addressesOf(news).map((address) => send(powers, news, template, reachedAt(address))),
  );
  let isTold = false;
  for (const one of sent) {
    if (one.status === "fulfilled" && one.value === undefined) {
      isTold = true;
      continue;
    }
    const cause = one.status === "rejected" ? String(one.reason) : one.value;
    powers.log("warn", "a user was not told of a device", { template, cause });
  }
  return isTold;
}

/**
 * Whether the user was told of so many devices today, of this kind and by this client, that one more is on record only: whoever holds
 * a device of theirs could else fill the mailbox. A count that cannot be asked keeps no letter back.
 */
async function isPastLimit(
  powers: Powers,
  { client, user: { user } }: DeviceNews,
  template: Template,
): Promise<boolean> {
  const subject = userSubject(user.id);
  const count = { kind: `${template}:${client.id}`, ...DEVICE_LETTERS };
  const counted = await powers.inboxes.countTogether(subject, [count]).catch((cause: unknown) => {
    powers.log("warn", "letters of devices could not be counted", { template, cause: String(cause) });
  });
  if (!counted || counted.allowed) return false;
  noteRefusal(powers, {
    type: "device_letter_not_sent",
    clientId: client.id,
    subject: `${template} ${subject}`,
    userId: user.id,
    reason: template,
  });
  return true;
}

/** Answers why it was not handed over, if it was not. */
async function send(
  powers: Powers,
  { client, user, device, origin, link }: DeviceNews,
  template: Template,
  to: string,
): Promise<string | undefined> {
  const handed = await powers.deliveries.send({
    id: powers.chance.text(18),
    channel: "email",
    to,
    template,
    locale: "en",
    brand: brandOf(client),
    clientId: client.id,
    userId: user.user.id,
    subject: userSubject(user.user.id),
    deviceName: device.name,
    ...(link === undefined ? {} : { link }),
    origin,
    expiresAt: powers.clock.now() + DAY,
  });
  return handed.ok ? undefined : handed.error.code;
}
