import type { VerifiedProof } from "./proof.ts";
import type { Approver } from "./state.ts";

/** Who a proof is by, as the challenge keeps it. */
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
