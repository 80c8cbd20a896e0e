import type { Caller } from "../../../core/caller.ts";
import { admits } from "../../../core/challenge/approvers.ts";
import { withdrawChallenge } from "../../../core/challenge/cancel.ts";
import { type Started, startChallenge } from "../../../core/challenge/start.ts";
import type { JsonObject, Origin } from "../../../core/challenge/state.ts";
import { noteLimited, type TakenStart } from "../../../core/challenge/take-start.ts";
import { askerOf, type Client } from "../../../core/client/client.ts";
import type { Device } from "../../../core/device/device.ts";
import type { DeviceId } from "../../../core/ids.ts";
import type { DoorEvent } from "../../../core/message/queue.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal, RefusalOf } from "../../../core/refusal.ts";
import { no, type Result } from "../../../core/result.ts";
import { MINUTE, type Millis } from "../../../core/time.ts";
import { type Action, isOpen, keyOf } from "../action/action.ts";
import { tellActionWebhook } from "../action/webhook.ts";
import { pushDevices } from "../enrolment/enrolled.ts";

export type BeginPush = {
  readonly client: Client;
  readonly action: Action;
  readonly user: UserRecord;
  /** Their live devices. */
  readonly devices: readonly Device[];
  /** The start as it was counted, while what it is about was looked up. */
  readonly counted: Result<TakenStart, RefusalOf<"too_many">>;
  /** The one device that may answer, when the app chose it. */
  readonly onlyDevice?: DeviceId;
  readonly context: JsonObject;
  readonly origin: Origin;
  readonly caller: Caller;
  readonly lifetime: Millis;
  readonly redeemWindow: Millis;
  readonly replayWindow: Millis;
  /** What the client's webhook is told before the challenge counts as begun. */
  readonly announce: (snapshot: Snapshot) => DoorEvent;
};

export type BeginPowers = Pick<Services, "challenges" | "actions" | "clock"> &
  Parameters<typeof startChallenge>[0] &
  Parameters<typeof withdrawChallenge>[0] &
  Parameters<typeof tellActionWebhook>[0];

/** The service's own purposes, which a client's word must not pass for. */
const OWN_PURPOSES: ReadonlySet<string> = new Set(["enrol_device", "verify_identifier"]);

/** An action's code as the purpose of its challenge. */
export const purposeOf = (code: string): string => (OWN_PURPOSES.has(code) ? "action" : code);

/** Why this user is not asked at all; undefined when they are. */
function unfit({ client, action, user, devices, onlyDevice }: BeginPush): Refusal | undefined {
  if (!isOpen(action.state)) return { code: "not_allowed", detail: "the action takes no challenge" };
  if (user.user.status === "locked") return { code: "user_locked" };
  const able = pushDevices(devices).filter((device) => admits(askerOf(client), device));
  return able.some(({ id }) => onlyDevice === undefined || id === onlyDevice)
    ? undefined
    : { code: "not_allowed", detail: "the user has no such device to answer with" };
}

/**
 * Asks the user to answer for an action on an enrolled device. Refused: a closed action, a locked user, nobody who could
 * answer, too many prompts (`too_many`: what nobody will see is not begun), a webhook that did not take the event
 * (`webhook_failed`). Whatever is refused leaves nothing pending; what is refused before anything was begun is no start either.
 */
export async function beginPush(powers: BeginPowers, asked: BeginPush): Promise<Result<Started, Refusal>> {
  const { client, user, action, counted, onlyDevice } = asked;
  const refused = unfit(asked);
  if (refused) {
    giveBackStart(powers, counted);
    return no(refused);
  }
  if (!counted.ok) {
    noteLimited(powers, client, counted.error, user.user.id);
    return counted;
  }
  const started = await startChallenge(powers, {
    door: "authsignal",
    client,
    caller: asked.caller,
    user: { id: user.user.id, locked: false },
    purpose: purposeOf(action.code),
    scope: "action",
    requiresClaim: false,
    matchCode: client.settings.match_code === "required",
    context: asked.context,
    origin: asked.origin,
    lifetime: asked.lifetime,
    redeemWindow: asked.redeemWindow,
    replayWindow: asked.replayWindow,
    counted: true,
    draw: async () => powers.challenges.fresh(),
    ...(onlyDevice === undefined ? {} : { onlyDevice }),
  });
  if (!started.ok) return started;
  const refusal = await completeStart(powers, asked, started.value);
  if (!refusal) return started;
  await withdrawChallenge(powers, started.value.snapshot, "start_refused");
  return no(refusal);
}

/** Gives a start back behind the answer: nothing was begun. */
export function giveBackStart(
  { background }: Pick<Services, "background">,
  counted: Result<TakenStart, unknown>,
): void {
  if (counted.ok) background(() => counted.value.giveBack());
}

/** What a challenge must still pass to count as begun; the refusal when it does not. */
async function completeStart(
  powers: BeginPowers,
  asked: BeginPush,
  { snapshot, prompt }: Started,
): Promise<Refusal | undefined> {
  const now = powers.clock.now();
  if (prompt?.outcome !== "listed") {
    return { code: "too_many", scope: "person", retryAt: prompt?.retryAt ?? now + MINUTE };
  }
  if (!(await powers.actions.begin(keyOf(asked.action), snapshot.spec.id, now))) {
    return { code: "not_allowed", detail: "the action takes no challenge" };
  }
  const told = await tellActionWebhook(powers, asked.client, asked.announce(snapshot));
  const isOptional = asked.client.settings.push_webhook === "optional";
  return told.kind === "sent" || told.kind === "skipped" || isOptional
    ? undefined
    : { code: "webhook_failed", detail: told.reason };
}
