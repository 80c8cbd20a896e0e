import type { Command, RedeemDraft } from "../../../src/core/challenge/command.ts";
import type { ProofClaims, VerifiedProof } from "../../../src/core/challenge/proof.ts";
import type {
  Challenge,
  ChallengeSpec,
  DecisionKind,
  Phase,
  PhaseName,
} from "../../../src/core/challenge/state.ts";
import type { ClientId, DeviceId, UserId } from "../../../src/core/ids.ts";
import type { Instant } from "../../../src/core/time.ts";
import { BIRTH, CHALLENGE_ID, CLIENTS, DEVICES, proven, USERS } from "../../property/arbitraries.ts";

export const [USER, OTHER_USER] = USERS;

/** A device as the machine meets it in a claim or a proof. */
export type Actor = {
  readonly deviceId: DeviceId;
  readonly userId: UserId;
  /** The client that enrolled it. */
  readonly clientId: ClientId;
  readonly enrolledAt: Instant;
};
const [SHOP, BANK] = CLIENTS;
export const PHONE: Actor = { deviceId: DEVICES[0], userId: USER, clientId: SHOP, enrolledAt: BIRTH - 1 };
export const TABLET: Actor = { deviceId: DEVICES[1], userId: USER, clientId: SHOP, enrolledAt: BIRTH - 1 };
/** The user's own device, but of the bank's app: the challenges here are the shop's. */
export const BANK_PHONE: Actor = { ...PHONE, clientId: BANK };
/** An honest device of somebody else. */
export const STRANGER: Actor = {
  deviceId: DEVICES[2],
  userId: OTHER_USER,
  clientId: SHOP,
  enrolledAt: BIRTH - 1,
};

const evidence = { digest: "digest-1", amr: ["pop"] };

/** A device's signature under a decision. */
export const signed = (actor: Actor, decision: DecisionKind): VerifiedProof =>
  proven({ kind: "device", ...actor, decision, ...evidence });

/** The same by another kind of approver, for the user. */
export const vouched = (
  by: { kind: "code"; identifierId: string } | { kind: "client"; clientId: (typeof CLIENTS)[number] },
  decision: DecisionKind,
): VerifiedProof => proven({ ...by, userId: USER, decision, ...evidence } as ProofClaims);

export const firstEnrolment: VerifiedProof = proven({
  kind: "firstEnrolment",
  deviceId: PHONE.deviceId,
  userId: USER,
  decision: "approve",
  ...evidence,
});

export const DRAFT: RedeemDraft = {
  jti: "jti-1",
  idJti: "jti-2",
  kid: "kid-1",
  accessSeconds: 3_600,
  idSeconds: 600,
  grant: { salt: "salt", keyVersion: 1, lifetime: 2_592_000_000, subject: { sub: USER } },
};

export const claimBy = (actor: Actor): Command => ({ name: "claim", ...actor });
export const decideWith = (name: DecisionKind, proof: VerifiedProof): Command => ({ name, proof });
export const decideBy = (name: DecisionKind, actor: Actor): Command => decideWith(name, signed(actor, name));
export const redeemBy = (waiterProof: string): Command => ({ name: "redeem", waiterProof, draft: DRAFT });

/** A sign-in of the user, 200 s long, 60 s to redeem, 30 s to repeat. */
export const specOf = (change: Partial<ChallengeSpec> = {}): ChallengeSpec => ({
  id: CHALLENGE_ID,
  door: "cotter",
  clientId: CLIENTS[0],
  purpose: "sign_in",
  userId: USER,
  scope: "openid",
  requiresClaim: false,
  nonce: "n-0S6",
  context: {},
  origin: { ip: "192.0.2.1" },
  createdAt: BIRTH,
  expiresAt: BIRTH + 200_000,
  redeemWindow: 60_000,
  replayWindow: 30_000,
  ...change,
});

/** The same, for nobody in particular: whoever holds its code may approve. */
export function openSpec(): ChallengeSpec {
  const { userId: _, ...rest } = specOf();
  return rest;
}

const approver = { kind: "device", deviceId: PHONE.deviceId } as const;

/** A phase of this name as it would have been entered at `at`, by the phone. */
export function phaseOf(name: PhaseName, at: Instant): Phase {
  switch (name) {
    case "pending":
      return { name };
    case "claimed":
      return { name, deviceId: PHONE.deviceId, userId: USER, at };
    case "approved":
      return {
        name,
        approver,
        userId: USER,
        proofDigest: evidence.digest,
        amr: evidence.amr,
        at,
        redeemBy: at + 60_000,
      };
    case "denied":
      return { name, approver, at };
    case "redeemed": {
      const iat = Math.floor(at / 1_000);
      const facts = {
        jti: "jti-1",
        idJti: "jti-2",
        kid: "kid-1",
        iat,
        exp: iat + 3_600,
        idExp: iat + 600,
        authTime: iat,
        amr: evidence.amr,
      };
      return { name, approver, userId: USER, facts, withGrant: true, waiterProof: "waiter-1", at };
    }
    case "cancelled":
      return { name, by: "client:shop", at };
    case "expired":
      return { name, at };
  }
}

/** A challenge that stands in this phase since `at`. */
export const challengeIn = (name: PhaseName, at: Instant = BIRTH, spec = specOf()): Challenge => ({
  spec,
  version: name === "pending" ? 1 : 2,
  phase: phaseOf(name, at),
  timeline: [{ at: BIRTH, what: "started", by: "client:shop" }],
});
