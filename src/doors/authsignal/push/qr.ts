import type { Context } from "hono";
import type * as z from "zod";
import { withdrawChallenge } from "../../../core/challenge/cancel.ts";
import { startChallenge } from "../../../core/challenge/start.ts";
import { callerFrom } from "../../../core/client/caller-from.ts";
import type { Client } from "../../../core/client/client.ts";
import { actionRule, qrSeconds } from "../../../core/client/settings.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { SECOND } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { type Action, isOpen, keyOf, mayBegin } from "../action/action.ts";
import { collectHeld } from "../action/collect.ts";
import { type Sender, senderOf, tenantOf } from "../client.ts";
import { refuse } from "../errors.ts";
import { windows } from "../lifetimes.ts";
import type { qrPollBody, qrStartBody } from "../schema.ts";
import type { ActionToken } from "../tokens.ts";
import { challengeContext, iso } from "../translate.ts";
import { purposeOf } from "./begin.ts";
import { waitingWire } from "./push.ts";

type Asked = z.output<typeof qrStartBody>;
type About = Parameters<typeof challengeContext>[1];

/** The waiter's secret of a QR challenge: never in the code that is shown (§8.2). */
const DEVICE_CODE = "authsignal_device_code";

/**
 * Begins a challenge that whoever scans it first must claim: of the tracked action and its user when there is a token, else of the
 * one who will have claimed it (§8.2).
 */
export async function startQr(
  c: Context<AppEnv>,
  sender: Sender,
  asked: Asked,
): Promise<Result<Snapshot, Refusal>> {
  const powers = services(c);
  const { client, token } = sender;
  const origin = originOf(c);
  const now = powers.clock.now();
  if (token && token.expiresAt <= now) return no({ code: "token_expired" });
  if (!(await powers.limits.start(origin.ip)))
    return no({ code: "too_many", scope: "ip", retryAt: now + 60_000 });
  const about = await aboutOf(c, sender, asked);
  if (!about.ok) return about;
  const started = await startChallenge(powers, {
    door: "authsignal",
    client,
    caller: await callerFrom(powers, token ? "secret" : "nothing", origin.ip),
    ...(token ? { user: { id: token.userId, locked: false } } : {}),
    purpose: purposeOf(about.value.code),
    scope: "action",
    requiresClaim: true,
    matchCode: false,
    context: challengeContext("device", about.value),
    origin,
    ...windows(client, now, token?.expiresAt),
    claimWithin: qrSeconds(client.settings) * SECOND,
    draw: async () => powers.challenges.fresh(),
  });
  if (!started.ok) return started;
  const { snapshot } = started.value;
  if (!token || (await powers.actions.begin(keyOf(token), snapshot.spec.id, now))) return ok(snapshot);
  await withdrawChallenge(powers, snapshot, "start_refused");
  return no({ code: "not_allowed", detail: "the action takes no challenge" });
}

async function aboutOf(
  c: Context<AppEnv>,
  { client, token }: Sender,
  asked: Asked,
): Promise<Result<About, Refusal>> {
  const powers = services(c);
  if (!token) {
    const code = asked.action;
    if (code === undefined) return no({ code: "malformed", detail: "action" });
    if (!mayBegin(actionRule(client.settings, code))) {
      return no({ code: "not_allowed", detail: "the action takes no challenge" });
    }
    // Anybody may ask: the one who scans is shown no words but the client's own.
    const unlisted = actionRule(client.settings, code) === undefined;
    return ok({ code, idempotencyKey: powers.chance.uuid(), unlisted });
  }
  // The token fixes the action, whatever the page calls it: a socket has no words for a refusal, and its SDK would wait for ever.
  const action = await openAction(powers, client, token);
  if (!action.ok) return action;
  const { ip, userAgent, deviceId, custom } = action.value.context;
  return ok({ ...action.value, name: token.name, ip, userAgent, deviceId, custom });
}

/** The token's action, if a challenge may begin for it now and for its user. */
export async function openAction(
  powers: Pick<Services, "actions" | "users">,
  client: Client,
  token: ActionToken,
): Promise<Result<Action, Refusal>> {
  const [action, user] = await Promise.all([
    powers.actions.find(token),
    powers.users.byId(token.userId, client.realm),
  ]);
  if (!action || !user) return no({ code: "bad_token", detail: "action" });
  if (user.user.status === "locked") return no({ code: "user_locked" });
  if (!isOpen(action.state)) return no({ code: "not_allowed", detail: "the action takes no challenge" });
  return ok(action);
}

/** §8.2: the REST start. */
export async function qrStart(c: Context<AppEnv>, body: Asked): Promise<Response> {
  const sender = await senderOf(c);
  if (!sender.ok) return refuse(c, sender.error);
  const started = await startQr(c, sender.value, body);
  if (!started.ok) return refuse(c, started.error);
  const { id, claimBy, expiresAt } = started.value.spec;
  return c.json({
    challengeId: id,
    deviceCode: await services(c).handles.mint(id, DEVICE_CODE),
    expiresAt: iso(claimBy ?? expiresAt),
    ...(await waitingWire(c, id)),
  });
}

/** §8.2: the REST poll. A device code that is not this challenge's is refused before anything is woken (T49). */
export async function qrPoll(c: Context<AppEnv>, body: z.output<typeof qrPollBody>): Promise<Response> {
  const powers = services(c);
  const client = await tenantOf(c);
  if (!client.ok) return refuse(c, client.error);
  const id = await powers.handles.read(body.deviceCode, DEVICE_CODE);
  const own = id === body.challengeId ? powers.challenges.parse(body.challengeId) : undefined;
  const snapshot = own && (await powers.challenges.read(own));
  if (!snapshot || snapshot.spec.clientId !== client.value.id) return refuse(c, { code: "bad_handle" });
  const held = await collectHeld(c, client.value, snapshot);
  const isClaimed = held.snapshot.timeline.some(({ what }) => what === "claimed");
  return c.json({ isClaimed, ...held.poll });
}
