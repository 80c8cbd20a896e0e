import type { Context } from "hono";
import { ownClientId } from "../../core/client/own-client.ts";
import type { Device } from "../../core/device/device.ts";
import { renameDevice } from "../../core/device/manage.ts";
import { tellDeviceRemoved } from "../../core/device/notify.ts";
import { isNew } from "../../core/device/own-enrolment.ts";
import { isOwn } from "../../core/device/own-pages.ts";
import { makeRecoveryCodes, recoveryCodesLeft } from "../../core/device/recovery-codes.ts";
import { revokeDevice } from "../../core/device/revoke.ts";
import { QR_TICKET, writeTicket } from "../../core/device/ticket.ts";
import { oneLine } from "../../core/shown-text.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import type { PhoneCaller } from "./caller.ts";
import { LONGEST_NAME } from "./enrolment/enrol.ts";
import { refuse } from "./errors.ts";
import type { ActBody } from "./schema.ts";
import { signedAct } from "./signed.ts";
import { deviceWire, iso, isWithin, mayRemove } from "./wire.ts";

const by = (c: Context<AppEnv>, { device }: PhoneCaller) => ({
  actor: `device:${device.id}`,
  ip: originOf(c).ip,
});

/** The live devices of the user that this one may know of. */
async function listed(c: Context<AppEnv>, { device }: PhoneCaller): Promise<readonly Device[]> {
  const devices = await services(c).devices.ofUser(device.userId);
  return devices.filter((other) => isWithin(device, other));
}

async function named(c: Context<AppEnv>, caller: PhoneCaller): Promise<Device | undefined> {
  const id = c.req.param("id")?.toLowerCase();
  return (await listed(c, caller)).find((device) => device.id === id);
}

/** `GET /approver/devices`: every device of the user, whichever door enrolled it. */
export async function listDevices(c: Context<AppEnv>, caller: PhoneCaller): Promise<Response> {
  const now = services(c).clock.now();
  const devices = await listed(c, caller);
  return c.json({ devices: devices.map((device) => deviceWire(caller.device, device, now)) });
}

/** `PATCH /approver/devices/{id}`: another name, for a device of our pages. */
export async function rename(c: Context<AppEnv>, caller: PhoneCaller, typed: string): Promise<Response> {
  const device = await named(c, caller);
  if (!device || !isOwn(device)) return refuse(c, { code: "unknown_device" });
  const name = oneLine(typed, LONGEST_NAME);
  if (name === "") return refuse(c, { code: "malformed", detail: "name: is empty" });
  const { userId, id: deviceId } = device;
  const renamed = await renameDevice(services(c), { userId, deviceId, name, ...by(c, caller) });
  if (!renamed.ok) return refuse(c, renamed.error);
  return c.json(deviceWire(caller.device, renamed.value, services(c).clock.now()));
}

/** `POST /approver/devices/{id}/removal`: signed; what the device opened ends with it, and every proven address hears of it. */
export async function remove(c: Context<AppEnv>, caller: PhoneCaller, body: ActBody): Promise<Response> {
  const powers = services(c);
  const device = await named(c, caller);
  if (!device) return refuse(c, { code: "unknown_device" });
  if (!mayRemove(caller.device, device, powers.clock.now())) {
    return refuse(c, { code: "not_allowed", detail: isOwn(device) ? "new_device" : "other_door" });
  }
  const signed = await signedAct(c, caller, { use: "remove_device", target: device.id }, body);
  if (!signed.ok) return refuse(c, signed.error);
  const { userId, id: deviceId } = device;
  const reason = "removed_by_user";
  const asked = { userId, deviceId, reason, signedBy: caller.device.id, ...by(c, caller) };
  const revoked = await revokeDevice(powers, asked);
  if (!revoked.ok) return refuse(c, revoked.error);
  const client = await powers.clients.find(device.clientId);
  if (!revoked.value.repeated && client) {
    tellDeviceRemoved(powers, { client, user: caller.user, device, origin: originOf(c) });
  }
  return c.body(null, 204);
}

/** `POST /approver/tickets`: leave for one more phone, signed by this one; shown as a QR code for two minutes. */
export async function letIn(c: Context<AppEnv>, caller: PhoneCaller, body: ActBody): Promise<Response> {
  const powers = services(c);
  if (caller.user.user.status === "locked") return refuse(c, { code: "user_locked" });
  const signed = await signedAct(c, caller, { use: "let_in_device" }, body);
  if (!signed.ok) return refuse(c, signed.error);
  const { userId, realm, id: deviceId } = caller.device;
  const now = powers.clock.now();
  const ticket = await writeTicket(powers, {
    id: powers.chance.uuid(),
    userId,
    realm,
    clientId: ownClientId(realm),
    deviceId,
    since: caller.began,
    until: now + QR_TICKET,
  });
  const url = `${powers.config.issuer}/phone#add=${ticket}`;
  return c.json({ ticket, url, expires_at: iso(now + QR_TICKET) }, 201);
}

/** `GET /approver/recovery-codes`: how many are left. */
export async function countRecoveryCodes(c: Context<AppEnv>, { device }: PhoneCaller): Promise<Response> {
  return c.json({ left: await recoveryCodesLeft(services(c), device.userId) });
}

/**
 * Why this device makes no codes. They open the whole account, so one that a client's device had let in makes none; and a new device replaces
 * none that somebody else has written down (T33).
 */
async function unfitForCodes(c: Context<AppEnv>, device: Device): Promise<string | undefined> {
  const powers = services(c);
  const { userId } = device;
  if (device.letInBy !== undefined) return "let_in";
  if (!isNew(device, powers.clock.now()) || (await recoveryCodesLeft(powers, userId)) === 0) return undefined;
  const [made] = await powers.records.events({ userId, type: "recovery_codes.made", size: 1 });
  return made?.deviceId === device.id ? undefined : "new_device";
}

/** `POST /approver/recovery-codes`: signed; ten new ones in place of all before, shown this once. */
export async function newRecoveryCodes(
  c: Context<AppEnv>,
  caller: PhoneCaller,
  body: ActBody,
): Promise<Response> {
  const { device } = caller;
  const unfit = await unfitForCodes(c, device);
  if (unfit !== undefined) return refuse(c, { code: "not_allowed", detail: unfit });
  const signed = await signedAct(c, caller, { use: "recovery_codes" }, body);
  if (!signed.ok) return refuse(c, signed.error);
  const made = await makeRecoveryCodes(services(c), {
    user: caller.user.user,
    deviceId: device.id,
    ...by(c, caller),
  });
  return made.ok ? c.json({ codes: made.value }, 201) : refuse(c, made.error);
}
