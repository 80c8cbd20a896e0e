"use client";

import { useCallback } from "react";
import type { Client } from "../client.ts";
import type { Session } from "../session.ts";
import { type Underway, useAsking } from "./asking.ts";

type SignedIn = { readonly status: "signed_in"; readonly session: Session };
export type SignInState = Underway | SignedIn;

export type UseSignIn = {
  readonly state: SignInState;
  /** Asks this user on their phone. A start before it is ended. */
  start(identifier: string): void;
  /** Stops waiting, and forgets how it stood. Nobody is signed out by it. */
  cancel(): void;
};

/** `client.signIn` as a state to render. Ended when the component goes. */
export function useSignIn(client: Pick<Client, "signIn">): UseSignIn {
  const { state, begin, cancel } = useAsking<SignedIn>();
  const start = useCallback(
    (identifier: string) =>
      begin(async (how) => ({ status: "signed_in", session: await client.signIn(identifier, how) })),
    [begin, client],
  );
  return { state, start, cancel };
}
