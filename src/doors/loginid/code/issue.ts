import type { Caller } from "../../../core/caller.ts";
import { cancelChallenge } from "../../../core/challenge/cancel.ts";
import type { VerifiedProof } from "../../../core/challenge/proof.ts";
import { startChallenge } from "../../../core/challenge/start.ts";
import {
  aboutForBackend,
  noteLimited,
  type TakenStart,
  tryStart,
} from "../../../core/challenge/take-start.ts";
import { isSettled } from "../../../core/challenge/view.ts";
import type { Client } from "../../../core/client/client.ts";
import { COLLECTABLE } from "../../../core/code/lifetimes.ts";
import type { ChallengeId, UserId } from "../../../core/ids.ts";
import type { NonceUse } from "../../../core/ports/clients.ts";
import type { UserCodeRow } from "../../../core/ports/records.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { NotActive } from "../../../core/ports/standing.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal, RefusalOf } from "../../../core/refusal.ts";
import { ok, type Result } from "../../../core/result.ts";
import { type Instant, SECOND } from "../../../core/time.ts";
import { type Preapproval, preapprovalEvent, preapprove } from "./preapprove.ts";
import { type CodeContext, drawCode, USER_CODE_LIFETIME, userCodeHash } from "./user-code.ts";

/** Live codes of one user, client, kind and purpose; one more ends that client's oldest (LoginID §4.2). */
export const LIVE_CODES = 5;
const DRAWS = 4;

export type CodeRequest = Omit<CodeContext, "userId"> & {
  readonly client: Client;
  readonly user: UserRecord;
  readonly nonce?: NonceUse;
  /** Approved from birth, by the client's word or by the proof that is given: nobody is asked. */
  readonly approved: boolean;
  readonly by?: VerifiedProof;
  readonly ip?: string | undefined;
};

const BACKEND: Caller = { brought: "secret" };

export type IssuedCode = {
  readonly code: string;
  readonly expiresAt: Instant;
  /** To be shown beside the code, when the client demands it; told once. */
  readonly matchCode?: string;
};

type Powers = Parameters<typeof startChallenge>[0] &
  Pick<Services, "userCodes" | "proofs" | "records" | "nonces">;

/** Counts the start of a code about this user, which comes first, so that `too_many` has written nothing. */
export const countCode = (
  powers: Pick<Services, "inboxes">,
  client: Client,
  userId: UserId,
): Promise<Result<TakenStart, RefusalOf<"too_many">>> =>
  tryStart(powers, client, BACKEND, aboutForBackend(userId));

/**
 * Gives out a code that a user carries, on a challenge of its own, once its start has been counted (`counted`). One that a replayed token
 * asked for is given back.
 */
export async function issueCode(
  powers: Powers,
  asked: CodeRequest,
  counted: Result<TakenStart, RefusalOf<"too_many">>,
): Promise<Result<IssuedCode, Refusal>> {
  if (!counted.ok) {
    noteLimited(powers, asked.client, counted.error, aboutForBackend(asked.user.user.id));
    return counted;
  }
  const issued = await issueCounted(powers, asked);
  if (!issued.ok) await counted.value.giveBack();
  return issued;
}

/**
 * Gives out a code whose start has been counted. The directory row and the nonce are one batch, written before anybody is asked, and the
 * row only while the user, the client and the device that asks for a code of its own stand. A sign-in stands in the user's inbox too;
 * an enrolment is the backend's alone to approve, because a device is shown no such prompt. The challenge names no place: the call comes
 * from a backend, not from the device that wants in.
 */
