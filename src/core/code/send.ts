import { noteRefusal } from "../audit/note-refusal.ts";
import { type Caller, isStranger } from "../caller.ts";
import type { Origin } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import { brandOf, codeSendsPerHour } from "../client/settings.ts";
import { type ChallengeId, clientSubject, type SubjectKey, type UserId } from "../ids.ts";
import type { Count } from "../inbox/counters.ts";
import { NETWORK_SHARE, OPEN_SHARE, partOf, type Rule, SEND_WINDOW } from "../inbox/limits.ts";
import type { CodeEffect } from "../message/code-effect.ts";
import type { Channel, Message } from "../ports/deliveries.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { type Instant, MINUTE } from "../time.ts";
import type { ReadIdentifier } from "../user/identifier.ts";
import { ONE_TIME_CODE_LIFETIME } from "./lifetimes.ts";
import { codeHash, codeSubject, identifierIdOf } from "./subject.ts";

export type SendCode = {
  readonly challengeId: ChallengeId;
  readonly client: Client;
  readonly identifier: ReadIdentifier;
  readonly channel: Exclude<Channel, "push">;
  /** What the code is good for; one that was sent for something else does not fit (T70). */
  readonly purpose: string;
  /** What comes of it, as the letter names it. */
  readonly effect?: CodeEffect;
  /** Six digits to type, or a secret of 256 bits in the link that this makes of it. */
  readonly as:
    | { readonly template: "one_time_code" }
    | { readonly template: "magic_link"; readonly linkOf: (secret: string) => string };
  readonly origin: Origin;
  readonly caller: Caller;
  /** Nobody has enrolled the address: whoever asks has chosen it. Its letters have a lane of their own, and a stranger's share. */
  readonly unproven?: true;
  /** What the door asks for beside the limits of every letter. */
  readonly also?: Rule;
  /** BCP 47 tag of the reader's language. */
  readonly locale: string;
  /** The challenge's own end; the code ends ten minutes after it was sent, or then. */
  readonly expiresAt: Instant;
  /** The user, where known. */
  readonly userId?: UserId;
};

export type SentCode = {
  /** For `Deliveries.stateOf`, together with `subject`: whether it went out. */
  readonly messageId: string;
  readonly subject: SubjectKey;
  readonly delivery: "queued" | "sent";
  readonly expiresAt: Instant;
};

type MakingPowers = Pick<
  Services,
  "inboxes" | "handles" | "chance" | "clock" | "limits" | "events" | "background" | "log"
>;
type Powers = MakingPowers & Pick<Services, "deliveries">;
type Refused = RefusalOf<"too_many" | "out_of_guesses" | "delivery_failed" | "not_allowed">;

const SECRET_BYTES = 32;

/** A code that was made, kept and counted, for whoever hands it over. It is in nothing else: never logged, never answered. */
export type MadeCode = {
  readonly code: string;
  readonly subject: SubjectKey;
  readonly expiresAt: Instant;
};

/**
 * Makes a one-time code (or the secret of a magic link), keeps its keyed hash in the identifier's inbox and hands the message over.
 * Neither the code nor the link is ever answered. Refused: what `makeCode` refuses, `not_allowed` for a number that nothing is sent
 * to, `too_many` for its range or country, `delivery_failed`.
 */
export async function sendCode(powers: Powers, asked: SendCode): Promise<Result<SentCode, Refused>> {
  const made = await makeCode(powers, asked);
  return made.ok ? await handOver(powers, asked, made.value) : made;
}

/**
 * Makes and keeps a code without sending it. The challenge's earlier code stays good beside it, and its wrong guesses stay counted.
 * Refused: `too_many` (network, client, identifier), `out_of_guesses` for a challenge that is over by them.
 */
