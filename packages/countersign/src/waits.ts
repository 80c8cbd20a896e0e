/** How long the library waits, in ms. Its own tests take shorter ones, as `waits` beside the options; they are no part of the API. */
export type Waits = {
  /** For an answer to what is sent once. */
  readonly answer: number;
  /** For an answer to what can be sent again. Several tries fit into the 30 s in which the server repeats its answer. */
  readonly attempt: number;
  /** How long a call is sent again: the server takes the refresh token before the newest one for 30 s. */
  readonly repeat: number;
  /** Before the second try; doubled with each further one. */
  readonly again: number;
  readonly ping: number;
  /** No word on a socket within this time: it is dead, though nobody said so (a laptop that slept, a proxy that forgot). */
  readonly silence: number;
  /** A connection that stood for so long was no quick failure. */
  readonly stood: number;
};

export const WAITS: Waits = {
  answer: 20_000,
  attempt: 8_000,
  repeat: 20_000,
  again: 250,
  ping: 20_000,
  silence: 8_000,
  stood: 5_000,
};
