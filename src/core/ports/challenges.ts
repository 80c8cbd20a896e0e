import type { Command, RedeemOrder } from "../challenge/command.ts";
import type { VerifiedProof } from "../challenge/proof.ts";
import type { ChallengeSpec, Decided, Facts, PhaseName, Step } from "../challenge/state.ts";
import type { ChallengeView, WaitView } from "../challenge/view.ts";
import type { Presented } from "../grant/rotate.ts";
import type { Grant } from "../grant/state.ts";
import type { ChallengeId, GrantId, UserId } from "../ids.ts";
import type { Refusal, RefusalOf } from "../refusal.ts";
import type { Result } from "../result.ts";
import type { Millis } from "../time.ts";

/** What the object of a challenge tells the Worker. `spec` is for the door that started it. */
export type Snapshot = {
  readonly spec: ChallengeSpec;
  readonly view: ChallengeView;
  readonly timeline: readonly Step[];
  /** While it is claimed: whose device claimed it. */
  readonly claimant?: UserId;
  readonly facts?: Facts;
  readonly grant?: Grant;
  /** Whether D1 is known to hold the grant and the audit row. */
  readonly listed: boolean;
};

/** The answer to a command. `changed` is false for a repeat. */
export type Applied = Snapshot & { readonly changed: boolean };

/** A challenge as its record shows it; `decided` once somebody has. */
export type Decidable = {
  readonly spec: ChallengeSpec;
  readonly state: PhaseName;
  readonly decided?: Decided;
};

/** How a held wait ended; `redeemed` when the waiter's standing order was carried out. */
export type Held = WaitView & { readonly crowded?: true; readonly redeemed?: Applied };

export type WaitOptions = {
  /** Of those who wait alone for one challenge the newest stays; the one before is answered at once, `crowded`. */
  readonly alone?: boolean;
  /**
   * What this waiter would redeem with: done by the object in the turn that approves, so that nothing is left to ask for. Whoever
   * approves has just seen the user unlocked and the key live.
   */
  readonly order?: RedeemOrder;
  /** Fires when the caller has hung up: the wait ends at once and takes its order with it, so that no result goes to nobody. */
  readonly gone?: AbortSignal;
};

/** A challenge as its waiter finds it, with what came of the redemption if there was one. */
export type Collected = {
  readonly snapshot: Snapshot;
  readonly redeemed?: Result<Applied, Refusal>;
  /** The poll came too soon: how far apart they are to be from now on. */
  readonly slower?: Millis;
};

/**
 * Challenges, each in its own object. Every method is one atomic step of that object: no two commands interleave, and what was
 * answered `ok` is on disk. Throws Outage when the object cannot be reached or is overloaded; never for a refusal.
 */
export type Challenges = {
  /** A new random id; nothing is woken. */
  fresh(): ChallengeId;
  /** The id of the object of this name (numbers that a wire demands; settled question 10). */
  named(name: string): ChallengeId;
  /** The id, when this deployment could have made it; nothing is woken. */
  parse(text: string): ChallengeId | undefined;
  /** Begins a challenge; an object that already holds one refuses. */
  open(spec: ChallengeSpec): Promise<Result<Snapshot, RefusalOf<"occupied">>>;
  /**
   * The challenge, and where it is approved, redeemed by this order in the same step; a grant is opened only where the start has said what
   * its tokens say. `redeemed` is missing while there is nothing to redeem. With an `interval`, polls of a pending one keep that pace (`core/challenge/pace.ts`).
   */
  collect(id: ChallengeId, order: RedeemOrder, interval?: Millis): Promise<Collected | undefined>;
  /** Opens, approves and, by an order, redeems in one commit: a flow without a wait (settled question 17). */
  openSettled(
    spec: ChallengeSpec,
    proof: VerifiedProof,
    redemption?: RedeemOrder,
  ): Promise<Result<Applied, Refusal>>;
  read(id: ChallengeId): Promise<Snapshot | undefined>;
  /** The challenge with who decided it, which no other method tells. */
  decision(id: ChallengeId): Promise<Decidable | undefined>;
  /**
   * The challenge, while it is pending and this is the value that the QR code of an open waiting screen shows now (T96); else undefined.
   * Reading uses nothing up: the same value may be read until it is over.
   */
  scanned(id: ChallengeId, frame: string): Promise<Snapshot | undefined>;
  apply(id: ChallengeId, command: Command): Promise<Result<Applied, Refusal>>;
  /** Marks the grant and the audit row of this challenge as being in D1. */
  markListed(id: ChallengeId): Promise<void>;
  refresh(
    id: GrantId,
    presented: Presented,
  ): Promise<Result<Grant, RefusalOf<"refresh_reused" | "grant_ended" | "unknown_grant">>>;
  /** Ends the grant; ending an ended or unknown one is a success without effect. Answers the grant that ended now. */
  revoke(id: GrantId, reason: string): Promise<Grant | undefined>;
  /** Holds until the challenge settles or `timeout` ms are over, over the object's hibernating socket (settled question 34). */
  wait(id: ChallengeId, timeout: Millis, options?: WaitOptions): Promise<Held | undefined>;
  /** The object's answer to a WebSocket upgrade: 101 with the socket, or undefined when there is no such challenge. */
  socket(id: ChallengeId, protocol: string | undefined): Promise<Response | undefined>;
  /**
   * Follows a challenge with a standing order until it settles or `stop` is called: `heard` gets each state once, in order. The first
   * frame tells the state at hand, so a line that was cut and is taken up again misses nothing. `lost` once it cannot be taken up: nothing
   * more will be heard.
   */
  follow(
    id: ChallengeId,
    order: RedeemOrder | undefined,
    heard: (state: PhaseName, redeemed?: Applied) => void,
    lost: () => void,
  ): Promise<{ stop(): void }>;
};

/** `again`: it had been redeemed before, and is told once more. */
export type Redeemed = {
  readonly facts: Facts;
  readonly grant?: Grant;
  readonly snapshot: Snapshot;
  readonly again?: true;
};
