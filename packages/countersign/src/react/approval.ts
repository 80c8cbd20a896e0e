"use client";

import { useCallback, useEffect, useRef } from "react";
import type { Prompt } from "../request.ts";
import { type Underway, useAsking } from "./asking.ts";

type Approved<T> = { readonly status: "approved"; readonly value: T };
export type ApprovalState<T> = Underway | Approved<T>;

/**
 * Asks your backend, which asks the user. Call `onPrompt` with each prompt that the backend tells; stop when the signal fires. Resolve with
 * what the page needs to know, and throw when it was not approved: a `CountersignError` with the `code` that the backend saw.
 */
export type ApprovalWork<T, Args extends readonly unknown[]> = (
  signal: AbortSignal,
  onPrompt: (prompt: Prompt) => void,
  ...args: Args
) => Promise<T>;

export type UseApproval<T, Args extends readonly unknown[]> = {
  readonly state: ApprovalState<T>;
  /** The arguments go to your `start`, behind signal and `onPrompt`. An approval before it is ended. */
  start(...args: Args): void;
  cancel(): void;
};

/** An approval that a backend asks for (`client.requestApproval`), as a state to render. Ended when the component goes. */
export function useApproval<T, Args extends readonly unknown[] = []>(options: {
  readonly start: ApprovalWork<T, Args>;
}): UseApproval<T, Args> {
  const { state, begin, cancel } = useAsking<Approved<T>>();
  const latest = useRef(options.start);
  useEffect(() => {
    latest.current = options.start;
  });
  const start = useCallback(
    (...args: Args) =>
      begin(async ({ signal, onPrompt }) => ({
        status: "approved",
        value: await latest.current(signal, onPrompt, ...args),
      })),
    [begin],
  );
  return { state, start, cancel };
}
