import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import type { RedeemOrder } from "../../../core/challenge/command.ts";
import { deviceBehind } from "../../../core/challenge/proof.ts";
import { noteListed } from "../../../core/challenge/record.ts";
import { redeemChallenge, standingOrder, takeRedeemed } from "../../../core/challenge/redeem.ts";
import type { PhaseName } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import { codeSubject } from "../../../core/code/subject.ts";
import type { Device } from "../../../core/device/device.ts";
import { NOBODY, type Realm, userSubject } from "../../../core/ids.ts";
import type { Guesser } from "../../../core/inbox/state.ts";
import type { Redeemed, Snapshot } from "../../../core/ports/challenges.ts";
import type { NonceUse } from "../../../core/ports/clients.ts";
import type { FoundRow } from "../../../core/ports/records.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { Millis } from "../../../core/time.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import { isOver } from "../../../core/user/user.ts";
import {
  type CodeKind,
  endOf,
  guessOf,
  isCounted,
  lookAt,
  type PresentedCode,
  presentCode,
} from "./user-code.ts";

export type CodeWait = {
  readonly client: Client;
  readonly user: UserRecord;
  readonly kind: CodeKind;
  readonly code: string;
  readonly guesser: Guesser;
  /** How long the answer may be held; 0 asks how it stands. */
  readonly timeout: Millis;
  readonly nonce?: NonceUse;
  /** What the waiter calls the session that it asks for; kept with the redemption. */
  readonly sessionName?: string | undefined;
  /** Fires when the waiter has hung up. */
  readonly gone?: AbortSignal;
  readonly ip?: string | undefined;
};

/** Still pending at the time-out, pending while nothing was held, or another waiter took the place. */
export type Unsettled = { readonly still: "timed_out" | "pending" | "crowded" };

/** `owned` are the user's devices as they were when the code was looked up: the answer then reads nothing. */
export type Awaited = Redeemed & { readonly owned?: readonly Device[] };

type Holder = NonNullable<FoundRow["holder"]>;
type Powers = Parameters<typeof presentCode>[0] & Parameters<typeof redeemChallenge>[0];

/**
 * Waits on a code for its decision and takes the result: waiting and redeeming are one call here. The newest waiter of a code
 * stays, the result is given out once, and the identical request gets the same again for as long as a result may be collected. What was
 * typed wrong before is forgiven with the redemption, and never for a look at a right code or at a result once more.
 * One that is approved already is looked at and redeemed in one step of its object, right behind the batch that has seen its user.
 */
export async function awaitCode(
  powers: Powers,
  asked: CodeWait,
): Promise<Result<Awaited | Unsettled, Refusal>> {
  const { user, kind, code, guesser, ip } = asked;
  const presented = await presentCode(powers, {
    client: asked.client,
    user,
    userId: user.user.id,
    kind,
    purpose: "sign_in",
    code,
    guesser,
    ...(asked.nonce ? { nonce: asked.nonce } : {}),
    ip,
  });
  if (!presented.ok) return presented;
  const { others } = presented.value;
  const waited = await take(powers, asked, presented.value);
  if (others && waited.ok && !("still" in waited.value) && !waited.value.again) {
    powers.background(() => powers.inboxes.forgiveGuesses(userSubject(user.user.id), guesser));
  }
  return waited;
}

async function take(
  powers: Powers,
  asked: CodeWait,
  presented: PresentedCode,
): Promise<Result<Awaited | Unsettled, Refusal>> {
  const { row, holder, giveBack } = presented;
  const order = await standingOrder(powers, await redemptionOf(powers, asked));
  // Past its end a code is good for a result only, and its challenge says for how long.
  if (!holder || holder.user.status === "locked" || powers.clock.now() >= row.expiresAt) {
    const found = await lookAt(powers, presented);
    if (!found.ok) return found;
    if (holder?.user.status === "locked") return no({ code: "user_locked" });
    return await waitOn(powers, asked, found.value.snapshot, order, holder);
  }
  const [collected] = await Promise.all([powers.challenges.collect(row.challengeId, order), giveBack()]);
  if (!collected) return no({ code: "expired" });
  const { snapshot, redeemed } = collected;
  if (!redeemed) {
    const ended = endOf(snapshot, row, powers.clock.now());
    return ended ? no({ code: ended }) : await waitOn(powers, asked, snapshot, order, holder);
  }
  if (!redeemed.ok) return used(redeemed);
  const { devices: owned } = holder;
  const fallen = fallenOf(holder, redeemed.value);
  if (fallen) {
    // It tells nobody anything, so there is nothing to put on record either.
    noteListed(powers, row.challengeId);
    return no(fallen);
  }
  const taken = await takeRedeemed(powers, redeemed.value);
  return taken.ok ? ok({ ...taken.value, owned }) : taken;
}

