import { auditEvent } from "../../../core/audit/record.ts";
import type { Origin } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import { type Bound, ownCeremony, readCeremony } from "../../../core/device/ceremony.ts";
import type { Device } from "../../../core/device/device.ts";
import { closedBy, comesByCode, letInTo, MOST_PASSKEYS } from "../../../core/device/own-enrolment.ts";
import type { Grant } from "../../../core/grant/state.ts";
import { newDeviceId, userSubject } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";

type OfSession = Pick<Grant, "id" | "userId" | "deviceId" | "authTime" | "createdAt">;

export type NewPasskey = {
  /** The client through which the session began. */
  readonly client: Client;
  readonly session: OfSession;
  readonly bound: Bound;
  readonly answer: {
    readonly challenge: string;
    readonly credentialId: string;
    readonly clientData: string;
    readonly attestationData: string;
  };
  readonly name: string;
  readonly origin: Origin;
};

type Powers = Pick<
  Services,
  "handles" | "clock" | "chance" | "secrets" | "config" | "devices" | "proofs" | "inboxes"
>;

type Enrolled = Result<Device, RefusalOf<"not_allowed">>;

const refused = (detail: string) => no({ code: "not_allowed", detail } as const);

/**
 * Enrols the passkey that a browser made in a ceremony of this session. The ceremony's id is the device's, so that one makes one device, also
 * after that was removed; the same request again is answered alike. Refused with a detail for the record.
 */
export async function enrolPasskey(powers: Powers, asked: NewPasskey): Promise<Enrolled> {
  const { client, session, bound, answer } = asked;
  const ceremony = await readCeremony(powers, bound, answer.challenge);
  const expected = ceremony && ownCeremony(powers, ceremony);
  if (!ceremony || !expected) return refused("the challenge is not one of these five minutes");
  const read = await powers.proofs.readPasskey(answer, expected);
  if (!read.ok) return refused(read.error.detail);
  const ever = await powers.devices.ofUser(session.userId, { withRevoked: true });
  const id = newDeviceId(ceremony.id);
  const twin = ever.find((device) => device.id === id);
  if (twin) {
    const isSame = twin.revokedAt === undefined && twin.key.fingerprint === read.value.key.fingerprint;
    return isSame ? ok(twin) : refused("the challenge was used");
  }
  const now = powers.clock.now();
  const closed = closedBy(client, session, ever, now);
  if (closed) return refused(closed.kind);
  const letInBy = letInTo(session, ever);
  const device: Device = {
    ...read.value,
    id,
    userId: session.userId,
    realm: client.realm,
    name: asked.name,
    kind: "passkey",
    door: "oauth",
    clientId: client.id,
    enrolledAt: now,
    ...(letInBy === undefined ? {} : { letInBy }),
    ...(comesByCode(session, ever, now) ? { byCode: true } : {}),
  };
  return await store(powers, asked, device);
}

async function store(powers: Powers, { session, origin }: NewPasskey, device: Device): Promise<Enrolled> {
  const event = auditEvent(powers, {
    type: "device.enrolled",
    actor: `user:${device.userId}`,
    userId: device.userId,
    clientId: device.clientId,
    deviceId: device.id,
    ip: origin.ip,
    reason: "own_page",
    data: { kind: "passkey", session_id: session.id },
  });
  const stored = await powers.devices.insertOwn(device, event, {
    most: MOST_PASSKEYS,
    since: session.createdAt,
    sessionId: session.id,
    ...(session.deviceId === undefined ? { alone: true } : { signedBy: session.deviceId }),
  });
  if (!stored.ok) return refused(stored.error.code);
  await powers.inboxes.noteDevice(userSubject(device.userId));
  return ok(device);
}
