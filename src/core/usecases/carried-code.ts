import { type ClientId, type UserId, userSubject } from "../ids.ts";
import type { NonceUse } from "../ports/nonces.ts";
import type { UserCodeRow } from "../ports/records.ts";
import type { Snapshot } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { HOUR, MINUTE, type Millis, SECOND } from "../time.ts";
import { cancelChallenge } from "./cancel-challenge.ts";
import { noteRefusal } from "./note-refusal.ts";

/** Codes that a person carries from one device to another: six digits, four words, or 192 bits (LoginID §5). */
export type CodeKind = "short" | "phrase" | "long";
export type CodePurpose = "sign_in" | "enrol_device";

/** How long each kind is good for (settled question 20). */
export const CARRIED_LIFETIME: Readonly<Record<CodeKind, Millis>> = {
  short: 180 * SECOND,
  phrase: 15 * MINUTE,
  long: HOUR,
};

/** Whose code it is and what for: the context without which its hash is another. */
export type CodeContext = {
  readonly userId: UserId;
  readonly kind: CodeKind;
  readonly purpose: CodePurpose;
};

/** A fresh code of this kind. */
export function drawCode(chance: Services["chance"], kind: CodeKind): string {
  switch (kind) {
    case "short":
      return chance.digits(6);
    case "phrase":
      return chance.words(4).join("-");
    case "long":
      return chance.text(24);
  }
}

/** What is kept of a code: a keyed hash with its context, so that it fits nowhere else (settled question 5). */
export const carriedHash = (
  powers: Pick<Services, "handles">,
  { userId, kind, purpose }: CodeContext,
  code: string,
): Promise<string> => powers.handles.pepper(["carried_code", userId, kind, purpose], code);

/** Guesses of a waiter and of a backend are counted apart: a stranger who waits must not lock out the person's backend. */
export type Guesser = "waiter" | "backend";

const counterOf = (guesser: Guesser, { kind, purpose }: CodeContext): string =>
  `carried:${guesser}:${kind}:${purpose}`;

export type FoundCode = { readonly row: UserCodeRow; readonly snapshot: Snapshot };

type Powers = Pick<
  Services,
  "inboxes" | "userCodes" | "rooms" | "records" | "handles" | "clock" | "events" | "background" | "log"
>;
export type GuessRefusal = RefusalOf<"code_locked" | "unknown_challenge" | "expired" | "replayed">;

/**
 * Finds the live challenge of a code that somebody presents. The guess is taken in the person's inbox first, so that any number at
 * once make at most five comparisons; the fifth wrong one ends the person's live codes of that kind (settled question 24, T60, T63).
 * A nonce is spent in the same batch.
 */
export async function findCarried(
  powers: Powers,
  asked: CodeContext & {
    readonly code: string;
    readonly guesser: Guesser;
    readonly nonce?: NonceUse;
    readonly ip?: string | undefined;
  },
): Promise<Result<FoundCode, GuessRefusal>> {
  const who = userSubject(asked.userId);
  const counter = counterOf(asked.guesser, asked);
  const taken = await powers.inboxes.takeGuess(who, counter);
  if (!taken.allowed) return no({ code: "code_locked", until: taken.until });
  const hash = await carriedHash(powers, asked, asked.code);
  const found = await powers.userCodes.lookUp(hash, asked.nonce).catch(async (cause: unknown) => {
    // An outage tells nobody anything, so it must use up no guess.
    await powers.inboxes.returnGuess(who, counter, "void");
    throw cause;
  });
  if (!found.ok) {
    await powers.inboxes.returnGuess(who, counter, "void");
    return found;
  }
  const row = found.value;
  if (!row) return wrong(powers, asked, taken.left);
  const snapshot = await powers.rooms.read(row.challengeId);
  const ended = endOf(snapshot, row, powers.clock.now());
  const used = snapshot?.view.state === "redeemed";
  await powers.inboxes.returnGuess(who, counter, ended || used ? "void" : "right");
  if (ended) return no({ code: ended });
  return snapshot ? ok({ row, snapshot }) : no({ code: "unknown_challenge" });
}

/** A code that was invalidated or used is as good as none; one that ran out may be told so. */
function endOf(
  snapshot: Snapshot | undefined,
  row: UserCodeRow,
  now: number,
): "unknown_challenge" | "expired" | undefined {
  const state = snapshot?.view.state;
  if (state === "cancelled" || state === "denied") return "unknown_challenge";
  if (state === "redeemed") return undefined;
  return now >= row.expiresAt || state === undefined || state === "expired" ? "expired" : undefined;
}

async function wrong(
  powers: Powers,
  asked: CodeContext & { readonly guesser: Guesser; readonly ip?: string | undefined },
  left: number,
): Promise<Result<never, GuessRefusal>> {
  const { userId, kind, purpose, ip } = asked;
  noteRefusal(powers, {
    type: "code_refused",
    subject: userId,
    userId,
    ...(ip === undefined ? {} : { ip }),
    reason: `${asked.guesser}: wrong ${kind} code`,
  });
  if (left === 0) {
    const ending = endCodes(powers, { userId, kind, purpose, by: "system", ip });
    // A stranger must not tell by the time it takes that there was something to end.
    if (asked.guesser === "waiter") powers.background(ending);
    else await ending;
  }
  return no({ code: "unknown_challenge" });
}

/** Ends the live codes of a person, of one kind and purpose or all of them. A nonce is spent in the batch that lists them. */
export async function endCodes(
  powers: Pick<Services, "userCodes" | "rooms" | "inboxes" | "records" | "clock" | "background" | "log">,
  asked: {
    readonly userId: UserId;
    readonly kind?: CodeKind;
    readonly purpose?: CodePurpose;
    /** Only those that this client had asked for. */
    readonly clientId?: ClientId;
    readonly by: string;
    readonly nonce?: NonceUse;
    readonly ip?: string | undefined;
  },
): Promise<Result<undefined, RefusalOf<"replayed">>> {
  const { userId, kind, purpose, clientId, by, ip } = asked;
  const whose = { userId, ...(kind ? { kind } : {}), ...(purpose ? { purpose } : {}) };
  const live = await powers.userCodes.ofUser(whose, powers.clock.now(), asked.nonce);
  if (!live.ok) return live;
  const own = live.value.filter((row) => clientId === undefined || row.clientId === clientId);
  await Promise.all(own.map(({ challengeId }) => cancelChallenge(powers, { challengeId, userId, by, ip })));
  return ok(undefined);
}
