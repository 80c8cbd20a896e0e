import type { Context } from "hono";
import { toBase64Url } from "../../core/base64.ts";
import { enrollerOf } from "../../core/challenge/approvers.ts";
import { reachOf } from "../../core/device/own-pages.ts";
import { userSubject } from "../../core/ids.ts";
import type { PushTarget } from "../../core/inbox/state.ts";
import type { TargetFault } from "../../core/ports/pushes.ts";
import { type AppEnv, services } from "../../http/context.ts";
import type { PhoneCaller } from "./caller.ts";
import { refuse, say } from "./errors.ts";
import type { PushBody } from "./schema.ts";

const FAULTS: Readonly<Record<TargetFault, readonly [code: string, detail: string]>> = {
  off: ["no_push", "This deployment wakes no devices in this way."],
  endpoint: ["endpoint", "The endpoint is of no push service that is known here."],
  keys: ["keys", "The keys are not those of a push subscription."],
};

const targetOf = (body: PushBody): PushTarget =>
  "fcm" in body ? { fcm: body.fcm.token } : { endpoint: body.endpoint, ...body.keys };

/** What a device compares its own subscription with: SHA-256, base64url. The address itself is told to nobody. */
async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return toBase64Url(new Uint8Array(digest));
}

/** `PUT /approver/push-subscription`: how this device is woken from now on. */
export async function subscribePush(
  c: Context<AppEnv>,
  { device }: PhoneCaller,
  body: PushBody,
): Promise<Response> {
  const { pushes, inboxes, clock } = services(c);
  const target = targetOf(body);
  const fault = await pushes.faultOf(target);
  if (fault !== undefined) return say(c, 422, ...FAULTS[fault]);
  const through = enrollerOf(reachOf(device));
  const subscription = { device: device.id, through, target, at: clock.now() };
  const isKept = await inboxes.subscribe(userSubject(device.userId), subscription);
  return isKept ? c.body(null, 204) : refuse(c, { code: "device_revoked" });
}

/** `GET /approver/push-subscription`: a digest of what this device is woken at, or nothing. */
export async function showPush(c: Context<AppEnv>, { device }: PhoneCaller): Promise<Response> {
  const kept = await services(c).inboxes.subscriptionsOf(userSubject(device.userId));
  const target = kept.find((one) => one.device === device.id)?.target;
  if (target === undefined) return c.json({});
  return "fcm" in target
    ? c.json({ fcm: await digestOf(target.fcm) })
    : c.json({ endpoint: await digestOf(target.endpoint) });
}

/** `DELETE /approver/push-subscription`: this device is woken no more. */
export async function unsubscribePush(c: Context<AppEnv>, { device }: PhoneCaller): Promise<Response> {
  await services(c).inboxes.unsubscribe(userSubject(device.userId), device.id);
  return c.body(null, 204);
}