/** What `redeemChallenge` asks before, of the user as the code's own batch saw them: signed out since (T11), or without the device (T25). */
function fallenOf({ user, devices }: Holder, { spec, view }: Snapshot): Refusal | undefined {
  if (isOver(user, spec.createdAt)) return { code: "cancelled" };
  const approver = view.approval?.approver;
  const deviceId = approver && deviceBehind(approver);
  const isGone = deviceId !== undefined && !devices.some(({ id }) => id === deviceId);
  return isGone ? { code: "device_revoked" } : undefined;
}

/** Past the replay window, or another's: the code is used. */
const used = <Value>(redeemed: Result<Value, Refusal>): Result<Value, Refusal> =>
  !redeemed.ok && redeemed.error.code === "redeemed" ? no({ code: "unknown_challenge" }) : redeemed;

/** Waits while it is pending, and takes what came of it. */
async function waitOn(
  powers: Powers,
  asked: CodeWait,
  snapshot: Snapshot,
  order: RedeemOrder,
  holder: Holder | undefined,
): Promise<Result<Awaited | Unsettled, Refusal>> {
  const { id } = snapshot.spec;
  const owned = holder ? { owned: holder.devices } : {};
  if (snapshot.view.state !== "pending") return collect(powers, asked, snapshot, snapshot.view.state);
  if (asked.timeout === 0) return ok({ still: "pending" });
  const held = await powers.challenges.wait(id, asked.timeout, {
    alone: true,
    order,
    ...(asked.gone ? { gone: asked.gone } : {}),
  });
  if (held?.redeemed) {
    const taken = await takeRedeemed(powers, held.redeemed);
    return taken.ok ? ok({ ...taken.value, ...owned }) : taken;
  }
  if (held?.state === "pending") return ok({ still: held.crowded ? "crowded" : "timed_out" });
  const settled = await powers.challenges.read(id);
  if (!settled || held === undefined) return no({ code: "expired" });
  return collect(powers, asked, settled, settled.view.state);
}

async function collect(
  powers: Powers,
  asked: CodeWait,
  snapshot: Snapshot,
  state: PhaseName,
): Promise<Result<Redeemed, Refusal>> {
  if (state === "cancelled") return no(await whyCancelled(powers, asked, snapshot));
  if (state === "denied" || state === "expired") return no({ code: state });
  const redeemed = await redeemChallenge(powers, {
    ...(await redemptionOf(powers, asked)),
    snapshot,
    subject: () => ({}),
    withGrant: false,
  });
  return used(redeemed);
}

/** The identical request proves the same, so that it gets the same again. */
async function redemptionOf(powers: Pick<Services, "handles">, asked: CodeWait) {
  const { client, user, kind, code, sessionName, ip } = asked;
  return {
    client,
    lane: "standard",
    waiterProof: await powers.handles.waiterProof(["carried", client.id, user.user.id, kind, code]),
    ...(sessionName === undefined ? {} : { sessionName }),
    ...(ip === undefined ? {} : { ip }),
  } as const;
}

/** Codes end with the user's lock or deletion too, and the waiter is told which it was. */
async function whyCancelled(
  powers: Pick<Services, "users">,
  asked: CodeWait,
  { timeline }: Snapshot,
): Promise<Refusal> {
  // A deletion locks before it removes: until the row is gone only the challenge knows which it is.
  if (timeline.some(({ what, by }) => what === "cancelled" && by === "user_deleted"))
    return { code: "unknown_user" };
  const now = await powers.users.byId(asked.user.user.id, asked.client.realm);
  if (!now) return { code: "unknown_user" };
  return { code: now.user.status === "locked" ? "user_locked" : "cancelled" };
}

/**
 * What a wait for nobody's name does: the same steps on a counter of the name, so that a stranger cannot tell an unknown user from
 * a wrong code (LoginID §9.2).
 */
export async function awaitNobody(
  powers: Pick<Services, "inboxes" | "handles" | "userCodes" | "clock" | "events" | "background" | "log">,
  asked: {
    readonly realm: Realm;
    readonly identifier: ReadIdentifier;
    readonly kind: CodeKind;
    readonly code: string;
    readonly guesser: Guesser;
    readonly nonce?: NonceUse;
  },
): Promise<Refusal> {
  const { realm, identifier, kind, code, guesser, nonce } = asked;
  const hash = await powers.handles.pepper(["carried_code", "nobody"], code);
  const guess = isCounted(kind) ? guessOf(guesser, hash) : undefined;
  const who = await codeSubject(powers, realm, identifier);
  const taken = guess && (await powers.inboxes.takeGuess(who, guess));
  if (taken && !taken.allowed) return { code: "code_locked", until: taken.until };
  const found = await powers.userCodes.lookUpOf(NOBODY, hash, nonce);
  if (!found.ok) {
    if (guess && taken?.fresh) await powers.inboxes.returnGuess(who, guess);
    return found.error;
  }
  if (guess) await powers.userCodes.lookUp(await powers.handles.pepper(["carried_code", "no purpose"], code));
  noteRefusal(powers, { type: "code_refused", subject: who, reason: "waiter: a code for nobody" });
  return { code: "unknown_challenge" };
}
