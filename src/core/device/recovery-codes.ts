import { noteRefusal } from "../audit/note-refusal.ts";
import { auditEvent, type Requester } from "../audit/record.ts";
import { fromBase64Url } from "../base64.ts";
import { ownClientId } from "../client/own-client.ts";
import { type DeviceId, type UserId, userSubject } from "../ids.ts";
import { RECOVERY_CODE_GUESSES } from "../inbox/limits.ts";
import type { Services } from "../ports/services.ts";
import type { MustBeActive, NotActive } from "../ports/standing.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { plainText } from "../typed-text.ts";
import type { User } from "../user/user.ts";

/** Codes of one set. */
export const RECOVERY_CODES = 10;
/** Chance in one code: 80 bits, too many to search even for whoever has the table of hashes and its key. */
const BYTES = 10;
/** Crockford's alphabet in small letters, 5 bits a sign: without i, l, o and u, which are read as other signs. */
const SIGNS = "0123456789abcdefghjkmnpqrstvwxyz";
const BITS = 5;

/** Bytes as text of this alphabet, in groups of four: 10 bytes are `abcd-efgh-jkmn-pqrs`. */
export function recoveryCodeOf(bytes: Uint8Array): string {
  const all = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const length = Math.floor((bytes.length * 8) / BITS);
  const signs = Array.from({ length }, (_, index) =>
    SIGNS.charAt(Number((all >> BigInt((length - 1 - index) * BITS)) & 31n)),
  );
  return signs.join("").replaceAll(/.{4}(?=.)/g, "$&-");
}

/** A code as it was made, however it is typed: case, blanks, dashes and the letters that look like digits do not matter. */
export const plainRecoveryCode = (typed: string): string =>
  plainText(typed.normalize("NFKC"))
    .toLowerCase()
    .replaceAll(/[\s\p{Pd}]/gu, "")
    .replaceAll("o", "0")
    .replaceAll(/[il]/g, "1");

type Holder = Pick<User, "id" | "realm">;

const hashOf = ({ handles }: Pick<Services, "handles">, { id }: Holder, code: string): Promise<string> =>
  handles.pepper(["recovery_code", id], plainRecoveryCode(code));

/** The pages of their realm are what these codes are for; no other client makes or takes one. */
const standingOf = ({ id, realm }: Holder, since: number, deviceId?: DeviceId): MustBeActive => ({
  userId: id,
  clientId: ownClientId(realm),
  since,
  deviceId,
});

export type MakeCodes = Requester & {
  readonly user: Holder;
  /** The device that signed for them. */
  readonly deviceId: DeviceId;
};

/**
 * Ten new codes of a user, for showing once: all earlier ones are good no more, and only keyed hashes are kept. Refused when the user or the
 * device that signed has fallen by then; the old set stands in that case.
 */
export async function makeRecoveryCodes(
  powers: Pick<Services, "recoveryCodes" | "handles" | "chance" | "clock">,
  { user, deviceId, actor, ip }: MakeCodes,
): Promise<Result<readonly string[], NotActive>> {
  const codes = Array.from({ length: RECOVERY_CODES }, () =>
    recoveryCodeOf(fromBase64Url(powers.chance.text(BYTES)) ?? new Uint8Array()),
  );
  const hashes = await Promise.all(codes.map((code) => hashOf(powers, user, code)));
  const event = auditEvent(powers, { type: "recovery_codes.made", actor, userId: user.id, deviceId, ip });
  const kept = await powers.recoveryCodes.replace(hashes, standingOf(user, event.at, deviceId), event);
  return kept.ok ? ok(codes) : kept;
}

const KIND = "recovery_code";

type UsePowers = Pick<Services, "recoveryCodes" | "inboxes"> &
  Parameters<typeof noteRefusal>[0] &
  Pick<Services, "chance">;

/**
 * Uses up a code that somebody who is signed in as this user has typed. The guess is counted before anything is compared and given back when it
 * was right; the count is of these codes alone, so every other way stays open. Refused: `wrong_code` for one that is used, replaced, another's
 * or none, `code_locked` past the limit, and whoever has fallen.
 */
export async function useRecoveryCode(
  powers: UsePowers,
  { user, typed, ip }: { readonly user: Holder; readonly typed: string; readonly ip?: string | undefined },
): Promise<Result<undefined, RefusalOf<"wrong_code" | "code_locked"> | NotActive>> {
  const who = userSubject(user.id);
  const counted = await powers.inboxes.countTogether(who, [{ kind: KIND, ...RECOVERY_CODE_GUESSES }]);
  if (!counted.allowed) return no({ code: "code_locked", until: counted.retryAt });
  const actor = `user:${user.id}`;
  const event = auditEvent(powers, { type: "recovery_code.used", actor, userId: user.id, ip });
  const used = await powers.recoveryCodes.use(
    await hashOf(powers, user, typed),
    standingOf(user, event.at),
    event,
  );
  if (!used.ok) return used;
  if (!used.value) {
    const from = ip === undefined ? {} : { ip };
    noteRefusal(powers, { type: "code_refused", subject: who, userId: user.id, reason: KIND, ...from });
    return no({ code: "wrong_code", left: counted.left[0] ?? 0 });
  }
  // The code is used: whatever keeps the guess from being given back must not take that away.
  await powers.inboxes.uncount(who, [KIND]).catch((cause: unknown) => {
    powers.log("warn", "a right recovery code stays counted", { cause: String(cause) });
  });
  return ok(undefined);
}

/** How many codes of the user are good. */
export const recoveryCodesLeft = (
  { recoveryCodes }: Pick<Services, "recoveryCodes">,
  userId: UserId,
): Promise<number> => recoveryCodes.left(userId);
