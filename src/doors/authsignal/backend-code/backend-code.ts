import type { ChallengeSpec, JsonObject } from "../../../core/challenge/state.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import type { CodeMethod } from "../code/method.ts";

/**
 * What a code that a client's backend asked for is good for: `meet` its user's action, `enrol` the address for its user, or `claim`, to be
 * a user's whom the backend names later.
 */
export type BackendCodeUse = "meet" | "enrol" | "claim";

/** A code that a client's backend had sent, and gives back itself: the door's context of its challenge. */
export type BackendCode = {
  readonly use: BackendCodeUse;
  readonly identifier: ReadIdentifier;
  readonly method: CodeMethod;
  /** How messages go out: a number may be written to in two ways. */
  readonly channel: CodeMethod;
  /** BCP 47 tag of the reader's language. */
  readonly locale: string;
  /** The backend says that its user may add an authenticator. */
  readonly mayAdd: boolean;
  /** Whether its user's action is met by it: an address of the asker's own choice meets none that waits for a challenge. */
  readonly meets: boolean;
};

/** The part of a challenge's context that makes it one of these. */
export const backendCodeContext = (code: BackendCode): JsonObject => ({
  method: code.method,
  backend_code: code as unknown as JsonObject,
});

/** The code of a challenge that a client's backend began; undefined for every other challenge. */
export function backendCodeOf({ door, context }: ChallengeSpec): BackendCode | undefined {
  if (door !== "authsignal") return undefined;
  // Written by `backendCodeContext` alone.
  return context.backend_code as unknown as BackendCode | undefined;
}

/** A code fits no other use, nor one that was sent for a page (T70). */
export const codePurpose = ({ use }: BackendCode): string => `authsignal_backend_${use}`;
