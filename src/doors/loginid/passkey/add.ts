import { auditEvent } from "../../../core/audit/record.ts";
import { redeemChallenge } from "../../../core/challenge/redeem.ts";
import type { Client } from "../../../core/client/client.ts";
import type { Device } from "../../../core/device/device.ts";
import { newDeviceId, parseChallengeId, type Realm, userSubject } from "../../../core/ids.ts";
import type { Guesser } from "../../../core/inbox/state.ts";
import type { Redeemed } from "../../../core/ports/challenges.ts";
import type { NonceUse } from "../../../core/ports/clients.ts";
import type { ReadPasskey } from "../../../core/ports/secrets.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { type CodeKind, type FoundCode, findUserCode } from "../code/user-code.ts";
import { type Ceremony, originsOf, readCeremony } from "./ceremony.ts";

type Powers = Parameters<typeof findUserCode>[0] &
  Parameters<typeof redeemChallenge>[0] &
  Pick<Services, "proofs" | "secrets" | "config" | "devices">;

/**
 * Reserves an approved code for the ceremonies of a new passkey: it stays good until it ends or one of them succeeds. Guesses are
 * counted as a waiter's. `not_approved` when nobody has approved it yet.
 */
export async function reserveCode(
  powers: Parameters<typeof findUserCode>[0],
  asked: {
    readonly client: Client;
    readonly user: UserRecord;
    readonly kind: CodeKind;
    readonly code: string;
    readonly guesser: Guesser;
    readonly nonce?: NonceUse;
    readonly ip?: string | undefined;
  },
): Promise<Result<FoundCode, Refusal>> {
  const { user, ...rest } = asked;
  const found = await findUserCode(powers, {
    ...rest,
    user,
    userId: user.user.id,
    purpose: "enrol_device",
  });
  if (!found.ok) return found;
  if (user.user.status === "locked") return no({ code: "user_locked" });
  const { state } = found.value.snapshot.view;
  if (state === "redeemed") return no({ code: "unknown_challenge" });
  return state === "approved" ? found : no({ code: "not_approved" });
}

export type NewPasskey = {
  readonly client: Client;
  readonly user: UserRecord;
  readonly challenge: string;
  readonly credentialUuid: string;
  readonly credentialId: string;
  readonly clientData: string;
  readonly attestationData: string;
  readonly name: string;
  readonly ip?: string | undefined;
};

/**
 * Enrols a passkey that a browser made in a ceremony of this code, and takes the code. What is wrong with the passkey or its
 * challenge is `bad_key`; a code that is gone is `unknown_challenge`.
 */
export async function addPasskey(
  powers: Powers,
  asked: NewPasskey,
): Promise<Result<{ readonly device: Device; readonly redeemed: Redeemed }, Refusal>> {
  const { client, user, challenge } = asked;
  const userId = user.user.id;
  const ceremony = await readCeremony(powers, { client, userId }, "add", challenge);
  if (ceremony?.credentialUuid !== asked.credentialUuid) {
    return no({ code: "bad_key", detail: "the challenge is not one of these five minutes" });
  }
  const origins = originsOf(client, powers.config, ceremony.rpId);
  const read = await powers.proofs.readPasskey(asked, { challenge, origins, rpId: ceremony.rpId });
  if (!read.ok) return read;
  if (await isTaken(powers, client.realm, read.value, ceremony)) return no({ code: "device_exists" });
  const who = userSubject(userId);
  const digest = await powers.handles.digest(["passkey", challenge]);
  if (!(await powers.inboxes.spend(who, digest, powers.chance.uuid()))) {
    return no({ code: "bad_key", detail: "the challenge was used" });
  }
  try {
    return await enrol(powers, asked, ceremony, read.value);
  } catch (cause) {
    await powers.inboxes.unspend(who, digest);
    throw cause;
  }
}

/**
 * Whether the key or the credential id belongs to a live device, before the code is used up for nothing. The passkey of this very
 * ceremony does not count: an outage may have come between its row and the answer.
 */
async function isTaken(
  { devices }: Pick<Services, "devices">,
  realm: Realm,
  { key, credentialId }: ReadPasskey,
  { credentialUuid }: Ceremony,
): Promise<boolean> {
  const owners = await Promise.all([
    devices.byFingerprint(realm, key.fingerprint),
    devices.byCredentialId(realm, credentialId),
  ]);
  return owners.some((owner) => owner !== undefined && owner.id !== credentialUuid);
}

/** Whether an earlier try of the same ceremony got as far as the device. */
async function isEnrolled({ devices }: Pick<Services, "devices">, { id, key }: Device): Promise<boolean> {
  const known = await devices.byId(id);
  return known?.revokedAt === undefined && known?.key.fingerprint === key.fingerprint;
}

async function enrol(
  powers: Powers,
  asked: NewPasskey,
  ceremony: Ceremony,
  passkey: ReadPasskey,
): Promise<Result<{ readonly device: Device; readonly redeemed: Redeemed }, Refusal>> {
  const { client, user, ip } = asked;
  const id = parseChallengeId(ceremony.ticket);
  const snapshot = id && (await powers.challenges.read(id));
  if (!snapshot) return no({ code: "unknown_challenge" });
  const redeemed = await redeemChallenge(powers, {
    snapshot,
    client,
    lane: "standard",
    waiterProof: await powers.handles.waiterProof(["passkey", client.id, asked.challenge]),
    subject: () => ({}),
    withGrant: false,
    ...(ip === undefined ? {} : { ip }),
  });
  if (!redeemed.ok) {
    const gone = ["redeemed", "not_approved"].includes(redeemed.error.code);
    return gone ? no({ code: "unknown_challenge" }) : redeemed;
  }
  // The code's client: a backend that let a page of another client in may take the passkey away again.
  const letInBy = snapshot.spec.clientId;
  const device: Device = {
    ...passkey,
    id: newDeviceId(ceremony.credentialUuid),
    userId: user.user.id,
    realm: client.realm,
    name: asked.name,
    kind: "passkey",
    door: "loginid",
    clientId: client.id,
    enrolledAt: powers.clock.now(),
    ...(letInBy === client.id ? {} : { letInBy }),
  };
  const event = auditEvent(powers, {
    type: "device.enrolled",
    actor: `device:${device.id}`,
    userId: device.userId,
    clientId: client.id,
    deviceId: device.id,
    ip,
    reason: "carried_code",
    data: { challenge_id: snapshot.spec.id, kind: "passkey" },
  });
  const approver = redeemed.value.snapshot.view.approval?.approver;
  const signedBy = approver?.kind === "device" ? approver.deviceId : undefined;
  const stored = await powers.devices.insert(device, event, undefined, signedBy);
  const isThere = !stored.ok && stored.error.code === "device_exists" && (await isEnrolled(powers, device));
  if (!stored.ok && !isThere) return stored;
  await powers.inboxes.noteDevice(userSubject(device.userId));
  return ok({ device, redeemed: redeemed.value });
}
