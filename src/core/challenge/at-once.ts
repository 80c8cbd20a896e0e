import { askerOf, type Client } from "../client/client.ts";
import { type ChallengeId, userSubject } from "../ids.ts";
import type { Lane } from "../keys/key.ts";
import type { Applied, Redeemed, Snapshot } from "../ports/challenges.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { MINUTE, type Millis } from "../time.ts";
import type { VerifiedProof } from "./proof.ts";
import { finishedEvent, grantListing, recordFinish } from "./record.ts";
import { redeemDraft } from "./redeem.ts";
import type { ChallengeSpec, Door, JsonObject, Origin, Purpose } from "./state.ts";

export type AtOnce = {
  readonly door: Door;
  readonly client: Client;
  readonly purpose: Purpose;
  readonly scope: string;
  readonly context: JsonObject;
  readonly origin: Origin;
  readonly proof: VerifiedProof;
  readonly lane: Extract<Lane, "standard" | "cotter">;
  readonly replayWindow: Millis;
  /**
   * The second that the device signed by its own clock. The identical request again is then answered as at first for a while, and `draw`
   * must draw by the signing input: the same id for the same turn.
   */
  readonly signedSecond?: number;
  /** Whether the id is the call's own: one that holds a challenge is refused (`occupied`), and no other is drawn. */
  readonly isNamed?: boolean;
  /** Draws an id, and says what the waiter of that challenge would prove. */
  readonly draw: (turn: number) => Promise<{ readonly id: ChallengeId; readonly waiterProof: string }>;
  /** What tokens say about the user; absent when no grant is asked for. */
  readonly subject?: JsonObject;
};

type Powers = Pick<Services, "challenges" | "keyring" | "handles" | "chance" | "clock">;

const DRAWS = 4;

/** Spends the signing input, before anything comes of it; false where it was used, unless this very request may still be repeated. */
export async function spendInput(
  powers: Pick<Services, "inboxes" | "chance">,
  { proof, signedSecond, draw }: AtOnce,
): Promise<boolean> {
  const use = signedSecond === undefined ? powers.chance.uuid() : (await draw(0)).id;
  const how = { second: signedSecond, byDevice: proof.kind === "device" };
  return await powers.inboxes.spend(userSubject(proof.userId), proof.digest, use, how);
}

/** What an earlier call of this very request has settled. */
export async function redeemedBefore(
  powers: Pick<Services, "challenges">,
  asked: AtOnce,
): Promise<Applied | undefined> {
  for (let turn = 0; turn < DRAWS; turn++) {
    const { id } = await asked.draw(turn);
    const found = await powers.challenges.read(id);
    if (found && isOf(asked, found)) return { ...found, changed: false };
    if (!found) return undefined;
  }
  return undefined;
}

const isOf = ({ signedSecond, proof }: AtOnce, { spec, facts }: Snapshot): boolean =>
  signedSecond !== undefined && spec.request === proof.digest && facts !== undefined;

/**
 * A flow without a wait: the challenge is opened, approved and redeemed in one commit of its object (settled question 17). A repetition of
 * a request finds what the first call has settled: `changed` is false then. Refuses what the machine refuses, such as a device that is
 * younger than its request by the clocks of two places.
 */
export async function redeemAtOnce(powers: Powers, asked: AtOnce): Promise<Result<Applied, Refusal>> {
  const draft = await redeemDraft(
    powers,
    asked.client,
    asked.lane,
    asked.subject && { subject: asked.subject },
  );
  for (let turn = 0; turn < DRAWS; turn++) {
    const { id, waiterProof } = await asked.draw(turn);
    const settled = await powers.challenges.openSettled(specOf(powers, asked, id), asked.proof, {
      waiterProof,
      draft,
    });
    if (settled.ok || settled.error.code !== "occupied" || asked.isNamed) return settled;
    if (asked.signedSecond === undefined) continue;
    const found = await powers.challenges.read(id);
    if (found && isOf(asked, found)) return ok({ ...found, changed: false });
  }
  throw new Error("every id that was drawn is occupied");
}

function specOf(powers: Powers, asked: AtOnce, id: ChallengeId): ChallengeSpec {
  const now = powers.clock.now();
  return {
    id,
    door: asked.door,
    ...askerOf(asked.client),
    purpose: asked.purpose,
    userId: asked.proof.userId,
    scope: asked.scope,
    requiresClaim: false,
    nonce: powers.chance.text(16),
    ...(asked.signedSecond === undefined ? {} : { request: asked.proof.digest }),
    context: asked.context,
    origin: asked.origin,
    createdAt: now,
    expiresAt: now + MINUTE,
    redeemWindow: MINUTE,
    replayWindow: asked.replayWindow,
  };
}

type SignInPowers = Pick<
  Services,
  "challenges" | "inboxes" | "records" | "keyring" | "handles" | "chance" | "clock" | "background" | "log"
>;

/**
 * A trusted device signs itself in. Its signing input is spent first, so the same signature never signs in twice, here or as the
 * answer to a prompt (Cotter §10.6); but not before its tokens can be signed. Where the request may be repeated, the repetition gets the
 * same facts and grant, as long as everybody stands. Refused when the user was locked, the device removed or
 * the client disabled before it is on record.
 */
export async function signInAtOnce(powers: SignInPowers, asked: AtOnce): Promise<Result<Redeemed, Refusal>> {
  const { proof } = asked;
  await powers.keyring.ready(asked.lane);
  if (!(await spendInput(powers, asked))) return no({ code: "replayed" });
  const result = await redeemAtOnce(powers, asked);
  if (!result.ok) return result;
  const settled = result.value;
  const { facts, grant, view } = settled;
  if (!facts) throw new Error("a redeemed challenge has facts");
  // A repetition, and the session has been ended meanwhile.
  if (grant?.ended) return no({ code: "replayed" });
  const { userId } = proof;
  const deviceId = proof.kind === "device" ? proof.deviceId : undefined;
  const standing = { userId, clientId: asked.client.id, deviceId, since: settled.spec.createdAt };
  const listing = grant && grantListing(grant);
  const recorded = await recordFinish(powers, view.id, finishedEvent(settled), listing, standing);
  if (!recorded.ok) return recorded;
  return ok({ facts, snapshot: settled, ...(grant ? { grant } : {}) });
}
