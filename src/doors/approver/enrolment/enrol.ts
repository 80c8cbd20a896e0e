import type { Context } from "hono";
import { auditEvent } from "../../../core/audit/record.ts";
import { ownCeremony } from "../../../core/device/ceremony.ts";
import type { Device } from "../../../core/device/device.ts";
import { tellDeviceEnrolled } from "../../../core/device/notify.ts";
import { closedBy, comesByCode, letInTo, MOST_PASSKEYS } from "../../../core/device/own-enrolment.ts";
import { newDeviceId, userSubject } from "../../../core/ids.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { oneLine } from "../../../core/shown-text.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { notePhone } from "../../../http/phone-page.ts";
import { deviceName } from "../../../pages/verify/device.ts";
import { proofOf, refuseCaller } from "../caller.ts";
import { refuse } from "../errors.ts";
import type { EnrolBody } from "../schema.ts";
import { sessionWire } from "../sessions.ts";
import { type Begun, closed, holderOf, readBegun, type TicketHolder, ticketOver } from "./begin.ts";

export const LONGEST_NAME = 60;

/** `POST /approver/enrolments`: the passkey that a browser made, or the key of its proofs, becomes a device of the ticket's user. */
export async function enrol(c: Context<AppEnv>, body: EnrolBody): Promise<Response> {
  const powers = services(c);
  // Before anything is read: whoever is locked or signed out from here on has ended this session too.
  const began = powers.clock.now();
  const text = c.req.header("DPoP") ?? "";
  const proof = await proofOf(c, text);
  if (!proof) return refuseCaller(c, { code: "bad_proof" });
  const begun = await readBegun(powers, body.enrolment);
  const holder = begun && (await holderOf(powers, begun.ticket));
  if (!begun || !holder) return ticketOver(c);
  const made = await deviceOf(c, begun, holder, body, text);
  if (!made.ok) return refuse(c, { code: "not_allowed", detail: made.error.detail });
  const device = made.value;
  const twin = holder.ever.find(({ id }) => id === device.id);
  if (twin) {
    // The same call again, because its answer was lost.
    const isSame = twin.revokedAt === undefined && twin.key.fingerprint === device.key.fingerprint;
    return isSame
      ? c.json(await sessionWire(c, { device: twin, user: holder.user }, { jkt: proof.jkt, began }), 201)
      : ticketOver(c);
  }
  const why = begun.recovered
    ? undefined
    : closedBy(holder.client, begun.ticket, holder.ever, powers.clock.now());
  if (why) return closed(c, why);
  const stored = await store(c, begun, device);
  if (!stored.ok) {
    const isLate = stored.error.code === "enrolment_closed" && isByCodeAlone(begun);
    if (isLate) return closed(c, { kind: "stronger" });
    return stored.error.code === "grant_ended" ? ticketOver(c) : refuse(c, stored.error);
  }
  await powers.inboxes.noteDevice(userSubject(device.userId));
  const { client, user } = holder;
  tellDeviceEnrolled(powers, { client, user, device, origin: originOf(c) });
  notePhone(c);
  return c.json(await sessionWire(c, { device, user }, { jkt: proof.jkt, began }), 201);
}

async function deviceOf(
  c: Context<AppEnv>,
  { ticket, challenge, recovered }: Begun,
  { ever }: TicketHolder,
  { passkey, name }: EnrolBody,
  proof: string,
): Promise<Result<Device, RefusalOf<"bad_key">>> {
  const powers = services(c);
  const letInBy = letInTo(ticket, ever);
  const now = powers.clock.now();
  const common = {
    id: newDeviceId(ticket.id),
    userId: ticket.userId,
    realm: ticket.realm,
    name: oneLine(name ?? "", LONGEST_NAME) || (deviceName(originOf(c).userAgent) ?? "Phone"),
    clientId: ticket.clientId,
    enrolledAt: now,
    ...(letInBy === undefined ? {} : { letInBy }),
    ...(!recovered && comesByCode(ticket, ever, now) ? { byCode: true } : {}),
  };
  if (passkey === undefined) {
    const key = await powers.dpop.keyOf(proof);
    return key.ok ? ok({ ...common, key: key.value, kind: "key", door: "approver" }) : key;
  }
  const ceremony = ownCeremony(powers, { challenge });
  if (!ceremony)
    return no({ code: "bad_key", detail: "this deployment has no name that passkeys could belong to" });
  const read = await powers.proofs.readPasskey(
    {
      credentialId: passkey.credential_id,
      clientData: passkey.client_data,
      attestationData: passkey.attestation_data,
    },
    ceremony,
  );
  return read.ok ? ok({ ...common, ...read.value, kind: "passkey", door: "oauth" }) : read;
}

const isByCodeAlone = ({ ticket, recovered }: Begun): boolean => ticket.deviceId === undefined && !recovered;

function store(c: Context<AppEnv>, begun: Begun, device: Device) {
  const { ticket, recovered } = begun;
  const powers = services(c);
  const { ip } = originOf(c);
  const event = auditEvent(powers, {
    type: "device.enrolled",
    actor: `user:${device.userId}`,
    userId: device.userId,
    clientId: device.clientId,
    deviceId: device.id,
    ...(ip === undefined ? {} : { ip }),
    reason: recovered ? "recovery_code" : ticket.deviceId === undefined ? "own_page" : "let_in_by_device",
    data: {
      kind: device.kind,
      ...(ticket.deviceId === undefined ? {} : { by: ticket.deviceId }),
      ...(ticket.sessionId === undefined ? {} : { session_id: ticket.sessionId }),
    },
  });
  return powers.devices.insertOwn(device, event, {
    most: MOST_PASSKEYS,
    since: ticket.since,
    ...(ticket.deviceId === undefined ? {} : { signedBy: ticket.deviceId }),
    ...(ticket.sessionId === undefined ? {} : { sessionId: ticket.sessionId }),
    ...(isByCodeAlone(begun) ? { alone: true } : {}),
  });
}
