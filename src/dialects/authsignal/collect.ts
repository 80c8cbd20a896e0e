import type { Context } from "hono";
import { type Action, isOpen } from "../../core/action/action.ts";
import type { Json } from "../../core/challenge/state.ts";
import type { Client } from "../../core/client/client.ts";
import type { Snapshot } from "../../core/ports/rooms.ts";
import type { Services } from "../../core/ports/services.ts";
import { nameOf } from "../../core/usecases/find-named-user.ts";
import { redeemChallenge } from "../../core/usecases/redeem-challenge.ts";
import { outcomeOf, settleAction } from "../../core/usecases/settle-action.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import { withTokenLengths } from "./lifetimes.ts";
import { accessToken } from "./tokens.ts";

/** How a challenge stands for its waiter (§7.2). */
export type Poll = {
  readonly isVerified: boolean;
  readonly isConsumed: boolean;
  readonly accessToken?: string;
};

const WAITING: Poll = { isVerified: false, isConsumed: false };
const REFUSED: Poll = { isVerified: false, isConsumed: true };

const word = (value: Json | undefined): string => (typeof value === "string" ? value : "");

/** The action of a challenge: its row, or, for one that nobody tracked, what the row will be. */
export async function actionOf(
  powers: Pick<Services, "actions" | "users">,
  { spec, view }: Snapshot,
): Promise<Action | undefined> {
  const userId = view.approval?.userId ?? spec.userId;
  const code = word(spec.context.action);
  const idempotencyKey = word(spec.context.idem);
  if (spec.door !== "authsignal" || userId === undefined || code === "") return undefined;
  const key = { clientId: spec.clientId, userId, code, idempotencyKey };
  const row = await powers.actions.find(key);
  if (row) return row;
  const user = await powers.users.byId(userId);
  if (!user) return undefined;
  const at = spec.createdAt;
  const context = { name: nameOf(user) };
  return { ...key, state: "challenge_required", stateAt: at, createdAt: at, context };
}

/**
 * What a poll is told. The first one that finds the challenge decided settles its action; whoever proves the same gets the same
 * accessToken again until it expires (settled question 20). Asking while nothing was decided writes nothing.
 */
export async function collect(c: Context<AppEnv>, client: Client, snapshot: Snapshot): Promise<Poll> {
  const powers = services(c);
  const outcome = outcomeOf(snapshot);
  if (outcome === "open" || outcome === "over") return WAITING;
  const action = await actionOf(powers, snapshot);
  if (!action) return REFUSED;
  const settled = isOpen(action.state) ? await settleAction(powers, client, action, snapshot) : action;
  if (outcome === "failed" || settled.state !== "challenge_succeeded") return REFUSED;
  const { ip } = originOf(c);
  const redeemed = await redeemChallenge(powers, {
    snapshot,
    client: withTokenLengths(client),
    lane: "standard",
    waiterProof: await powers.handles.waiterProof(["authsignal", client.id, snapshot.spec.id]),
    subject: () => ({}),
    withGrant: false,
    ...(ip === undefined ? {} : { ip }),
  });
  if (!redeemed.ok)
    return redeemed.error.code === "redeemed" ? { isVerified: true, isConsumed: true } : REFUSED;
  return {
    isVerified: true,
    isConsumed: true,
    accessToken: await accessToken(powers, client, settled, redeemed.value.facts),
  };
}

const LONGEST_HOLD = 60;

/** Seconds that the caller would rather be held than told "not yet" (RFC 7240 §4.3); 0 when it does not say. */
export function preferredWait(c: Context): number {
  const asked = /(?:^|,)\s*wait\s*=\s*"?(\d{1,4})/i.exec(c.req.header("Prefer") ?? "")?.[1];
  return Math.min(Number(asked ?? 0), LONGEST_HOLD);
}

/** The challenge as it stands, after the wait that the caller prefers. */
export async function heldSnapshot(c: Context<AppEnv>, snapshot: Snapshot): Promise<Snapshot> {
  const powers = services(c);
  const seconds = preferredWait(c);
  if (seconds === 0 || outcomeOf(snapshot) !== "open") return snapshot;
  if (!(await powers.limits.wait(originOf(c).ip))) return snapshot;
  await powers.rooms.wait(snapshot.spec.id, seconds * 1_000);
  return (await powers.rooms.read(snapshot.spec.id)) ?? snapshot;
}
