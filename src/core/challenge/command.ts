import type { ClientId, DeviceId, GrantId, Realm, UserId } from "../ids.ts";
import type { Instant, Millis } from "../time.ts";
import type { VerifiedProof } from "./proof.ts";
import type { Sealed } from "./signed.ts";
import type { JsonObject } from "./state.ts";

/** What the winner of a redemption would fix; the object adds its own clock. Lengths are seconds. */
export type RedeemDraft = {
  readonly jti: string;
  readonly idJti: string;
  readonly kid: string;
  readonly accessSeconds: number;
  readonly idSeconds: number;
  /** Present when the redemption opens a grant. */
  readonly grant?: GrantDraft;
};

/** How a grant begins. */
export type GrantDraft = {
  readonly salt: string;
  readonly keyVersion: number;
  readonly lifetime: Millis;
  /** What tokens of this grant say about the user: opaque to the machine, written by the door. Missing: what the start said. */
  readonly subject?: JsonObject;
  /** DPoP key thumbprint, when the grant is bound to one. */
  readonly jkt?: string;
};

/** What a redemption says. Left with a wait it is a standing order: carried out in the turn that approves. */
export type RedeemOrder = {
  /** Digest of everything the waiter proves. */
  readonly waiterProof: string;
  readonly draft: RedeemDraft;
  /** Who polls: a challenge of another client is only looked at, unless it is redeemed already (decision 60, question 4). */
  readonly clientId?: ClientId;
  /** What the waiter calls the session. */
  readonly sessionName?: string;
  /** Whose it is, where that was left open until now: a proof by code, of a challenge that is about nobody. */
  readonly userId?: UserId;
  readonly ip?: string;
};

export type Command =
  | {
      readonly name: "claim";
      readonly deviceId: DeviceId;
      readonly userId: UserId;
      /** The client that enrolled the device, and its realm. */
      readonly clientId: ClientId;
      readonly realm?: Realm;
      readonly reach?: "realm";
      /** When the device was enrolled: one that is younger than the challenge could not answer it either. */
      readonly enrolledAt?: Instant;
      /** Digest of the claim's signature: an approval that repeats its bytes is a replay of the claim. */
      readonly evidence?: string;
      readonly ip?: string;
    }
  | {
      /** By somebody who is signed in, and has typed the code of this challenge. */
      readonly name: "claim";
      readonly sessionId: GrantId;
      readonly userId: UserId;
      readonly ip?: string;
    }
  | {
      readonly name: "approve";
      readonly proof: VerifiedProof;
      readonly signed?: Sealed;
      readonly promptedAt?: Instant;
      readonly evidence?: string;
      readonly page?: string;
      readonly ip?: string;
    }
  | {
      readonly name: "deny";
      readonly proof: VerifiedProof;
      readonly signed?: Sealed;
      readonly promptedAt?: Instant;
      readonly evidence?: string;
      readonly page?: string;
      readonly ip?: string;
    }
  | { readonly name: "cancel"; readonly by: string; readonly ip?: string }
  | ({ readonly name: "redeem" } & RedeemOrder)
  | { readonly name: "expire" };

export type CommandName = Command["name"];

/** What the shell performs after a commit. */
export type Effect = { readonly name: "wake" } | { readonly name: "openGrant"; readonly draft: GrantDraft };
