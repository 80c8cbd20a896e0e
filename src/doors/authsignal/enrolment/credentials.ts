import type { Context } from "hono";
import type * as z from "zod";
import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import { admits } from "../../../core/challenge/approvers.ts";
import type { VerifiedProof } from "../../../core/challenge/proof.ts";
import { askerOf, type Client } from "../../../core/client/client.ts";
import { type Device, isEnrolledBy } from "../../../core/device/device.ts";
import { tellDeviceEnrolled } from "../../../core/device/notify.ts";
import { revokeDevice } from "../../../core/device/revoke.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { MINUTE, toSeconds } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { tellLater } from "../action/later.ts";
import { bearerOf, requester, tenantOf } from "../client.ts";
import { refuse } from "../errors.ts";
import type { credentialBody, removeBody } from "../schema.ts";
import { ADD } from "../tokens.ts";
import { authenticatorEvent, credentialWire } from "../translate.ts";
import { nameOf } from "../user/find.ts";
import { keyTextOfQuery, lookupKey } from "./credentials-text.ts";
import { enrolByToken } from "./device.ts";
import { type Namespace, servesIn } from "./enrolled.ts";

/** A phone that speaks: its tenant's client, its own row and its user. */
export type Holder = { readonly client: Client; readonly device: Device; readonly user: UserRecord };

/** The live credential of a key text, good in this namespace and for this tenant; everything else is `unknown_device`. */
export async function holderOf(
  c: Context<AppEnv>,
  namespace: Namespace,
  keyText: string | undefined,
): Promise<Result<Holder, Refusal>> {
  const client = await tenantOf(c);
  return client.ok ? await holderOfSender(c, client.value, namespace, keyText) : client;
}

/** The same for a sender who is known already. */
export async function holderOfSender(
  c: Context<AppEnv>,
  client: Client,
  namespace: Namespace,
  keyText: string | undefined,
): Promise<Result<Holder, Refusal>> {
  const powers = services(c);
  const key = await lookupKey(powers, keyText);
  const found = key && (await powers.users.byDeviceKey(client.realm, key.fingerprint));
  if (!found) return no({ code: "unknown_device" });
  const { device, record: user } = found;
  if (!(servesIn(device, namespace) && admits(askerOf(client), device)))
    return no({ code: "unknown_device" });
  if (user.user.status === "locked") return no({ code: "user_locked" });
  return ok({ client, device, user });
}

/** A credential that is read by its public key, which is no secret: counted for the address, and for the key in its network (§11.2). */
export async function holderOfQuery(
  c: Context<AppEnv>,
  namespace: Namespace,
): Promise<Result<Holder, Refusal>> {
  const { limits, clock } = services(c);
  const text = keyTextOfQuery(c.req.query("publicKey") ?? "");
  const { ip } = originOf(c);
  if (!(await (text === undefined ? limits.wait(ip) : limits.read(ip, text)))) {
    return no({ code: "too_many", scope: "ip", retryAt: clock.now() + MINUTE });
  }
  return await holderOf(c, namespace, text);
}

const SUSPICIOUS: ReadonlySet<Refusal["code"]> = new Set([
  "bad_signature",
  "claimed_by_other",
  "device_of_another_user",
  "device_of_another_client",
  "device_too_young",
  "replayed",
]);

/** Puts on record what may be an attack on the credential's user (T25). */
function keepOnRecord(c: Context<AppEnv>, { client, device }: Holder, { code }: Refusal): void {
  if (!SUSPICIOUS.has(code)) return;
  const { ip } = originOf(c);
  noteRefusal(services(c), {
    type: "decision_refused",
    subject: device.userId,
    userId: device.userId,
    clientId: client.id,
    reason: code,
    ...(ip === undefined ? {} : { ip }),
  });
}

/** Answers a refusal of something that was signed well. */
export function refuseOnRecord(c: Context<AppEnv>, holder: Holder, refusal: Refusal): Response {
  if (refusal.code !== "bad_signature") keepOnRecord(c, holder, refusal);
  return refuse(c, refusal);
}

