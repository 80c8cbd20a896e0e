import { OUT_OF_ATTEMPTS, withdrawChallenge } from "../../../core/challenge/cancel.ts";
import { nameOf as approverName } from "../../../core/challenge/proof.ts";
import type { Client } from "../../../core/client/client.ts";
import type { DoorEvent } from "../../../core/message/queue.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import { type Millis, SECOND } from "../../../core/time.ts";
import { isOver } from "../../../core/user/user.ts";
import { type Action, type ActionMethod, isOpen, keyOf } from "./action.ts";
import { endOtherWays } from "./end-other-ways.ts";
import { hears, tellActionWebhook } from "./webhook.ts";

type Powers = Pick<
  Services,
  | "challenges"
  | "inboxes"
  | "actions"
  | "devices"
  | "users"
  | "authenticators"
  | "actionWebhooks"
  | "handles"
  | "clock"
  | "log"
>;

/** Who cancels a challenge whose action the backend has settled itself. */
export const OVERRULED = "update_action";
const VETOED = "action_verify";
const DEVICE_REMOVED = "device_removed";
const ADDRESS_REMOVED = "address_removed";
const LOCKED = "user_locked";
/** Cancels that are somebody's no. */
const FAILURES: readonly string[] = [OUT_OF_ATTEMPTS, VETOED, DEVICE_REMOVED, ADDRESS_REMOVED, LOCKED];

/** What a challenge came to, for its action. */
export function outcomeOf({ view, timeline }: Snapshot): "open" | "met" | "failed" | "over" {
  switch (view.state) {
    case "pending":
    case "claimed":
      return "open";
    case "approved":
    case "redeemed":
      return "met";
    case "denied":
      return "failed";
    case "cancelled":
      return FAILURES.includes(timeline.at(-1)?.by ?? "") ? "failed" : "over";
    case "expired":
      return "over";
  }
}

/**
 * Brings an action to where its challenge has got: met or failed, once, whoever looks first and through whichever door the user
 * answered. A client that hears `action.verify` may veto: without its 2xx the challenge is taken back and the action fails.
 * What was approved by a device or address that was removed, or for a user who was locked, before anybody looked fails too (T11,
 * T25): of a device the statement that meets the action says so itself, so it is asked about only where that has not written.
 * Answers the action as it stands then; `action` may be one that no row is written for yet.
 */
export async function settleAction(
  powers: Powers,
  client: Client,
  action: Action,
  snapshot: Snapshot,
): Promise<Action> {
  if (!isOpen(action.state)) return action;
  const { id } = snapshot.spec;
  const now = powers.clock.now();
  switch (outcomeOf(snapshot)) {
    case "open":
    case "over":
      return action;
    case "failed":
      return await failed(powers, action, snapshot, now);
    case "met":
      break;
  }
  // The backend's later word stands: what was decided before it meets the action no more.
  if (isOlder(snapshot, action)) return action;
  const approver = snapshot.view.approval?.approver;
  const deviceId = approver?.kind === "device" ? approver.deviceId : undefined;
  // No statement asks for an address; and nobody's hook hears of an approval that does not stand.
  const asksFirst = deviceId === undefined || hears(client, "action.verify");
  const voided = asksFirst ? await voidedBy(powers, client, snapshot) : undefined;
  if (voided) return await failVoided(powers, action, snapshot, voided);
  const met = metBy(snapshot);
  if (hears(client, "action.verify")) {
    const event = await verifyEvent(powers, action, snapshot, met);
    const told = await tellActionWebhook(powers, client, event);
    if (told.kind !== "sent" && told.kind !== "skipped") {
      return await vetoed(powers, action, snapshot, now);
    }
  }
  const by = { deviceId, since: snapshot.spec.createdAt };
  const stood = await powers.actions.succeed(action, { challengeId: id, ...met, ...by }, now);
  if (!stood) {
    const row = (await powers.actions.find(keyOf(action))) ?? action;
    if (asksFirst || !isOpen(row.state)) return row;
    const fallen = await voidedBy(powers, client, snapshot);
    return fallen ? await failVoided(powers, row, snapshot, fallen) : row;
  }
  await endOtherWays(powers, action, snapshot);
  return { ...action, state: "challenge_succeeded", stateAt: now, challengeId: id, ...met };
}

