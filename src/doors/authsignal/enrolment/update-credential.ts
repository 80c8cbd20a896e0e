import type { Context } from "hono";
import type * as z from "zod";
import { userSubject } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import { SECOND } from "../../../core/time.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { tellLater } from "../action/later.ts";
import { refuse } from "../errors.ts";
import type { updateBody } from "../schema.ts";
import { authenticatorEvent, iso } from "../translate.ts";
import { nameOf } from "../user/find.ts";
import { holderOf, holderOfQuery, signedBy } from "./credentials.ts";
import { keepPushToken } from "./device.ts";
import type { Namespace } from "./enrolled.ts";

const GOOD_FOR = 60 * SECOND;

const macOf = (
  powers: Pick<Services, "handles">,
  deviceId: string,
  parts: readonly string[],
): Promise<string> => powers.handles.pepper(["authsignal-update", deviceId, ...parts], "");

/** §6.6: the text that a credential signs to be changed; derived, so that asking stores nothing. */
export async function updateNonce(c: Context<AppEnv>, namespace: Namespace): Promise<Response> {
  const powers = services(c);
  const holder = await holderOfQuery(c, namespace);
  if (!holder.ok) return refuse(c, holder.error);
  const parts = [String(powers.clock.now() + GOOD_FOR), powers.chance.text(16)];
  const text = [...parts, await macOf(powers, holder.value.device.id, parts)].join(".");
  return c.json({ challengeId: text, message: text });
}

/** §6.6 update credential: a new push token, proven by the key, once for each text. */
export async function updateCredential(
  c: Context<AppEnv>,
  namespace: Namespace,
  body: z.output<typeof updateBody>,
): Promise<Response> {
  const powers = services(c);
  const holder = await holderOf(c, namespace, body.publicKey);
  if (!holder.ok) return refuse(c, holder.error);
  const { client, device, user } = holder.value;
  const [until = "", random = "", mac = "", ...rest] = body.challengeId.split(".");
  const genuine = await powers.secrets.equal(mac, await macOf(powers, device.id, [until, random]));
  const now = powers.clock.now();
  if (!genuine || rest.length > 0 || Number(until) <= now) return refuse(c, { code: "unknown_challenge" });
  const proof = await signedBy(c, holder.value, body.challengeId, body.signature);
  if (!proof.ok) return refuse(c, proof.error);
  const who = userSubject(device.userId);
  // The same call again is no replay: its answer may have been lost.
  const use = await powers.handles.digest(["authsignal-update", body.pushToken ?? ""]);
  if (!(await powers.inboxes.spend(who, proof.value.digest, use))) {
    return refuse(c, { code: "replayed" });
  }
  await keepPushToken(powers, device, body.pushToken, now);
  await tellLater(powers, client, authenticatorEvent(powers, "updated", nameOf(client, user), device));
  return c.json({
    userAuthenticatorId: device.id,
    userId: nameOf(client, user),
    lastVerifiedAt: iso(now),
    ...(body.pushToken === undefined ? {} : { pushToken: body.pushToken }),
  });
}