/** Checks what a credential signed; a signature that does not fit is put on record. */
export async function signedBy(
  c: Context<AppEnv>,
  holder: Holder,
  message: string,
  signature: string,
  decision: "approve" | "deny" = "approve",
): Promise<Result<VerifiedProof, Refusal>> {
  const proof = await services(c).proofs.device(
    holder.user.user,
    holder.device,
    message,
    signature,
    decision,
  );
  if (!proof.ok) keepOnRecord(c, holder, proof.error);
  return proof;
}

/** §6.6 add credential: on the word of the backend's token. */
export async function addCredential(
  c: Context<AppEnv>,
  namespace: Namespace,
  body: z.output<typeof credentialBody>,
): Promise<Response> {
  const powers = services(c);
  const sender = await bearerOf(c);
  if (!sender.ok) return refuse(c, sender.error);
  const { client, token } = sender.value;
  const key = await powers.proofs.readKey(body.publicKey, "EC");
  if (!key.ok) return refuse(c, key.error);
  const user = await powers.users.byId(token.userId, client.realm);
  if (!user) return refuse(c, { code: "bad_token", detail: "user" });
  const enrolled = await enrolByToken(powers, {
    client,
    user,
    key: key.value,
    name: body.deviceName ?? "",
    namespace,
    platform: body.devicePlatform?.toLowerCase() ?? "",
    pushToken: body.pushToken,
    mayAdd: token.scopes.includes(ADD),
    tokenId: token.jti,
    by: requester(c),
  });
  if (!enrolled.ok) return refuse(c, enrolled.error);
  const { device, isNew, isWider, left } = enrolled.value;
  if (left) {
    const before = await powers.users.byId(left.userId, client.realm);
    const name = before ? nameOf(client, before) : left.userId;
    await tellLater(powers, client, authenticatorEvent(powers, "deleted", name, left));
  }
  if (isNew) tellDeviceEnrolled(powers, { client, user, device, origin: originOf(c) });
  const changed = isNew ? "created" : isWider && "updated";
  if (changed) await tellLater(powers, client, authenticatorEvent(powers, changed, token.name, device));
  return c.json(credentialWire(token.name, device));
}

/** §6.6 get credential. */
export async function getCredential(c: Context<AppEnv>, namespace: Namespace): Promise<Response> {
  const holder = await holderOfQuery(c, namespace);
  if (!holder.ok) return refuse(c, holder.error);
  const { client, device, user } = holder.value;
  const row = await services(c).authenticators.find(device.userId, device.id);
  return c.json(credentialWire(nameOf(client, user), device, row?.lastVerifiedAt));
}

const WINDOW_SECONDS = 600;

/**
 * §6.6 remove credential, of one that this door enrolled for this tenant: signed over the present ten minutes, or those beside them,
 * written with `.0` (§6.5).
 */
export async function removeCredential(
  c: Context<AppEnv>,
  namespace: Namespace,
  body: z.output<typeof removeBody>,
): Promise<Response> {
  const powers = services(c);
  const holder = await holderOf(c, namespace, body.publicKey);
  if (!holder.ok) return refuse(c, holder.error);
  const { client, device, user } = holder.value;
  if (!isEnrolledBy(device, "authsignal", client.id)) return refuse(c, { code: "unknown_device" });
  const now = Math.floor(toSeconds(powers.clock.now()) / WINDOW_SECONDS);
  const checks = [now, now - 1, now + 1].map((window) =>
    powers.proofs.device(user.user, device, `${window}.0`, body.signature, "deny"),
  );
  const signed = (await Promise.all(checks)).some((check) => check.ok);
  if (!signed) return refuse(c, { code: "bad_signature" });
  const { ip } = originOf(c);
  const revoked = await revokeDevice(powers, {
    userId: device.userId,
    deviceId: device.id,
    reason: "removed_by_device",
    actor: `device:${device.id}`,
    ip,
  });
  if (!revoked.ok) return refuse(c, revoked.error);
  await powers.authenticators.remove(device.userId, device.id, powers.clock.now());
  await tellLater(powers, client, authenticatorEvent(powers, "deleted", nameOf(client, user), device));
  return c.json({ removedAuthenticatorId: device.id });
}
