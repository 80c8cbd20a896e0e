import type { AuditEvent } from "../audit/event.ts";
import { auditEvent } from "../audit/record.ts";
import { redeemAtOnce } from "../challenge/at-once.ts";
import { grantListing, noteListed } from "../challenge/record.ts";
import { newDeviceId, userSubject } from "../ids.ts";
import type { Offered } from "../inbox/enrolment.ts";
import type { GrantListing } from "../message/queue.ts";
import type { Applied } from "../ports/challenges.ts";
import type { Services } from "../ports/services.ts";
import type { NotActive } from "../ports/standing.ts";
import type { Refusal, RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { viewOf } from "../user/name-view.ts";
import { newUserOf } from "../user/sign-up.ts";
import type { Device } from "./device.ts";
import type { Enrolled, FirstEnrolment } from "./enrolment.ts";
import { type Recovering, recoverDevice } from "./recover.ts";

type Powers = Pick<
  Services,
  | "challenges"
  | "inboxes"
  | "users"
  | "devices"
  | "keyring"
  | "handles"
  | "proofs"
  | "chance"
  | "clock"
  | "background"
  | "log"
> &
  Parameters<typeof recoverDevice>[0];

/**
 * Enrols a user's first device without a signature, inside the window that a sign-up or a proof opened and for whoever holds what its
 * answer handed over; only while they never had a device (docs/decisions/0035), or as the client's settings let them recover (0056). A
 * sign-up becomes a user in the same batch. Refused otherwise with `enrolment_closed`, `device_exists`, or `user_exists` when somebody has
 * taken one of the sign-up's names meanwhile.
 */
export async function enrolFirstDevice(
  powers: Powers,
  asked: FirstEnrolment,
): Promise<Result<Enrolled, Refusal>> {
  const { user, key, client, signUp } = asked;
  if (user.user.status === "locked") return no({ code: "user_locked" });
  const who = userSubject(user.user.id);
  const holder = await powers.devices.byFingerprint(client.realm, key.fingerprint);
  if (holder) return no({ code: "device_exists" });
  const ever = signUp ? [] : await powers.devices.ofUser(user.user.id, { withRevoked: true });
  if (ever.length > 0) return await recoverDevice(powers, asked, ever, (how) => store(powers, asked, how));
  // Taken for this key: the same phone may come again when this call dies before it is done.
  const attempt = key.fingerprint;
  const { endedAt } = user.user;
  const offered: Offered = signUp ? { kind: "sign_up" } : { kind: "proof", ...asked.offered, endedAt };
  const window = await powers.inboxes.takeEnrolment(who, offered, attempt);
  if (!window.taken) return no({ code: "enrolment_closed" });
  const giveBack = () => powers.inboxes.restoreEnrolment(who, attempt, window.until);
  const enrolled = await store(powers, asked).catch(async (cause: unknown) => {
    await giveBack();
    throw cause;
  });
  const { looks } = asked;
  const signedUp = signUp && looks !== undefined ? { looks, until: window.until } : undefined;
  if (enrolled.ok) await powers.inboxes.noteDevice(who, signedUp);
  else await giveBack();
  return enrolled;
}

type NotStored = RefusalOf<"device_exists" | "user_exists" | "enrolment_closed"> | NotActive;
type Stored = Result<Enrolled, NotStored>;

async function store(powers: Powers, asked: FirstEnrolment, how?: Recovering): Promise<Stored> {
  const device = deviceOf(powers, asked);
  const settled = asked.subject === undefined ? undefined : await signIn(powers, asked, device);
  const event = auditEvent(powers, {
    type: "device.enrolled",
    actor: `firstEnrolment:${device.id}`,
    userId: device.userId,
    clientId: device.clientId,
    deviceId: device.id,
    ip: asked.origin.ip,
    reason: how?.reason ?? "first_device",
    data: settled ? { challenge_id: settled.view.id, timeline: settled.timeline } : undefined,
  });
  const listing = settled?.grant ? grantListing(settled.grant) : undefined;
  const kept = await orUndone(powers, settled, () =>
    how ? how.write(device, event, listing) : insert(powers, asked, device, event, listing),
  );
  // Of what was refused nothing is written later either.
  if (settled) noteListed(powers, settled.view.id);
  if (!kept.ok) return kept;
  if (!settled?.facts) return ok({ device });
  const { facts, grant } = settled;
  return ok({ device, redeemed: { facts, snapshot: settled, ...(grant ? { grant } : {}) } });
}

/** Without its device row the sign-in must not stand either. */
async function orUndone<T extends { readonly ok: boolean }>(
  powers: Pick<Services, "challenges">,
  settled: Applied | undefined,
  write: () => Promise<T>,
): Promise<T> {
  const undo = async () => {
    if (settled) await powers.challenges.revoke(settled.view.id, "enrolment_failed");
  };
  try {
    const kept = await write();
    if (!kept.ok) await undo();
    return kept;
  } catch (cause) {
    await undo();
    throw cause;
  }
}

/** The device's row; with it, for a sign-up, the user and their names. */
async function insert(
  powers: Powers,
  { client, signUp, origin, user: { user: known } }: FirstEnrolment,
  device: Device,
  event: AuditEvent,
  listing: GrantListing | undefined,
): Promise<Result<unknown, NotStored>> {
  if (!signUp) return await powers.devices.insert(device, event, listing, undefined, known.endedAt ?? 0);
  const created = auditEvent(powers, {
    type: "user.created",
    actor: `client:${client.id}`,
    userId: device.userId,
    clientId: client.id,
    ip: origin.ip,
    reason: "anonymous",
  });
  const user = { ...newUserOf(device.userId, signUp), unnamedIn: viewOf(client) };
  return await powers.users.insertWithDevice(user, device, [created, event], event.at, listing);
}

const deviceOf = (powers: Powers, asked: FirstEnrolment): Device => ({
  id: newDeviceId(powers.chance.uuid()),
  userId: asked.user.user.id,
  realm: asked.client.realm,
  key: asked.key,
  name: asked.name,
  kind: asked.kind,
  door: asked.door,
  clientId: asked.client.id,
  enrolledAt: powers.clock.now(),
});

async function signIn(powers: Powers, asked: FirstEnrolment, device: Device): Promise<Applied> {
  const proof = powers.proofs.vouch(asked.user.user, {
    kind: "firstEnrolment",
    deviceId: device.id,
    decision: "approve",
    digest: await powers.handles.digest(["first", device.id, asked.key.fingerprint]),
    amr: ["pop"],
  });
  if (!proof.ok) throw new Error(`a first enrolment was refused: ${proof.error.code}`);
  const settled = await redeemAtOnce(powers, {
    door: asked.door,
    client: asked.client,
    purpose: "enrol_device",
    scope: asked.scope,
    context: {},
    origin: asked.origin,
    proof: proof.value,
    lane: asked.lane,
    replayWindow: 0,
    draw: async () => ({ id: powers.challenges.fresh(), waiterProof: powers.chance.text(32) }),
    ...(asked.subject ? { subject: asked.subject } : {}),
  });
  if (!settled.ok) throw new Error(`a first enrolment was refused: ${settled.error.code}`);
  return settled.value;
}
