import type { Context } from "hono";
import { noteRefusal } from "../../core/audit/note-refusal.ts";
import { fromBase64Url } from "../../core/base64.ts";
import { beginCeremony, CEREMONY, ownCeremony, ownRpId, readCeremony } from "../../core/device/ceremony.ts";
import type { Device } from "../../core/device/device.ts";
import { isOwn, isOwnPasskey, reachOf } from "../../core/device/own-pages.ts";
import { tellsNews } from "../../core/device/passkey.ts";
import { parseDeviceId, parseUserId } from "../../core/ids.ts";
import type { UserRecord } from "../../core/ports/users.ts";
import { type Instant, SECOND } from "../../core/time.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import { notePhone } from "../../http/phone-page.ts";
import { proofOf, refuseCaller } from "./caller.ts";
import { refuse, say } from "./errors.ts";
import type { BeginBody, SessionBody } from "./schema.ts";
import { SESSION, writeSession } from "./session-token.ts";
import { accountOf, deviceWire } from "./wire.ts";

const boundTo = (jkt: string) => ({ kind: "phone", browser: jkt, about: [] }) as const;

/** `POST /approver/sessions/begin`: what a passkey signs to open a session for the key of this thumbprint. */
export async function beginSession(c: Context<AppEnv>, { jkt }: BeginBody): Promise<Response> {
  const powers = services(c);
  const rpId = ownRpId(powers);
  if (rpId === undefined)
    return say(c, 404, "no_passkeys", "This deployment has no name that passkeys could belong to.");
  const { challenge } = await beginCeremony(powers, boundTo(jkt));
  return c.json({ challenge, rp_id: rpId, timeout: CEREMONY });
}

/** `POST /approver/sessions`: a device shows itself, and gets the token that goes with the key of its proofs. */
export async function openSession(c: Context<AppEnv>, body: SessionBody): Promise<Response> {
  // Before anything is read: whoever is locked or signed out from here on has ended this session too.
  const began = services(c).clock.now();
  const text = c.req.header("DPoP") ?? "";
  const proof = await proofOf(c, text);
  if (!proof) return refuseCaller(c, { code: "bad_proof" });
  const found =
    "passkey" in body ? await byPasskey(c, body.passkey, proof.jkt) : await byKey(c, body.device_id, text);
  // Told to nobody but whoever has shown the key.
  if (found === LOCKED) return refuse(c, { code: LOCKED });
  if (typeof found === "string") return await notADevice(c, found);
  notePhone(c);
  return c.json(await sessionWire(c, found, { jkt: proof.jkt, began }), 201);
}

const LOCKED = "user_locked";

type Found = { readonly device: Device; readonly user: UserRecord };

/** One answer, whatever was wrong; the record has the reason. A refusal counts as a wrong code does, for the address. */
async function notADevice(c: Context<AppEnv>, reason: string): Promise<Response> {
  const powers = services(c);
  const { ip } = originOf(c);
  noteRefusal(powers, {
    type: "approver_refused",
    subject: powers.limits.network(ip) ?? "anybody",
    reason,
    ...(ip === undefined ? {} : { ip }),
  });
  await powers.limits.miss(ip);
  return say(c, 403, "not_a_device", "This is no device of anybody's here.");
}

/** The session of a device, with the token for the key of this thumbprint; `began`: when this call began. */
export async function sessionWire(
  c: Context<AppEnv>,
  { device, user }: Found,
  { jkt, began }: { readonly jkt: string; readonly began: Instant },
) {
  const powers = services(c);
  const token = await writeSession(powers, {
    deviceId: device.id,
    userId: device.userId,
    realm: device.realm,
    jkt,
    began: Math.floor(began / SECOND) * SECOND,
  });
  return {
    token,
    expires_in: SESSION / SECOND,
    device: deviceWire(device, device, powers.clock.now()),
    account: accountOf(user),
  };
}

/** The device and user behind a passkey's signature, or why there are none. */
async function byPasskey(
  c: Context<AppEnv>,
  answer: Extract<SessionBody, { passkey: unknown }>["passkey"],
  jkt: string,
): Promise<Found | string> {
  const powers = services(c);
  const ceremony = await readCeremony(powers, boundTo(jkt), answer.challenge);
  const expected = ceremony && ownCeremony(powers, ceremony);
  if (!expected) return "the challenge is not one of these five minutes";
  const device = await passkeyOf(c, answer.user_handle, answer.credential_id);
  const found = device && (await foundOf(c, device));
  if (!found) return "no such passkey";
  const signature = {
    clientData: answer.client_data,
    authenticatorData: answer.authenticator_data,
    signature: answer.signature,
  };
  const onPage = { decision: "approve", through: reachOf(found.device) } as const;
  const checked = await powers.proofs.passkey(found.user.user, found.device, signature, expected, onPage);
  if (!checked.ok) return checked.error.code;
  const { state } = checked.value;
  if (tellsNews(found.device, state) && !(await powers.devices.notePasskey(found.device.id, state))) {
    return "the passkey's counter went back, or it was removed";
  }
  return found;
}

/** Realms never meet, and a passkey's page cannot know which is asked: its own user handle says whose it is. */
async function passkeyOf(
  c: Context<AppEnv>,
  handle: string,
  credentialId: string,
): Promise<Device | undefined> {
  const bytes = fromBase64Url(handle);
  const userId = bytes && parseUserId(new TextDecoder().decode(bytes));
  const devices = userId === undefined ? [] : await services(c).devices.ofUser(userId);
  return devices.find((device) => isOwnPasskey(device) && device.credentialId === credentialId);
}

/** The device whose own key has signed the proof, or why there is none. */
async function byKey(c: Context<AppEnv>, id: string, proof: string): Promise<Found | string> {
  const deviceId = parseDeviceId(id);
  const [device, key] = await Promise.all([
    deviceId && services(c).devices.byId(deviceId),
    services(c).dpop.keyOf(proof),
  ]);
  const isIts = key.ok && device?.key.fingerprint === key.value.fingerprint;
  const isLive =
    device && device.revokedAt === undefined && isOwn(device) && device.credentialId === undefined;
  const found = isIts && isLive && (await foundOf(c, device));
  if (!found) return "no such key";
  return found.user.user.status === "locked" ? LOCKED : found;
}

async function foundOf(c: Context<AppEnv>, device: Device): Promise<Found | undefined> {
  const user = await services(c).users.byId(device.userId, device.realm);
  return user && { device, user };
}