export async function issueCounted(powers: Powers, asked: CodeRequest): Promise<Result<IssuedCode, Refusal>> {
  const { client, kind, purpose, approved } = asked;
  const { user } = asked.user;
  const lifetime = USER_CODE_LIFETIME[kind];
  const expiresAt = powers.clock.now() + lifetime;
  const drawn = await claimCode(powers, asked, expiresAt);
  if (!drawn.ok) return drawn;
  const { code, challengeId, live } = drawn.value;
  const asksNobody = approved || purpose !== "sign_in";
  const started = await startChallenge(powers, {
    door: "loginid",
    client,
    caller: asked.by ? { brought: "device" } : BACKEND,
    user: { id: user.id, locked: false },
    purpose,
    scope: "access",
    requiresClaim: false,
    matchCode: !asksNobody && client.settings.match_code === "required",
    asksNobody,
    context: { code_type: kind },
    origin: {},
    lifetime,
    redeemWindow: purpose === "sign_in" ? Math.max(lifetime, COLLECTABLE) : lifetime,
    replayWindow: purpose === "sign_in" ? COLLECTABLE : 30 * SECOND,
    counted: true,
    draw: async () => challengeId,
  });
  if (!started.ok) return started;
  if (approved) {
    const given = await preapprove(powers, preapprovalOf(asked, challengeId));
    if (!given.ok) return given;
  }
  const own = live.filter(({ clientId }) => clientId === client.id);
  await endOldest(powers, own, user.id);
  const { matchCode } = started.value;
  return ok({ code, expiresAt, ...(matchCode === undefined ? {} : { matchCode }) });
}

type Claimed = {
  readonly code: string;
  readonly challengeId: ChallengeId;
  readonly live: readonly UserCodeRow[];
};

async function claimCode(
  powers: Powers,
  asked: CodeRequest,
  expiresAt: Instant,
): Promise<Result<Claimed, RefusalOf<"replayed"> | NotActive>> {
  const { client, kind, purpose, nonce } = asked;
  const userId = asked.user.user.id;
  const challengeId = powers.challenges.fresh();
  const signedBy = asked.by?.kind === "device" ? { signedBy: asked.by.deviceId } : {};
  for (let draw = 0; draw < DRAWS; draw++) {
    const code = drawCode(powers.chance, kind);
    const hash = await userCodeHash(powers, { userId, kind, purpose }, code);
    const row = { hash, kind, purpose, clientId: client.id, userId, challengeId, expiresAt };
    const first = draw === 0;
    const issued = await powers.userCodes.issue(row, powers.clock.now(), {
      ...signedBy,
      ...(first && nonce ? { nonce } : {}),
      ...(first && asked.approved ? { event: noteOf(powers, asked, challengeId) } : {}),
    });
    if (!issued.ok) return issued;
    if (issued.value.stands) return ok({ code, challengeId, live: issued.value.live });
  }
  throw new Error("every code that was drawn is taken");
}

const preapprovalOf = (asked: CodeRequest, challengeId: ChallengeId): Preapproval => ({
  challengeId,
  clientId: asked.client.id,
  user: asked.user.user,
  by: asked.by,
  ip: asked.ip,
});

const noteOf = (powers: Powers, asked: CodeRequest, challengeId: ChallengeId) =>
  preapprovalEvent(powers, {
    ...preapprovalOf(asked, challengeId),
    type: "code.preauthorized",
    data: { purpose: asked.purpose, code_type: asked.kind },
  });

/** Codes that have ended do not count, so an end is told apart from a life only when there are too many. */
async function endOldest(powers: Powers, live: readonly UserCodeRow[], userId: UserId): Promise<void> {
  if (live.length <= LIVE_CODES) return;
  const snapshots = await Promise.all(live.map(({ challengeId }) => powers.challenges.read(challengeId)));
  const standing = live.filter((_, index) => {
    const state = snapshots[index]?.view.state;
    return state !== undefined && (!isSettled(state) || state === "approved");
  });
  const tooMany = standing.slice(0, Math.max(0, standing.length - LIVE_CODES));
  for (const { challengeId } of tooMany) {
    await cancelChallenge(powers, { challengeId, userId, by: "system" });
  }
}

/** For a call that ends before its batch: the nonce is spent all the same, so that a token is good for one answer only. */
export async function spentFirst<Code extends Refusal["code"]>(
  powers: Pick<Services, "nonces">,
  nonce: NonceUse,
  refusal: RefusalOf<Code>,
): Promise<RefusalOf<Code> | RefusalOf<"replayed">> {
  return (await powers.nonces.spend(nonce)) ? refusal : { code: "replayed" };
}
