import type { Context } from "hono";
import type * as z from "zod";
import { tryStart } from "../../../core/challenge/take-start.ts";
import { callerFrom } from "../../../core/client/caller-from.ts";
import { parseDeviceId } from "../../../core/ids.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { collectHeld } from "../action/collect.ts";
import { bearerOf } from "../client.ts";
import { refuse } from "../errors.ts";
import { windows } from "../lifetimes.ts";
import type { pollBody, startBody } from "../schema.ts";
import { challengeContext, pushCreated } from "../translate.ts";
import { beginPush, giveBackStart } from "./begin.ts";

/** §7.1: asks the action's user to approve on an enrolled device. The token fixes user and action. */
export async function startPush(c: Context<AppEnv>, body: z.output<typeof startBody>): Promise<Response> {
  const powers = services(c);
  const sender = await bearerOf(c);
  if (!sender.ok) return refuse(c, sender.error);
  const { client, token } = sender.value;
  if (body.action !== undefined && body.action !== token.code) {
    return refuse(c, { code: "malformed", detail: "action: not the tracked one" });
  }
  const only = body.userAuthenticatorId;
  const onlyDevice = only === undefined ? undefined : parseDeviceId(only);
  if (only !== undefined && onlyDevice === undefined) return refuse(c, { code: "unknown_device" });
  const { userId } = token;
  const caller = await callerFrom(powers, "secret", originOf(c).ip);
  const [found, user, devices, counted] = await Promise.all([
    powers.actions.find(token),
    powers.users.byId(userId, client.realm),
    powers.devices.ofUser(userId),
    tryStart(powers, client, caller, userId),
  ]);
  if (!found || !user) {
    giveBackStart(powers, counted);
    return refuse(c, { code: "bad_token", detail: "action" });
  }
  const action = { ...found, context: { ...found.context, name: token.name } };
  const { ip, userAgent, deviceId, custom } = action.context;
  const started = await beginPush(powers, {
    client,
    action,
    user,
    devices,
    counted,
    ...(onlyDevice === undefined ? {} : { onlyDevice }),
    context: challengeContext("push", { ...action, name: token.name, ip, userAgent, deviceId, custom }),
    origin: originOf(c),
    caller,
    ...windows(client, powers.clock.now(), token.expiresAt),
    announce: (snapshot) => pushCreated(powers, action, snapshot),
  });
  if (!started.ok) return refuse(c, started.error);
  const { snapshot, matchCode } = started.value;
  return c.json({
    challengeId: snapshot.spec.id,
    ...(await waitingWire(c, snapshot.spec.id)),
    ...(matchCode === undefined ? {} : { verificationCode: matchCode }),
  });
}

/** Where the result can be waited for, instead of polled, and what opens it (docs/waiting.md). */
export async function waitingWire(c: Context<AppEnv>, id: Parameters<typeof handleOf>[1]) {
  const { issuer } = services(c).config;
  return {
    wait_uri: `${issuer}/challenges/${id}/wait`,
    socket_uri: `${issuer.replace(/^http/, "ws")}/challenges/${id}/socket`,
    wait_handle: await handleOf(c, id),
  };
}

const handleOf = (c: Context<AppEnv>, id: Parameters<ReturnType<typeof services>["handles"]["mint"]>[0]) =>
  services(c).handles.mint(id, "wait");

/** §7.2: a challenge of another token's action, user or client is as if it did not exist. */
export async function pollPush(c: Context<AppEnv>, body: z.output<typeof pollBody>): Promise<Response> {
  const powers = services(c);
  const sender = await bearerOf(c);
  if (!sender.ok) return refuse(c, sender.error);
  const { client, token } = sender.value;
  const id = powers.challenges.parse(body.challengeId);
  const snapshot = id && (await powers.challenges.read(id));
  const isOwn =
    snapshot?.spec.door === "authsignal" &&
    snapshot.spec.clientId === client.id &&
    snapshot.spec.userId === token.userId &&
    snapshot.spec.context.method === "push" &&
    snapshot.spec.context.action === token.code &&
    snapshot.spec.context.idem === token.idempotencyKey;
  if (!snapshot || !isOwn) return refuse(c, { code: "unknown_challenge" });
  return c.json((await collectHeld(c, client, snapshot)).poll);
}
