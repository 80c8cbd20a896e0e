"use client";

import { useCallback, useEffect, useState } from "react";
import type { Client } from "../client.ts";
import type { Session } from "../session.ts";
import { type Failed, failed } from "./asking.ts";

export type SessionState =
  | { readonly status: "loading" }
  | { readonly status: "signed_out" }
  | { readonly status: "signed_in"; readonly session: Session }
  /** It could not be refreshed now. */
  | Failed;

export type UseSession = {
  readonly state: SessionState;
  /** Looks again, after a sign-in for instance. */
  reload(): void;
  /** Forgets the session and revokes it. Rejects when the server could not be told; it is forgotten here all the same. */
  signOut(): Promise<void>;
};

/** The session that the client keeps, read when the component comes. For calls use `client.fetch`, which refreshes. */
export function useSession(client: Pick<Client, "session" | "signOut">): UseSession {
  const [state, setState] = useState<SessionState>({ status: "loading" });
  const [look, setLook] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `look` counts the times that somebody asks to look again
  useEffect(() => {
    let isOver = false;
    const tell = (next: SessionState) => {
      if (!isOver) setState(next);
    };
    client.session().then(
      (session) => tell(session === undefined ? { status: "signed_out" } : { status: "signed_in", session }),
      (error: unknown) => tell(failed(error)),
    );
    return () => {
      isOver = true;
    };
  }, [client, look]);

  const reload = useCallback(() => setLook((was) => was + 1), []);
  const signOut = useCallback(async () => {
    try {
      await client.signOut();
    } finally {
      setLook((was) => was + 1);
    }
  }, [client]);
  return { state, reload, signOut };
}
