import { callerFrom } from "../../../core/client/caller-from.ts";
import type { Client } from "../../../core/client/client.ts";
import { codeSubject } from "../../../core/code/subject.ts";
import type { ChallengeId, ClientId, UserId } from "../../../core/ids.ts";
import { effectOfAction } from "../../../core/message/code-effect.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { ok, type Result } from "../../../core/result.ts";
import { SECOND } from "../../../core/time.ts";
import { sendActionCode } from "../code/send.ts";
import { authenticatorIdOf, standingAddress } from "../enrolment/standing-address.ts";
import { type BackendCode, backendCodeOf, codePurpose } from "./backend-code.ts";

/** A challenge of a backend's code, as its object has it now. */
export type BackendChallenge = { readonly snapshot: Snapshot; readonly code: BackendCode };

/** The challenge of this id if the client's own backend began it; another client's is as if there were none (T106). */
export async function backendCodeAt(
  powers: Pick<Services, "challenges">,
  clientId: ClientId,
  id: ChallengeId | undefined,
): Promise<BackendChallenge | undefined> {
  const snapshot = id && (await powers.challenges.read(id));
  const code = snapshot && backendCodeOf(snapshot.spec);
  return snapshot && code && snapshot.spec.clientId === clientId ? { snapshot, code } : undefined;
}

/**
 * The id of the authenticator that a code is of: undefined when an address that was enrolled when its code was sent is no more; one that is only
 * being enrolled is as good as before.
 */
export async function authenticatorOf(
  powers: Pick<Services, "authenticators" | "handles">,
  client: Client,
  userId: UserId,
  { use, identifier }: BackendCode,
): Promise<string | undefined> {
  if (use !== "meet") return await authenticatorIdOf(powers, client, userId, identifier);
  const row = await standingAddress(powers, userId, identifier, client);
  return row?.verifiedAt === undefined ? undefined : row.id;
}

export type SendPowers = Parameters<typeof sendActionCode>[0];

/** A call that comes again within this time is the SDK's own repeat of one whose answer was lost (Authsignal §3.1). */
export const REPEAT = 10 * SECOND;

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/**
 * Sends the code of a challenge, but not twice within ten seconds: a new code ends the one before it, so a repeated call would leave
 * the reader with two messages of which the first is dead. Refused: what `sendActionCode` refuses.
 */
export async function sendOnce(
  powers: SendPowers,
  client: Client,
  { snapshot, code }: BackendChallenge,
): Promise<Result<undefined, Refusal>> {
  const subject = await codeSubject(powers, client.realm, code.identifier);
  const sending = `sending:${snapshot.spec.id}`;
  const first = await powers.inboxes.countTogether(subject, [{ kind: sending, limit: 1, window: REPEAT }]);
  if (!first.allowed) return ok(undefined);
  const sent = await send(powers, client, { snapshot, code }).catch(async (cause: unknown) => {
    await powers.inboxes.uncount(subject, [sending]);
    throw cause;
  });
  if (sent.ok) return ok(undefined);
  await powers.inboxes.uncount(subject, [sending]);
  return sent;
}

/** Where the backend tells its asker's address, one network has half of that backend's letters. */
const send = async (powers: SendPowers, client: Client, { snapshot: { spec }, code }: BackendChallenge) =>
  sendActionCode(powers, {
    challengeId: spec.id,
    client,
    identifier: code.identifier,
    channel: code.channel,
    purpose: codePurpose(code),
    effect: code.use === "enrol" ? { kind: "add_address" } : effectOfAction(text(spec.context.action) ?? ""),
    as: { template: "one_time_code" },
    origin: spec.origin,
    caller: await callerFrom(powers, "secret", spec.origin.ip),
    ...(code.use === "meet" ? {} : { unproven: true }),
    locale: code.locale,
    expiresAt: spec.expiresAt,
    ...(spec.userId === undefined ? {} : { userId: spec.userId }),
    about: {
      name: text(spec.context.name),
      actionCode: text(spec.context.action) ?? "",
      idempotencyKey: text(spec.context.idem) ?? "",
      userAgent: spec.origin.userAgent,
      ip: spec.origin.ip,
    },
  });
