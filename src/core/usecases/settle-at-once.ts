import type { VerifiedProof } from "../challenge/proof.ts";
import type { ChallengeSpec, Door, JsonObject, Origin, Purpose } from "../challenge/state.ts";
import { askerOf, type Client } from "../client/client.ts";
import type { ChallengeId } from "../ids.ts";
import type { Lane } from "../key/key.ts";
import type { Applied } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import type { Result } from "../result.ts";
import { MINUTE, type Millis } from "../time.ts";
import { redeemDraft } from "./redeem-challenge.ts";

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
  /** Draws an id, and says what the waiter of that challenge would prove. */
  readonly draw: () => Promise<{ readonly id: ChallengeId; readonly waiterProof: string }>;
  /** What tokens say about the user; absent when no grant is asked for. */
  readonly subject?: JsonObject;
};

type Powers = Pick<Services, "rooms" | "keyring" | "handles" | "chance" | "clock">;

const DRAWS = 4;

/**
 * A flow without a wait: the challenge is opened, approved and redeemed in one commit of its object (settled question 17).
 * Refuses what the machine refuses, such as a device that is younger than its request by the clocks of two places.
 */
export async function settleAtOnce(powers: Powers, asked: AtOnce): Promise<Result<Applied, Refusal>> {
  const draft = await redeemDraft(powers, asked.client, asked.lane, asked.subject);
  for (let draw = 0; draw < DRAWS; draw++) {
    const { id, waiterProof } = await asked.draw();
    const settled = await powers.rooms.openSettled(specOf(powers, asked, id), asked.proof, {
      waiterProof,
      draft,
    });
    if (settled.ok || settled.error.code !== "occupied") return settled;
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
    context: asked.context,
    origin: asked.origin,
    createdAt: now,
    expiresAt: now + MINUTE,
    redeemWindow: MINUTE,
    replayWindow: asked.replayWindow,
  };
}
