import type { Context } from "hono";
import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import type { VerifiedProof } from "../../../core/challenge/proof.ts";
import type { UserId } from "../../../core/ids.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, type Result } from "../../../core/result.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { refuse } from "../errors.ts";
import { identifyKey } from "../user/device-texts.ts";
import { type SignedParts, signingInput } from "./signing-input.ts";

/**
 * Checks that a device of this user signed these parts. The algorithm is that of the enrolled key, never of the request; an
 * unknown key, another user's key and a wrong signature are one answer.
 */
export async function provenBy(
  c: Context<AppEnv>,
  record: UserRecord,
  body: { readonly public_key: string; readonly code: string },
  parts: SignedParts,
): Promise<Result<VerifiedProof, Refusal>> {
  const { devices, proofs } = services(c);
  const key = await identifyKey(services(c), body.public_key);
  const device = key && (await devices.ofUserByFingerprint(record.user.id, key.fingerprint));
  if (!device) return no({ code: "bad_signature" });
  return proofs.device(
    record.user,
    device,
    signingInput(parts),
    body.code,
    parts.approved ? "approve" : "deny",
  );
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
      clientId: c.var.client.id,
      reason: refusal.code,
      ...(ip === undefined ? {} : { ip }),
    });
  }
  return refuse(c, refusal);
}
