import type { ClientId, DeviceId, GrantId, Realm, UserId } from "../ids.ts";
import type { Instant } from "../time.ts";
import type { Signed } from "./signed.ts";
import type { Approver, Claimer, DecisionKind } from "./state.ts";

declare const verified: unique symbol;

/** What a verified proof says, by the kind of approver that gave it (settled question 15). */
export type ProofClaims =
  | {
      readonly kind: "device";
      readonly deviceId: DeviceId;
      readonly userId: UserId;
      /** The client that enrolled the device: it answers for that client, and for those that admit it. */
      readonly clientId: ClientId;
      readonly realm?: Realm;
      /** Given on a page of ours, which says who asks: it answers for every client of the realm. */
      readonly reach?: "realm";
      readonly decision: DecisionKind;
      /** When the device was enrolled: it may only answer challenges that came after. */
      readonly enrolledAt: Instant;
      readonly digest: string;
      readonly amr: readonly string[];
      /** What it has signed: never stored as it is. */
      readonly signed?: Signed;
    }
  | {
      readonly kind: "code";
      readonly identifierId: string;
      /** When the code was given, if a remembered browser stands for it now. */
      readonly provenAt?: Instant;
      readonly userId: UserId;
      readonly decision: DecisionKind;
      readonly digest: string;
      readonly amr: readonly string[];
    }
  | {
      readonly kind: "client";
      readonly clientId: ClientId;
      readonly userId: UserId;
      readonly decision: DecisionKind;
      readonly digest: string;
      readonly amr: readonly string[];
    }
  | {
      readonly kind: "firstEnrolment";
      readonly deviceId: DeviceId;
      readonly userId: UserId;
      readonly decision: "approve";
      readonly digest: string;
      readonly amr: readonly string[];
    }
  | {
      /** What the user pressed in a browser in which they had signed in, which was found to live. */
      readonly kind: "session";
      readonly sessionId: GrantId;
      readonly deviceId?: DeviceId;
      /** When they had signed in there. */
      readonly provenAt: Instant;
      readonly userId: UserId;
      readonly decision: DecisionKind;
      readonly digest: string;
      readonly amr: readonly string[];
    };

/** A proof that the proof module has checked. Nothing else can make one, so an unverified approval cannot be typed. */
export type VerifiedProof = ProofClaims & { readonly [verified]: true };

/** Who stands behind a proof. */
export function approverOf(proof: VerifiedProof): Approver {
  switch (proof.kind) {
    case "device":
    case "firstEnrolment":
      return { kind: proof.kind, deviceId: proof.deviceId };
    case "code":
      return { kind: "code", identifierId: proof.identifierId };
    case "client":
      return { kind: "client", clientId: proof.clientId };
    case "session": {
      const { sessionId, deviceId } = proof;
      return { kind: "session", sessionId, ...(deviceId === undefined ? {} : { deviceId }) };
    }
  }
}

/** The device whose removal takes back what this approver approved. */
export function deviceBehind(approver: Approver): DeviceId | undefined {
  switch (approver.kind) {
    case "device":
    case "firstEnrolment":
    case "session":
      return approver.deviceId;
    case "code":
    case "client":
      return undefined;
  }
}

/** The browser session whose end takes back what this approver approved. */
export const sessionBehind = (approver: Approver): GrantId | undefined =>
  approver.kind === "session" ? approver.sessionId : undefined;

/** The approver as one word for the audit trail, `kind:id`. */
export function nameOf(approver: Approver): string {
  switch (approver.kind) {
    case "device":
    case "firstEnrolment":
      return `${approver.kind}:${approver.deviceId}`;
    case "code":
      return `code:${approver.identifierId}`;
    case "client":
      return `client:${approver.clientId}`;
    case "session":
      return `session:${approver.sessionId}`;
  }
}

type OfUser = { readonly userId: UserId } & Claimer;

/** Whether these are one claimer. A device is one key; a user may go on in another browser in which they had signed in. */
export const isClaimer = (who: OfUser, claimed: OfUser): boolean =>
  who.userId === claimed.userId &&
  ("deviceId" in who ? "deviceId" in claimed && who.deviceId === claimed.deviceId : "sessionId" in claimed);

/** Whether the proof is the claimer's own: a code or a service token never is. */
export function isClaimersProof(proof: VerifiedProof, claimed: OfUser): boolean {
  const { userId } = proof;
  if (proof.kind === "device") return isClaimer({ userId, deviceId: proof.deviceId }, claimed);
  return proof.kind === "session" && isClaimer({ userId, sessionId: proof.sessionId }, claimed);
}
