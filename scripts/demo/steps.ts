import { expect } from "./expect.ts";
import { type Asked, type Client, type Metadata, refusedFor } from "./oauth.ts";
import type { Timeline, Who } from "./print.ts";

export type Stage = {
  readonly origin: string;
  readonly adminToken: string;
  readonly timeline: Timeline;
};

/** A client of the standard door, and what it has read of the server. */
export type Party = { readonly client: Client; readonly metadata: Metadata };

/** Whoever asked opens the socket of the request. */
export const pendingAt = ({ timeline }: Stage, who: Who, { waiter }: Asked): Promise<string> =>
  timeline.step(
    who,
    "waits on its socket",
    async () => {
      const state = await waiter.first;
      expect(state === "pending", "pending", state);
      return state;
    },
    (state) => state,
  );

/** The socket says how the request ended; `since` is when the answer left whoever gave it. */
export async function told(
  { timeline }: Stage,
  who: Who,
  { waiter }: Asked,
  wanted: string,
  since?: number,
): Promise<void> {
  await timeline.step(
    who,
    "is told by the socket",
    async () => {
      const { state, at } = await waiter.settled;
      expect(state === wanted, wanted, state);
      return { state, at };
    },
    ({ state, at }) =>
      since === undefined ? state : `${state}, ${(at - since).toFixed(0)} ms after the answer was sent`,
  );
}

/** A token request that is refused. */
export async function refused(
  { timeline }: Stage,
  who: Who,
  { client, metadata }: Party,
  { grant }: Asked,
  wanted: string,
): Promise<void> {
  await timeline.step(
    who,
    "gets no tokens",
    async () => {
      const error = await refusedFor(client, metadata, grant);
      expect(error === wanted, wanted, error);
      return error;
    },
    (error) => error,
  );
}