async function failVoided(powers: Powers, action: Action, snapshot: Snapshot, by: string): Promise<Action> {
  await withdrawChallenge(powers, snapshot, by);
  return await failed(powers, action, snapshot, powers.clock.now());
}

/** Two places tell the times, so the decision must be older by more than their clocks differ. */
const CLOCKS_DIFFER: Millis = SECOND;

const isOlder = ({ view }: Snapshot, { stateAt }: Action): boolean =>
  view.approval !== undefined && view.approval.at + CLOCKS_DIFFER < stateAt;

/** What has taken the approval's ground away before anybody looked: the user's lock (T11), or the removal of what approved (T25). */
async function voidedBy(
  powers: Powers,
  client: Client,
  { view, spec }: Snapshot,
): Promise<string | undefined> {
  const { approval } = view;
  if (view.state !== "approved" || approval === undefined) return undefined;
  const { approver, userId } = approval;
  const [user, isGone] = await Promise.all([
    powers.users.byId(userId, client.realm),
    isApproverGone(powers, approval),
  ]);
  if (user && (user.user.status === "locked" || isOver(user.user, spec.createdAt))) return LOCKED;
  return isGone ? (approver.kind === "device" ? DEVICE_REMOVED : ADDRESS_REMOVED) : undefined;
}

type Approval = NonNullable<Snapshot["view"]["approval"]>;

async function isApproverGone(powers: Powers, { approver, userId }: Approval): Promise<boolean> {
  switch (approver.kind) {
    case "device":
      return (await powers.devices.byId(approver.deviceId))?.revokedAt !== undefined;
    case "code":
      return (await powers.authenticators.find(userId, approver.identifierId))?.verifiedAt === undefined;
    default:
      return false;
  }
}

/** The row judges between words that cross: what another call has let succeed meanwhile stays, and is not taken back. */
async function vetoed(powers: Powers, action: Action, snapshot: Snapshot, now: number): Promise<Action> {
  const after = await failed(powers, action, snapshot, now);
  const row = after.state === "challenge_failed" ? after : await powers.actions.find(keyOf(action));
  if (row?.state === "challenge_succeeded") return row;
  await withdrawChallenge(powers, snapshot, VETOED);
  return after;
}

async function failed(powers: Powers, action: Action, { spec }: Snapshot, now: number): Promise<Action> {
  if (action.state === "challenge_failed") return action;
  if (!(await powers.actions.fail(keyOf(action), spec.id, now))) return action;
  return { ...action, state: "challenge_failed", stateAt: now };
}

/** An action as it stands now: between the writes of its row, its current challenge knows (settled question 26). */
export async function currentAction(powers: Powers, client: Client, action: Action): Promise<Action> {
  if (!isOpen(action.state) || action.challengeId === undefined) return action;
  const snapshot = await powers.challenges.read(action.challengeId);
  return snapshot ? await settleAction(powers, client, action, snapshot) : action;
}

type Met = { readonly method: ActionMethod; readonly verifiedBy: string };

function metBy({ spec, view }: Snapshot): Met {
  const approver = view.approval?.approver;
  const name = approver === undefined ? "" : approverName(approver);
  const method = spec.context.method;
  return {
    method: typeof method === "string" ? (method as ActionMethod) : "push",
    verifiedBy: name.slice(name.indexOf(":") + 1),
  };
}

/** The same challenge makes the same event, however many callers find it approved at once. */
async function verifyEvent(powers: Powers, action: Action, { spec }: Snapshot, met: Met): Promise<DoorEvent> {
  const at = powers.clock.now();
  return {
    id: await powers.handles.digest(["action.verify", spec.id, String(spec.createdAt)]),
    type: "action.verify",
    at,
    data: {
      userId: action.context.name,
      action: action.code,
      idempotencyKey: action.idempotencyKey,
      verifiedAt: new Date(at).toISOString(),
      state: "CHALLENGE_SUCCEEDED",
      verificationMethod: METHOD_WORDS[met.method],
      userAuthenticatorId: met.verifiedBy,
    },
  };
}

/** Ways of meeting a challenge as this door's wire and webhooks name them (Authsignal §1). */
export const METHOD_WORDS: Readonly<Record<ActionMethod, string>> = {
  push: "PUSH",
  device: "DEVICE",
  email: "EMAIL_OTP",
  link: "EMAIL_MAGIC_LINK",
  sms: "SMS",
  whatsapp: "WHATSAPP",
};
