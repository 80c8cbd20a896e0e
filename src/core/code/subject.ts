import {
  type ChallengeId,
  identifierSubject,
  MAIN,
  newUserId,
  type Realm,
  type SubjectKey,
  type UserId,
} from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { ReadIdentifier } from "../user/identifier.ts";
import { countingForm } from "./counting-form.ts";

type Powers = Pick<Services, "handles">;

/** The inbox that counts for this identifier in a realm, whoever's it is and however it is spelled (settled questions 12 and 50, T62). */
export async function codeSubject(
  powers: Powers,
  realm: Realm,
  identifier: ReadIdentifier,
): Promise<SubjectKey> {
  // The main realm's are named as they were before there were others.
  const context = ["identifier", identifier.kind, ...(realm === MAIN ? [] : [realm])];
  return identifierSubject(await powers.handles.pepper(context, countingForm(identifier)));
}

/** What is kept of a code: bound to its challenge, identifier and purpose, so that it fits nowhere else (T67, T70). */
export const codeHash = (
  powers: Powers,
  code: {
    readonly challengeId: string;
    readonly identifier: ReadIdentifier;
    readonly purpose: string;
    readonly code: string;
  },
): Promise<string> => {
  const { challengeId, identifier, purpose } = code;
  return powers.handles.pepper(
    ["one_time_code", challengeId, identifier.kind, identifier.normal, purpose],
    code.code,
  );
};

/**
 * Names an identifier without telling it, as a UUID (RFC 9562 §5.8) that stays the same: for proofs, the audit trail and wires that
 * want an id. Keyed, so that nobody finds the address by trying. With `of` it is that user's alone.
 */
export async function identifierIdOf(
  powers: Powers,
  identifier: ReadIdentifier,
  of?: UserId,
): Promise<string> {
  const context = ["identifier-id", identifier.kind, ...(of === undefined ? [] : [of])];
  return asUuid(await powers.handles.pepper(context, identifier.normal));
}

/** Stands for whoever proves an identifier by this challenge, while it is open whose it is: nobody has this id before. */
export const proverIdOf = async (powers: Powers, challengeId: ChallengeId): Promise<UserId> =>
  newUserId(asUuid(await powers.handles.pepper(["prover-id"], challengeId)));

function asUuid(mac: string): string {
  const text = Uint8Array.fromBase64(mac, { alphabet: "base64url" }).slice(0, 16).toHex();
  const variant = ((Number.parseInt(text.slice(16, 17), 16) & 3) | 8).toString(16);
  return [
    text.slice(0, 8),
    text.slice(8, 12),
    `8${text.slice(13, 16)}`,
    `${variant}${text.slice(17, 20)}`,
    text.slice(20),
  ].join("-");
}
