import type { VerifiedProof } from "./proof.ts";
import type { Approver } from "./state.ts";

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
  }
}

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
  }
}
