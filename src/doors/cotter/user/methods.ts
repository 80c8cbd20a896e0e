import type { Context } from "hono";
import type * as z from "zod";
import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import type { Client } from "../../../core/client/client.ts";
import { isEnrolledBy } from "../../../core/device/device.ts";
import { enrolFirstDevice } from "../../../core/device/enrol-first.ts";
import type { Enrolled } from "../../../core/device/enrolment.ts";
import { tellDeviceEnrolled, tellDeviceRemoved } from "../../../core/device/notify.ts";
import { revokeDevice } from "../../../core/device/revoke.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { refuse } from "../errors.ts";
import type { methodBody } from "../schema.ts";
import { METHOD } from "../signed/signing-input.ts";
import { type Bundle, firstBundle } from "../tokens.ts";
import { subjectOf, userWire } from "../translate.ts";
import { identifyKey, readNewKey } from "./device-texts.ts";
import { ambientOf, offeredKey } from "./enrolment-key.ts";
import { type Arriving, arrivingAt, knownOf } from "./people.ts";

type MethodBody = z.output<typeof methodBody>;

/** Rows 4 and 5 of Cotter §3.1: enrols the first device of a user, or removes a device by its exact key. */
export async function changeMethod(c: Context<AppEnv>, user: string, body: MethodBody): Promise<Response> {
  if (body.method !== METHOD) {
    return refuse(c, { code: "malformed", detail: `method: only ${METHOD} is offered` });
  }
  const person = await (body.enrolled ? arrivingAt : knownOf)(c, user);
  if (!person) return refuse(c, { code: "unknown_user" });
  return body.enrolled ? enrol(c, person, body) : remove(c, person, body);
}

async function enrol(
  c: Context<AppEnv>,
  { record, name, signUp }: Arriving,
  body: MethodBody,
): Promise<Response> {
  const { devices } = services(c);
  const { client } = c.var;
  const key = await readNewKey(services(c), body.code, body.algorithm);
  if (!key.ok) return refuse(c, key.error);
  const known = signUp ? undefined : await devices.ofUserByFingerprint(record.user.id, key.value.fingerprint);
  // The same key again is a repeat: answered, but it never mints tokens (§10.4).
  if (known && known.revokedAt === undefined) return c.json(await userNow(c, record, name));
  const enrolled = await enrolFirstDevice(services(c), {
    door: "cotter",
    client,
    user: record,
    ...(signUp ? { signUp, looks: await ambientOf(c) } : {}),
    key: key.value,
    name: body.device_name ?? "",
    kind: body.device_type ?? "",
    offered: {
      ...(await offeredKey(c)),
      ...(client.settings.enrol_after_proof ? { ambient: await ambientOf(c) } : {}),
    },
    origin: originOf(c),
    lane: "cotter",
    scope: "access",
    ...(c.req.query("oauth_token") === "true" ? { subject: subjectOf(client)(record) } : {}),
  });
  if (!enrolled.ok) return refuseFirst(c, record, enrolled.error);
  const { device } = enrolled.value;
  tellDeviceEnrolled(services(c), { client, user: record, device, origin: originOf(c) });
  const oauth_token = await bundleFor(c, client, enrolled.value);
  return c.json({ ...userWire(record, client, [device], "everything"), ...oauth_token });
}

/** On record: a try without the window's key may be somebody else's (settled question 53). */
function refuseFirst(c: Context<AppEnv>, { user }: UserRecord, refusal: Refusal): Response {
  const { ip } = originOf(c);
  noteRefusal(services(c), {
    type: "enrolment_refused",
    subject: user.id,
    userId: user.id,
    clientId: c.get("client").id,
    reason: refusal.code,
    ...(ip === undefined ? {} : { ip }),
  });
  return refuse(c, refusal);
}

async function bundleFor(
  c: Context<AppEnv>,
  client: Client,
  { redeemed }: Enrolled,
): Promise<{ oauth_token?: Bundle }> {
  if (!redeemed?.grant) return {};
  return { oauth_token: await firstBundle(services(c), client, redeemed.grant, redeemed.facts) };
}

/**
 * Removal is unsigned on this wire, and whoever knows the key's text may ask for it: so it takes away only what this door enrolled for
 * this client, its user is told, and no answer ever carries tokens (§10.5).
 */
async function remove(c: Context<AppEnv>, { record, name }: Arriving, body: MethodBody): Promise<Response> {
  const { devices, limits } = services(c);
  const { client } = c.var;
  const { ip } = originOf(c);
  if (client.settings.unsigned_removal === false) {
    return refuse(c, { code: "not_allowed", detail: "Devices of this app are not removed by this call" });
  }
  const key = await identifyKey(services(c), body.code);
  const device = key && (await devices.ofUserByFingerprint(record.user.id, key.fingerprint));
  if (!device || device.revokedAt !== undefined || !isEnrolledBy(device, "cotter", client.id)) {
    return (await limits.miss(ip)) ? refuse(c, { code: "unknown_device" }) : tooMany(c);
  }
  const revoked = await revokeDevice(services(c), {
    userId: record.user.id,
    deviceId: device.id,
    actor: `client:${client.id}`,
    ip,
    reason: "removed_by_app",
  });
  if (!revoked.ok) return refuse(c, revoked.error);
  const told = { client, user: record, device: revoked.value.device, origin: originOf(c) };
  tellDeviceRemoved(services(c), told);
  return c.json(await userNow(c, record, name));
}

const userNow = async (c: Context<AppEnv>, record: UserRecord, name: string) =>
  userWire(record, c.get("client"), await services(c).devices.ofUser(record.user.id), { name });

const tooMany = (c: Context<AppEnv>): Response =>
  refuse(c, { code: "too_many", scope: "ip", retryAt: services(c).clock.now() + 60_000 });