export async function makeCode(
  powers: MakingPowers,
  asked: SendCode,
): Promise<Result<MadeCode, RefusalOf<"too_many" | "out_of_guesses">>> {
  const { challengeId, client, identifier, origin } = asked;
  const now = powers.clock.now();
  if (!(await powers.limits.send(origin.ip))) {
    return no({ code: "too_many", scope: "ip", retryAt: now + MINUTE });
  }
  const counts = countsOf(asked);
  const limited = await countForClient(powers, client, counts);
  if (limited) return no(limited);
  const subject = await codeSubject(powers, client.realm, identifier);
  const { template } = asked.as;
  const code = template === "one_time_code" ? powers.chance.digits(6) : powers.chance.text(SECRET_BYTES);
  const expiresAt = Math.min(now + ONE_TIME_CODE_LIFETIME, asked.expiresAt);
  const hash = await codeHash(powers, { challengeId, identifier, purpose: asked.purpose, code });
  const identifierId = await identifierIdOf(powers, identifier);
  const kept = await powers.inboxes.putCode(subject, {
    challengeId,
    hash,
    identifierId,
    expiresAt,
    until: asked.expiresAt,
    ...(template === "magic_link" ? { link: true } : {}),
    sender: {
      caller: asked.caller,
      clientId: client.id,
      ...(asked.unproven ? { unproven: true } : {}),
      ...(asked.also === undefined ? {} : { also: asked.also }),
    },
  });
  if (!kept.ok) {
    // Nobody gets a letter, so the client's budget is not charged: a full mailbox must not end its mail.
    if (counts.length > 0) await powers.inboxes.uncount(clientSubject(client.id), kindsOf(counts));
    noteUnsent(powers, asked, subject, kept.error.code);
    return kept;
  }
  return ok({ code, subject, expiresAt });
}

/** Gives a made code to the delivery room. */
export async function handOver(
  powers: Powers,
  asked: SendCode,
  made: MadeCode,
): Promise<Result<SentCode, RefusalOf<"delivery_failed" | "not_allowed" | "too_many">>> {
  const { subject, expiresAt } = made;
  const message = messageOf(powers, asked, made);
  const handed = await powers.deliveries.send(message, payerOf(asked));
  if (!handed.ok) noteUnsent(powers, asked, subject, handed.error.code);
  return handed.ok ? ok({ messageId: message.id, subject, delivery: handed.value, expiresAt }) : handed;
}

const SENDS = "code_sends";

/** Whose share of hourly budgets a letter takes: a token proves whose the action is, and not whose an address is. */
const payerOf = ({ caller, unproven }: SendCode): Caller =>
  unproven ? { ...caller, brought: "nothing" } : caller;

/** What a letter has to pass at its client: strangers leave the last of the hour to others, and one network has a part. */
function countsOf(asked: SendCode): readonly Count[] {
  const limit = codeSendsPerHour(asked.client.settings);
  const caller = payerOf(asked);
  if (limit === 0) return [];
  if (!isStranger(caller)) return [{ kind: SENDS, limit, window: SEND_WINDOW }];
  const all = { kind: SENDS, limit: partOf(limit, OPEN_SHARE), window: SEND_WINDOW };
  const { network } = caller;
  const part = partOf(limit, NETWORK_SHARE);
  return network === undefined
    ? [all]
    : [all, { kind: `${SENDS}:${network}`, limit: part, window: SEND_WINDOW }];
}

const kindsOf = (counts: readonly Count[]): readonly string[] => counts.map(({ kind }) => kind);

async function countForClient(
  powers: MakingPowers,
  client: Client,
  counts: readonly Count[],
): Promise<RefusalOf<"too_many"> | undefined> {
  if (counts.length === 0) return undefined;
  const counted = await powers.inboxes.countTogether(clientSubject(client.id), counts);
  if (counted.allowed) return undefined;
  noteRefusal(powers, { type: "client_sends_limited", clientId: client.id, subject: client.id });
  return { code: "too_many", scope: "client", retryAt: counted.retryAt };
}

/** On record under the identifier's keyed hash: the trail tells that one address was aimed at, and not which. */
export function noteUnsent(
  powers: MakingPowers,
  { client, origin }: SendCode,
  subject: SubjectKey,
  reason: string,
): void {
  const { ip } = origin;
  noteRefusal(powers, {
    type: "code_not_sent",
    clientId: client.id,
    subject,
    reason,
    ...(ip === undefined ? {} : { ip }),
  });
}

/**
 * Where a message goes: to the form by which the identity is compared, so that nobody proves an address that was not written to. A host
 * that tells cases apart is written to in lower case.
 */
export const reachedAt = ({ normal }: ReadIdentifier): string => normal;

function messageOf(powers: Powers, asked: SendCode, kept: MadeCode): Message {
  const { as } = asked;
  return {
    id: powers.chance.text(18),
    channel: asked.channel,
    to: reachedAt(asked.identifier),
    template: as.template,
    locale: asked.locale,
    brand: brandOf(asked.client),
    clientId: asked.client.id,
    ...(asked.userId === undefined ? {} : { userId: asked.userId }),
    subject: kept.subject,
    ...(as.template === "magic_link" ? { link: as.linkOf(kept.code) } : { code: kept.code }),
    ...(asked.effect === undefined ? {} : { effect: asked.effect }),
    origin: asked.origin,
    expiresAt: kept.expiresAt,
  };
}
