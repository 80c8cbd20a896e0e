import type { Context } from "hono";
import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import type { VerifiedProof } from "../../../core/challenge/proof.ts";
import type { Device } from "../../../core/device/device.ts";
import type { UserId } from "../../../core/ids.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, type Result } from "../../../core/result.ts";
import { viewOf } from "../../../core/user/name-view.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { refuse } from "../errors.ts";
import { identifyKey } from "../user/device-texts.ts";
import { nameIn } from "../user/people.ts";
import { type SignedParts, signingInput } from "./signing-input.ts";

/** Who has signed, as a body names them: the user, by the very text that was signed, and their device of the key, if it is one. */
export type Signer = { readonly text: string; readonly record: UserRecord; readonly device?: Device };

/** The user whom a body names and the device whose key it shows, in one look. Undefined: nobody of that name. */
export async function signerOf(
  c: Context<AppEnv>,
  body: Parameters<typeof nameIn>[0] & { readonly public_key: string },
): Promise<Signer | undefined> {
  const { users } = services(c);
  const text = nameIn(body);
  const key = await identifyKey(services(c), body.public_key);
  if (text === "") return undefined;
  const view = viewOf(c.get("client"));
  const record = key ? undefined : await users.byAnyName(view, text);
  const found = key ? await users.byAnyNameWithKey(view, text, key.fingerprint) : record && { record };
  return found && { text, ...found };
}

/**
 * Checks that a device of this user signed these parts. The algorithm is that of the enrolled key, never of the request; an
 * unknown key, another user's key and a wrong signature are one answer.
 */
export async function provenBy(
  c: Context<AppEnv>,
  { record, device }: Signer,
  code: string,
  parts: SignedParts,
): Promise<Result<VerifiedProof, Refusal>> {
  if (!device) return no({ code: "bad_signature" });
  const decision = parts.approved ? "approve" : "deny";
  return services(c).proofs.device(record.user, device, signingInput(parts), code, decision);
}

const SUSPICIOUS: ReadonlySet<Refusal["code"]> = new Set([
  "bad_signature",
  "device_revoked",
  "device_too_young",
  "device_of_another_client",
  "replayed",
]);

/** Answers a refusal of something signed; one that may be an attack on this user is put on record (T25). */
export function refuseOnRecord(c: Context<AppEnv>, userId: UserId, refusal: Refusal): Response {
  if (SUSPICIOUS.has(refusal.code)) {
    const { ip } = originOf(c);
    noteRefusal(services(c), {
      type: "decision_refused",
      subject: userId,
      userId,
      clientId: c.get("client").id,
      reason: refusal.code,
      ...(ip === undefined ? {} : { ip }),
    });
  }
  return refuse(c, refusal);
}
