import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import type { Client } from "../../../core/client/client.ts";
import { COLLECTABLE } from "../../../core/code/lifetimes.ts";
import { type UserId, userSubject } from "../../../core/ids.ts";
import type { Guesser } from "../../../core/inbox/state.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { NonceUse } from "../../../core/ports/clients.ts";
import type { Guess } from "../../../core/ports/inboxes.ts";
import type { FoundRow, UserCodeRow } from "../../../core/ports/records.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { HOUR, MINUTE, type Millis, SECOND } from "../../../core/time.ts";

/** Codes that a user carries from one device to another: six digits, four words, or 192 bits (LoginID §5). */
export type CodeKind = "short" | "phrase" | "long";

/** How long each kind is good for (settled question 20). */
export const USER_CODE_LIFETIME: Readonly<Record<CodeKind, Millis>> = {
  short: 180 * SECOND,
  phrase: 15 * MINUTE,
  long: HOUR,
};

export type CodePurpose = "sign_in" | "enrol_device";

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
export const userCodeHash = (
  powers: Pick<Services, "handles">,
  { userId, kind, purpose }: CodeContext,
  code: string,
): Promise<string> => powers.handles.pepper(["carried_code", userId, kind, purpose], code);

export const PURPOSES: readonly CodePurpose[] = ["sign_in", "enrol_device"];

export const MARK_LENGTH = 12;

/** A guess as it is counted: a short part of its hash, so that the same one again is no second guess. */
export const guessOf = (guesser: Guesser, hash: string): Guess => ({
  guesser,
  mark: hash.slice(0, MARK_LENGTH),
});

/** Nobody finds 192 bits by trying, so guesses at them are neither counted nor refused. */
export const isCounted = (kind: CodeKind): boolean => kind !== "long";

/** `others`: wrong guesses of the same guesser are counted, which a redemption forgives. */
export type FoundCode = {
  readonly row: UserCodeRow;
  readonly snapshot: Snapshot;
  readonly others: boolean;
};

/** A code that is the user's and good at this client; its challenge was not looked at yet, and its guess is still to be given back. */
export type PresentedCode = Omit<FoundCode, "snapshot"> &
  Pick<FoundRow, "holder"> & { giveBack(): Promise<void> };

export type Powers = Pick<
  Services,
  "inboxes" | "userCodes" | "challenges" | "records" | "handles" | "clock" | "events" | "background" | "log"
>;

export type GuessRefusal = RefusalOf<"code_locked" | "unknown_challenge" | "expired" | "replayed">;

export type Presented = CodeContext & {
  /** The client at which the code is presented. */
  readonly client: Pick<Client, "id" | "kind" | "settings">;
  readonly user: UserRecord;
  readonly code: string;
  readonly guesser: Guesser;
  readonly nonce?: NonceUse;
  readonly ip?: string | undefined;
};

/**
 * Looks up a code that somebody presents. The guess is taken in the user's inbox first, so that any number at once make at most five
 * comparisons (T63). Wrong ones are counted for the guesser alone and end nothing (T60); a code of this user is no guess, whatever it was
 * given out for and by whom, and a long one is not counted at all. A nonce is spent in the same batch, which sees the user too.
 */
export async function presentCode(
  powers: Powers,
  asked: Presented,
): Promise<Result<PresentedCode, GuessRefusal>> {
  const who = userSubject(asked.userId);
  const hash = await userCodeHash(powers, asked, asked.code);
  const guess = isCounted(asked.kind) ? guessOf(asked.guesser, hash) : undefined;
  const taken = guess && (await powers.inboxes.takeGuess(who, guess));
  if (taken && !taken.allowed) return no({ code: "code_locked", until: taken.until });
  let isBack = false;
  const giveBack = async () => {
    if (guess && !isBack) {
      isBack = true;
      await powers.inboxes.returnGuess(who, guess);
    }
  };
  const found = await powers.userCodes
    .lookUpOf(asked.userId, hash, asked.nonce)
    .catch(async (cause: unknown) => {
      // An outage tells nobody anything, so it must use up no guess.
      if (taken?.fresh) await giveBack();
      throw cause;
    });
  if (!found.ok) {
    if (taken?.fresh) await giveBack();
    return found;
  }
  const { row, holder } = found.value;
  if (!row || !isTaken(asked, row)) {
    if (guess && (row || (await isForAnother(powers, asked)))) await giveBack();
    else noteWrong(powers, asked);
    return no({ code: "unknown_challenge" });
  }
  return ok({ row, others: taken?.others ?? false, giveBack, ...(holder ? { holder } : {}) });
}

/** The same with the code's live challenge, which is looked at while the guess is given back. */
export async function findUserCode(
  powers: Powers,
  asked: Presented,
): Promise<Result<FoundCode, GuessRefusal>> {
  const presented = await presentCode(powers, asked);
  return presented.ok ? await lookAt(powers, presented.value) : presented;
}

/** The live challenge of a code that was presented. */
export async function lookAt(
  powers: Pick<Services, "challenges" | "clock">,
  { row, others, giveBack }: PresentedCode,
): Promise<Result<FoundCode, RefusalOf<"unknown_challenge" | "expired">>> {
  const [snapshot] = await Promise.all([powers.challenges.read(row.challengeId), giveBack()]);
  const ended = endOf(snapshot, row, powers.clock.now());
  if (ended) return no({ code: ended });
  return snapshot ? ok({ row, snapshot, others }) : no({ code: "unknown_challenge" });
}

/**
 * Whether a code is good at this client: one that it gave out, or that a client gave out which it lists in `names_from`. The user's
 * names say nothing about that: anybody's backend may have named them, or nobody's.
 */
export const isTaken = ({ client }: Presented, { clientId }: UserCodeRow): boolean =>
  clientId === client.id || (client.settings.names_from ?? []).some((friend) => friend === clientId);

/** Whether it is a code of this user all the same, given out for another purpose. */
export async function isForAnother(
  powers: Pick<Services, "userCodes" | "handles">,
  asked: Presented,
): Promise<boolean> {
  for (const purpose of PURPOSES.filter((one) => one !== asked.purpose)) {
    const hash = await userCodeHash(powers, { ...asked, purpose }, asked.code);
    const found = await powers.userCodes.lookUp(hash);
    if (found.ok && found.value) return true;
  }
  return false;
}

/** A code that was invalidated or used is as good as none; one that ran out may be told so, but the result of an approved one waits. */
export function endOf(
  snapshot: Snapshot | undefined,
  row: UserCodeRow,
  now: number,
): "unknown_challenge" | "expired" | undefined {
  const state = snapshot?.view.state;
  if (state === "cancelled" || state === "denied") return "unknown_challenge";
  if (state === "redeemed") return undefined;
  const approval = row.purpose === "sign_in" ? snapshot?.view.approval : undefined;
  const until = Math.max(row.expiresAt, approval ? approval.at + COLLECTABLE : 0);
  return now >= until || state === undefined || state === "expired" ? "expired" : undefined;
}

export function noteWrong(powers: Powers, { userId, kind, guesser, ip }: Presented): void {
  noteRefusal(powers, {
    type: "code_refused",
    subject: userId,
    userId,
    ...(ip === undefined ? {} : { ip }),
    reason: `${guesser.kind}: wrong ${kind} code`,
  });
}
