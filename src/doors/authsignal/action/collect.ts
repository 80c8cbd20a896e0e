import type { Context } from "hono";
import type { RedeemOrder } from "../../../core/challenge/command.ts";
import {
  redeemChallenge,
  standingOrder,
  stillStanding,
  takeRedeemed,
} from "../../../core/challenge/redeem.ts";
import type { Json } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import type { ChallengeId } from "../../../core/ids.ts";
import type { Applied, Redeemed, Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { SECOND } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { withTokenLengths } from "../lifetimes.ts";
import { type ActionToken, accessToken } from "../tokens.ts";
import { nameOf } from "../user/find.ts";
import { type Action, type ActionKey, isOpen } from "./action.ts";
import { MET_OTHERWISE } from "./end-other-ways.ts";
import { OVERRULED, outcomeOf, settleAction } from "./settle.ts";
import { hears } from "./webhook.ts";

/** How a challenge stands for its waiter (§7.2). */
export type Poll = {
  readonly isVerified: boolean;
  readonly isConsumed: boolean;
  readonly accessToken?: string;
};

const WAITING: Poll = { isVerified: false, isConsumed: false };
const REFUSED: Poll = { isVerified: false, isConsumed: true };

/** Who cancels a challenge whose action needs no answer any more: its waiter is told. */
const DECIDED_ELSEWHERE: ReadonlySet<string | undefined> = new Set([OVERRULED, MET_OTHERWISE]);

const word = (value: Json | undefined): string => (typeof value === "string" ? value : "");

function keyIn({ spec, view }: Snapshot): ActionKey | undefined {
  const userId = view.approval?.userId ?? spec.userId;
  const code = word(spec.context.action);
  if (spec.door !== "authsignal" || userId === undefined || code === "") return undefined;
  return { clientId: spec.clientId, userId, code, idempotencyKey: word(spec.context.idem) };
}

/** What the row of a challenge's action will be, or was before the challenge was met. */
async function actionIn(
  powers: Pick<Services, "users">,
  client: Client,
  snapshot: Snapshot,
  known?: UserRecord,
): Promise<Action | undefined> {
  const key = keyIn(snapshot);
  const { context, createdAt } = snapshot.spec;
  const told = word(context.name);
  const isKnown = known !== undefined && known.user.id === key?.userId;
  const user = isKnown || told !== "" ? known : key && (await powers.users.byId(key.userId, client.realm));
  const name = told === "" && user ? nameOf(client, user) : told;
  if (!key || name === "") return undefined;
  return { ...key, state: "challenge_required", stateAt: createdAt, createdAt, context: { name } };
}

/** The action of an accessToken that was given out sooner than its row was written. */
export async function untrackedAction(
  powers: Pick<Services, "challenges" | "users">,
  client: Client,
  token: ActionToken,
): Promise<Action | undefined> {
  const id = token.challengeId === undefined ? undefined : powers.challenges.parse(token.challengeId);
  const snapshot = id && (await powers.challenges.read(id));
  const key = snapshot && keyIn(snapshot);
  if (!key || !isSameKey(key, token)) return undefined;
  const action = await actionIn(powers, client, snapshot);
  return action && { ...action, challengeId: id };
}

const isSameKey = (one: ActionKey, other: ActionKey): boolean =>
  one.clientId === other.clientId &&
  one.userId === other.userId &&
  one.code === other.code &&
  one.idempotencyKey === other.idempotencyKey;

/** The action of a challenge: its row, or, for one that nobody tracked, what the row will be. */
export async function actionOf(
  powers: Pick<Services, "actions" | "users">,
  client: Client,
  snapshot: Snapshot,
): Promise<Action | undefined> {
  const key = keyIn(snapshot);
  const row = key && (await powers.actions.find(key));
  if (row) return row;
  const user = key && (await powers.users.byId(key.userId, client.realm));
  return user && (await actionIn(powers, client, snapshot, user));
}

/**
 * What a poll is told. The first one that finds the challenge decided settles its action; whoever proves the same gets the same
 * accessToken again until it expires (settled question 20). Asking while nothing was decided writes nothing.
 */
export async function collect(c: Context<AppEnv>, client: Client, snapshot: Snapshot): Promise<Poll> {
  const powers = services(c);
  const outcome = outcomeOf(snapshot);
  if (outcome === "open") return WAITING;
  if (outcome === "over") return DECIDED_ELSEWHERE.has(snapshot.timeline.at(-1)?.by) ? REFUSED : WAITING;
  const [action, stands] = await Promise.all([
    actionOf(powers, client, snapshot),
    outcome === "met" ? stillStanding(powers, { snapshot, client }) : undefined,
  ]);
  if (!action) return REFUSED;
  const settled = isOpen(action.state) ? await settleAction(powers, client, action, snapshot) : action;
  // A hook may have taken its time over the veto.
  const isFresh = settled === action || !hears(client, "action.verify");
  if (outcome === "failed" || settled.state !== "challenge_succeeded") return REFUSED;
  const { ip } = originOf(c);
  const redeemed = await redeemChallenge(powers, {
    snapshot,
    client: withTokenLengths(client),
    lane: "standard",
    waiterProof: await proofOf(powers, client, snapshot.spec.id),
    subject: () => ({}),
    withGrant: false,
    ...(ip === undefined ? {} : { ip }),
    ...(stands && isFresh ? { stands } : {}),
  });
  if (!redeemed.ok)
    return redeemed.error.code === "redeemed" ? { isVerified: true, isConsumed: true } : REFUSED;
  return {
    isVerified: true,
    isConsumed: true,
    accessToken: await tokenOf(powers, client, settled, redeemed.value),
  };
}

const proofOf = (powers: Pick<Services, "handles">, client: Client, id: ChallengeId): Promise<string> =>
  powers.handles.waiterProof(["authsignal", client.id, id]);

/** The same one for whoever proves the same, by whatever way the challenge was redeemed. */
const tokenOf = (
  powers: Pick<Services, "keyring" | "config">,
  client: Client,
  action: Action,
  { facts, snapshot: { spec } }: Redeemed,
): Promise<string> => {
  const name = word(spec.context.name) || action.context.name;
  return accessToken(powers, client, { ...action, context: { name } }, facts, spec.id);
};

/**
 * What a waiter leaves with its wait, so that the approval redeems in the same commit and nothing is left to ask for. None where
 * the client's `action.verify` has a say between the two.
 */
export async function orderOf(
  c: Context<AppEnv>,
  client: Client,
  id: ChallengeId,
): Promise<RedeemOrder | undefined> {
  if (hears(client, "action.verify")) return undefined;
  const powers = services(c);
  const { ip } = originOf(c);
  return await standingOrder(powers, {
    client: withTokenLengths(client),
    lane: "standard",
    waiterProof: await proofOf(powers, client, id),
    ...(ip === undefined ? {} : { ip }),
  });
}

/**
 * What a waiter is told whose order was carried out. The action's row is brought along behind the answer: until then its challenge
 * knows (settled question 26).
 */
export async function collectRedeemed(
  c: Context<AppEnv>,
  client: Client,
  applied: Applied,
  claimant?: UserRecord,
): Promise<Poll> {
  const powers = services(c);
  const action = await actionIn(powers, client, applied, claimant);
  if (!action) return REFUSED;
  const taken = await takeRedeemed(powers, applied);
  if (!taken.ok) return REFUSED;
  const accessToken = await tokenOf(powers, client, action, taken.value);
  powers.background(() => bringAlong(powers, client, applied));
  return { isVerified: true, isConsumed: true, accessToken };
}

/** Writes what a challenge came to into the row of its action, unless somebody has; answers the action as it stands then. */
export async function bringAlong(
  powers: Services,
  client: Client,
  snapshot: Snapshot,
): Promise<Action | undefined> {
  const action = await actionOf(powers, client, snapshot);
  return action && (await settleAction(powers, client, action, snapshot));
}

const LONGEST_HOLD = 60;

/** Seconds that the caller would rather be held than told "not yet" (RFC 7240 §4.3); 0 when it does not say. */
export function preferredWait(c: Context): number {
  const asked = /(?:^|,)\s*wait\s*=\s*"?(\d{1,4})/i.exec(c.req.header("Prefer") ?? "")?.[1];
  return Math.min(Number(asked ?? 0), LONGEST_HOLD);
}

/** What a poll is told, after the wait that the caller prefers; `snapshot` is how the challenge stands then. */
export async function collectHeld(
  c: Context<AppEnv>,
  client: Client,
  snapshot: Snapshot,
): Promise<{ readonly poll: Poll; readonly snapshot: Snapshot }> {
  const powers = services(c);
  const { id } = snapshot.spec;
  const seconds = preferredWait(c);
  const mayHold = seconds > 0 && outcomeOf(snapshot) === "open" && (await powers.limits.wait(originOf(c).ip));
  if (!mayHold) return { poll: await collect(c, client, snapshot), snapshot };
  const order = await orderOf(c, client, id);
  const held = await powers.challenges.wait(id, seconds * SECOND, {
    ...(order ? { order } : {}),
    gone: c.req.raw.signal,
  });
  const { redeemed } = held ?? {};
  if (redeemed) return { poll: await collectRedeemed(c, client, redeemed), snapshot: redeemed };
  const now = (await powers.challenges.read(id)) ?? snapshot;
  return { poll: await collect(c, client, now), snapshot: now };
}
