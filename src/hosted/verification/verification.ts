import type { ChallengeSpec, JsonObject } from "../../core/challenge/state.ts";
import type { ReadIdentifier } from "../../core/user/identifier.ts";

/** The purpose of a challenge that proves an identifier, and of the codes sent for it. */
export const VERIFY_IDENTIFIER = "verify_identifier";

/** What a verification is about and how it ends: the door's context of its challenge. */
export type Verification = {
  readonly identifier: ReadIdentifier;
  readonly channel: "email" | "sms" | "whatsapp";
  readonly method: "otp" | "link";
  /** The number by which the app names it: at most 2^31-1, since Android reads a 32-bit integer (Cotter §8.1). */
  readonly number: number;
  /** S256 of the app's code verifier. */
  readonly codeChallenge: string;
  /** Where the browser is sent afterwards; absent inside a frame, which tells its parent instead. */
  readonly redirectUrl?: string;
  /** What else the exchange may name for a redirect address, exactly (Cotter §8.2). */
  readonly accepted: readonly string[];
  readonly state?: string;
  /** Digest of the secret of the browser that asked: no other browser gets the authorization code. */
  readonly browser: string;
  /** The app says whose identifier it is; any other user's is refused. */
  readonly userId?: string;
  readonly locale: string;
};

/** The context that a challenge keeps of a verification. */
export const verificationContext = (verification: Verification): JsonObject => ({
  verification: verification as unknown as JsonObject,
});

/** The verification of a challenge that the hosted page started; undefined for any other. */
export function verificationOf(spec: ChallengeSpec): Verification | undefined {
  if (spec.door !== "page" || spec.purpose !== VERIFY_IDENTIFIER) return undefined;
  // Written by `verificationContext` alone: no other code of the page door makes challenges.
  return spec.context.verification as unknown as Verification;
}
