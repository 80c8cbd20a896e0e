import { noteRefusal } from "../audit/note-refusal.ts";
import { finishedEvent, recordFinish } from "../challenge/record.ts";
import { type Redemption, redeemChallenge } from "../challenge/redeem.ts";
import type { ClientId, UserId } from "../ids.ts";
import type { Redeemed, Snapshot } from "../ports/challenges.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import type { Result } from "../result.ts";
import { tellEnded } from "./tell-ended.ts";

type Powers = Parameters<typeof redeemChallenge>[0] &
  Pick<Services, "handles" | "chance" | "clock"> &
  Parameters<typeof tellEnded>[0];

/** Who uses a code, as the audit trail names them. */
type User = { readonly client: { readonly id: ClientId }; readonly ip?: string };

/**
 * Exchanges an authorization code, once. The second use, whoever's, is refused as `redeemed`, and the tokens of the first are taken back
 * (docs/decisions/0053, RFC 6749 §4.1.2, T46). `parts` is what the code's holder proves.
 */
export async function redeemCode(
  powers: Powers,
  redemption: Omit<Redemption, "waiterProof"> & { readonly parts: readonly string[] },
): Promise<Result<Redeemed, Refusal>> {
  const { parts, ...rest } = redemption;
  // Drawn for this call, so that no other one is its repetition: the challenge takes back what it gave to the first.
  const waiterProof = await powers.handles.waiterProof([...parts, powers.chance.text(16)]);
  const redeemed = await redeemChallenge(powers, { ...rest, waiterProof });
  if (!redeemed.ok && redeemed.error.code === "redeemed") await takeBack(powers, redemption);
  return redeemed;
}

/** The code was used before. The refused redemption has ended its grant, in the step that refused it. */
async function takeBack(
  powers: Powers,
  { snapshot, userId, ...user }: Pick<Redemption, "snapshot" | "client" | "userId" | "ip">,
): Promise<void> {
  noteMisuse(powers, snapshot, user);
  const whose = userId ?? snapshot.view.approval?.userId;
  if (whose !== undefined && !snapshot.grant?.ended) await takeFromList(powers, snapshot, whose);
}

/** Ends a code that came with what is not its own; of one that was used, the tokens. */
export async function burnCode(powers: Powers, snapshot: Snapshot, user: User): Promise<void> {
  const { spec } = snapshot;
  noteMisuse(powers, snapshot, user);
  const cancelled = await powers.challenges.apply(spec.id, {
    name: "cancel",
    by: `client:${user.client.id}`,
    ...(user.ip === undefined ? {} : { ip: user.ip }),
  });
  if (cancelled.ok) {
    if (cancelled.value.changed) await recordFinish(powers, spec.id, finishedEvent(cancelled.value));
    return;
  }
  const ended = await powers.challenges.revoke(spec.id, "authorization_code_misused");
  if (ended) await takeFromList(powers, snapshot, ended.userId);
}

/** What is said of a misused code, once for each. */
function noteMisuse(powers: Powers, { spec }: Snapshot, { client, ip }: User): void {
  noteRefusal(powers, {
    type: "authorization_code_misused",
    subject: spec.id,
    clientId: client.id,
    ...(ip === undefined ? {} : { ip }),
  });
}

async function takeFromList(powers: Powers, { spec }: Snapshot, userId: UserId): Promise<void> {
  await tellEnded(powers, { id: spec.id, userId, clientId: spec.clientId });
  await powers.events.send({ kind: "grant_ended", userId, grantId: spec.id });
}
