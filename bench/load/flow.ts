import type { Http } from "./http.ts";

/** What is timed: made ready for so many rounds, then run one after the other, each checked. */
export type Flow = (
  http: Http,
  place: { readonly origin: string; readonly adminToken: string },
  rounds: number,
) => Promise<{ run(round: number): Promise<void> }>;
