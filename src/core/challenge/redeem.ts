import type { Client } from "../client/client.ts";
import { tokenLengths } from "../client/settings.ts";
import type { ChallengeId, DeviceId, UserId } from "../ids.ts";
import type { Lane } from "../keys/key.ts";
import type { Applied, Redeemed, Snapshot } from "../ports/challenges.ts";
import type { Services } from "../ports/services.ts";
import type { NotActive } from "../ports/standing.ts";
import type { UserRecord } from "../ports/users.ts";
import type { Refusal, RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { DAY, type Instant, type Millis } from "../time.ts";
import { isOver } from "../user/user.ts";
import type { GrantDraft, RedeemDraft, RedeemOrder } from "./command.ts";
import { deviceBehind } from "./proof.ts";
import { finishedEvent, grantListing, recordFinish } from "./record.ts";
import type { JsonObject } from "./state.ts";

export type Redemption = {
  /** The challenge as the waiter's handle found it. */
  readonly snapshot: Snapshot;
  readonly client: Client;
  readonly lane: Extract<Lane, "standard" | "cotter">;
  /** Digest of everything the waiter proves: handle, verifier, key, client. */
  readonly waiterProof: string;
  /** What tokens say about the user; written into the grant, so that refreshing reads no table. */
  readonly subject: (user: UserRecord) => JsonObject;
  readonly withGrant: boolean;
  /** Thumbprint of the DPoP key that the grant is bound to (RFC 9449 §5). */
  readonly jkt?: string;
  /** What the waiter calls the session: on record with the redemption. */
  readonly sessionName?: string;
  /** Whose it is, where the approval left that open. */
  readonly userId?: UserId;
  readonly ip?: string;
  /** Whether everybody stands, where the caller has asked just now (`stillStanding`), beside what it had to read anyway. */
  readonly stands?: Result<UserRecord, NotStanding>;
};

type Powers = Pick<
  Services,
  "challenges" | "users" | "devices" | "records" | "keyring" | "handles" | "chance" | "background" | "log"
>;

/**
 * Exchanges an approved challenge for facts and a grant, exactly once; the same waiter proof inside the replay window gets the
 * same facts again (settled question 1). A user who was locked or deleted meanwhile gets nothing (T11), also when they are active again
 * (`cancelled`), and neither does what a device approved that was removed since (T25).
 */
export async function redeemChallenge(
  powers: Powers,
  redemption: Redemption,
): Promise<Result<Redeemed, Refusal>> {
  const { snapshot, waiterProof } = redemption;
  const approval = snapshot.view.approval;
  if (!approval) return no({ code: "not_approved" });
  const user = redemption.stands ?? (await stillStanding(powers, redemption));
  if (!user.ok) return user;
  const applied = await powers.challenges.apply(snapshot.spec.id, {
    name: "redeem",
    waiterProof,
    draft: await draftOf(powers, redemption, user.value),
    ...(redemption.sessionName === undefined ? {} : { sessionName: redemption.sessionName }),
    ...(redemption.userId === undefined ? {} : { userId: redemption.userId }),
    ...(redemption.ip === undefined ? {} : { ip: redemption.ip }),
  });
  return applied.ok ? await takeRedeemed(powers, applied.value) : applied;
}

/** Whether the user of an approved challenge stands, and the device that approved it (T11, T25): asked right before it is redeemed. */
export async function stillStanding(
  powers: Pick<Services, "users" | "devices">,
  { snapshot, client, userId }: Pick<Redemption, "snapshot" | "client" | "userId">,
): Promise<Result<UserRecord, NotStanding>> {
  const { approval } = snapshot.view;
  if (!approval) return no({ code: "cancelled" });
  const who = { userId: userId ?? approval.userId, deviceId: deviceBehind(approval.approver) };
  return await standing(powers, client, who, snapshot.spec.createdAt);
}

/** A poll: the challenge as it stands, or what was taken of it. `slower`: it came too soon, and this is the pace from now on. */
export type Polled = {
  readonly snapshot: Snapshot;
  readonly redeemed?: Result<Redeemed, Refusal>;
  readonly slower?: Millis;
};

const boundTo = ({ jkt }: Pick<Redemption, "jkt">): { readonly jkt?: string } =>
  jkt === undefined ? {} : { jkt };

/**
 * Looks at a challenge and takes its result, if there is one, in one step of its object. `redeemChallenge` would read user and device
 * first; here the batch that lists the grant asks whether everybody stands (T11, T25). What tokens say of the user is what the start has
 * said: whoever has lost a name since is refused by the same batch. Where D1 cannot take the batch, reads say it, and nothing goes out
 * unasked. Refused as `redeemChallenge` refuses. Undefined: no such challenge. One without a subject from its start is only looked at.
 * With an `interval`, polls while it is pending keep that distance or are told to be slower (RFC 8628 §3.5).
 */
export async function pollChallenge(
  powers: Powers,
  id: ChallengeId,
  redemption: Pick<Redemption, "client" | "lane" | "waiterProof" | "jkt" | "ip">,
  interval?: Millis,
): Promise<Polled | undefined> {
  const { client, lane, waiterProof, ip } = redemption;
  const draft = await redeemDraft(powers, client, lane, boundTo(redemption));
  const order = { waiterProof, draft, clientId: client.id, ...(ip === undefined ? {} : { ip }) };
  const collected = await powers.challenges.collect(id, order, interval);
  if (!collected) return undefined;
  const { snapshot, redeemed, slower } = collected;
  if (!redeemed) return { snapshot, ...(slower === undefined ? {} : { slower }) };
  if (!redeemed.ok) return { snapshot, redeemed };
  const { grant } = redeemed.value;
  if (!grant) throw new Error("a poll that redeems opens a grant");
  const ask = () => standing(powers, client, grant, snapshot.spec.createdAt);
  const taken = await takeRedeemed(powers, redeemed.value, async () => {
    const user = await ask();
    if (user.ok) return ok(undefined);
    return no(user.error.code === "cancelled" ? { code: "user_locked" } : user.error);
  });
  if (taken.ok) return { snapshot, redeemed: taken };
  // The batch and an ended grant say that, not why; and who asks again is refused again, with no approval to show.
  const user = await ask();
  return { snapshot, redeemed: user.ok ? taken : user };
}

type NotStanding = RefusalOf<"unknown_user" | "user_locked" | "cancelled" | "device_revoked">;

/** The user of a result while they and the device that approved stand; `cancelled` when they were locked or signed out since it began. */
async function standing(
  powers: Pick<Services, "users" | "devices">,
  { realm }: Client,
  { userId, deviceId }: { readonly userId: UserId; readonly deviceId?: DeviceId | undefined },
  began: Instant,
): Promise<Result<UserRecord, NotStanding>> {
  const [user, device] = await Promise.all([
    powers.users.byId(userId, realm),
    deviceId === undefined ? undefined : powers.devices.byId(deviceId),
  ]);
  if (!user) return no({ code: "unknown_user" });
  if (user.user.status === "locked") return no({ code: "user_locked" });
  if (isOver(user.user, began)) return no({ code: "cancelled" });
  return device?.revokedAt === undefined ? ok(user) : no({ code: "device_revoked" });
}

/** What a redemption answered, put on record by the one who redeemed. Refused when its grant ended meanwhile, or may not be listed. */
export async function takeRedeemed(
  powers: Pick<Services, "challenges" | "records" | "background" | "log">,
  applied: Applied,
  orElse?: () => Promise<Result<undefined, NotActive>>,
): Promise<Result<Redeemed, NotActive | RefusalOf<"grant_ended">>> {
  const { facts, grant, changed, listed } = applied;
  if (!facts) throw new Error("a redeemed challenge has facts");
  if (grant?.ended) return no({ code: "grant_ended" });
  const record = () =>
    recordFinish(
      powers,
      applied.spec.id,
      finishedEvent(applied),
      grant && grantListing(grant),
      grant && {
        userId: grant.userId,
        clientId: grant.clientId,
        since: applied.spec.createdAt,
      },
      orElse,
    );
  // A grant is listed before its tokens go out, so that whoever ends all of them finds it; a bare audit row delays nobody.
  if (grant && (changed || !listed)) {
    const recorded = await record();
    if (!recorded.ok) return recorded;
  } else if (changed) powers.background(record);
  return ok({ facts, snapshot: applied, ...(grant ? { grant } : {}), ...(changed ? {} : { again: true }) });
}

/**
 * What a waiter without a grant leaves with its wait, to be redeemed in the turn that approves. The user's lock and the device's
 * removal, which `redeemChallenge` asks for, are then asked for by whoever approves (T11, T25): there is no time between.
 */
export async function standingOrder(
  powers: Pick<Services, "keyring" | "handles" | "chance">,
  redemption: Pick<Redemption, "client" | "lane" | "waiterProof" | "sessionName" | "ip">,
): Promise<RedeemOrder> {
  const { client, lane, waiterProof, sessionName, ip } = redemption;
  const draft = await redeemDraft(powers, client, lane, undefined);
  return {
    waiterProof,
    draft,
    ...(sessionName === undefined ? {} : { sessionName }),
    ...(ip === undefined ? {} : { ip }),
  };
}

async function draftOf(powers: Powers, redemption: Redemption, user: UserRecord): Promise<RedeemDraft> {
  const grant = redemption.withGrant
    ? { subject: redemption.subject(user), ...boundTo(redemption) }
    : undefined;
  return redeemDraft(powers, redemption.client, redemption.lane, grant);
}

/**
 * What a redemption would fix for this client; `grant` is given when it opens one, without a subject when the start has said it. Throws
 * where its tokens could not be signed, so that nothing is redeemed that cannot be handed out.
 */
export async function redeemDraft(
  powers: Pick<Services, "keyring" | "handles" | "chance">,
  client: Client,
  lane: Extract<Lane, "standard" | "cotter">,
  grant: Pick<GrantDraft, "subject" | "jkt"> | undefined,
): Promise<RedeemDraft> {
  const { accessSeconds, idSeconds, refreshDays } = tokenLengths(client.settings);
  return {
    jti: powers.chance.uuid(),
    idJti: powers.chance.uuid(),
    kid: await powers.keyring.ready(lane),
    accessSeconds,
    idSeconds,
    ...(grant
      ? {
          grant: {
            salt: powers.chance.text(16),
            keyVersion: powers.handles.keyVersion,
            lifetime: refreshDays * DAY,
            ...grant,
          },
        }
      : {}),
  };
}
