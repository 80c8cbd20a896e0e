"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import { CountersignError, type ErrorCode } from "../errors.ts";
import type { Prompt } from "../request.ts";

/** `code` of an error that is not of this library: `unknown`. */
export type Failed = {
  readonly status: "failed";
  readonly code: ErrorCode | "unknown";
  readonly error: unknown;
};

/** Where something stands that a user is asked, until they have approved it. */
export type Underway =
  | { readonly status: "idle" }
  /** Sent; there is nothing to show yet. */
  | { readonly status: "starting" }
  | { readonly status: "waiting"; readonly prompt: Prompt }
  | Failed;

/** What the work is handed: when to stop, and whom to tell what to show. */
export type How = { readonly signal: AbortSignal; readonly onPrompt: (prompt: Prompt) => void };

export type Asking<Done> = {
  readonly state: Underway | Done;
  begin(work: (how: How) => Promise<Done>): void;
  cancel(): void;
};

const IDLE = { status: "idle" } as const;

export const failed = (error: unknown): Failed => ({
  status: "failed",
  code: error instanceof CountersignError ? error.code : "unknown",
  error,
});

/**
 * Runs one work at a time, and says where it stands. A second `begin` ends the first work; so do `cancel` and the end of the component.
 * What an ended work still says is not heard.
 */
export function useAsking<Done extends { readonly status: string }>(): Asking<Done> {
  const [state, setState] = useState<Underway | Done>(IDLE);
  const current = useRef<AbortController | undefined>(undefined);

  const stop = useCallback(() => {
    current.current?.abort();
    current.current = undefined;
  }, []);

  useEffect(() => {
    // A component that comes back, from a hidden <Activity> say, has nothing underway any more.
    setState((was) => (was.status === "starting" || was.status === "waiting" ? IDLE : was));
    return stop;
  }, [stop]);

  const begin = useCallback(
    (work: (how: How) => Promise<Done>) => {
      stop();
      const control = new AbortController();
      const { signal } = control;
      current.current = control;
      const tell = (next: Underway | Done) => {
        if (current.current === control) setState(next);
      };
      tell({ status: "starting" });
      const onPrompt = (prompt: Prompt) => tell({ status: "waiting", prompt });
      // A tick later: StrictMode ends an effect at once and runs it again, and the phone must ring once.
      Promise.resolve()
        .then(async () => {
          if (!signal.aborted) tell(await work({ signal, onPrompt }));
        })
        .catch((error: unknown) => tell(failed(error)));
    },
    [stop],
  );

  const cancel = useCallback(() => {
    stop();
    setState(IDLE);
  }, [stop]);

  return { state, begin, cancel };
}
