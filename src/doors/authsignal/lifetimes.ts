import type { Client } from "../../core/client/client.ts";
import { type Instant, type Millis, SECOND } from "../../core/time.ts";

const TOKEN_SECONDS = 600;
const CHALLENGE_SECONDS = 600;

/** The client as this door's token lengths see it: ten minutes unless it says otherwise (§4.1). */
export const withTokenLengths = (client: Client): Client => ({
  ...client,
  settings: { access_token_seconds: TOKEN_SECONDS, ...client.settings },
});

/** Seconds that a token of this door lives. */
export const tokenSeconds = ({ settings }: Client): number => settings.access_token_seconds ?? TOKEN_SECONDS;

/**
 * How long a challenge and its result live (settled question 20): no longer than the waiter's token, whose end is `until`, can
 * still ask for it.
 */
export function windows(
  client: Client,
  now: Instant,
  until?: Instant,
): { readonly lifetime: Millis; readonly redeemWindow: Millis; readonly replayWindow: Millis } {
  const asked = (client.settings.challenge_seconds ?? CHALLENGE_SECONDS) * SECOND;
  const left = until === undefined ? asked : Math.max(SECOND, until - now);
  const token = tokenSeconds(client) * SECOND;
  return {
    lifetime: Math.min(asked, left),
    redeemWindow: until === undefined ? token : left,
    replayWindow: token,
  };
}
