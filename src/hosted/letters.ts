import type { Context } from "hono";
import { ONE_TIME_CODE_LIFETIME } from "../core/code/lifetimes.ts";
import { type Instant, SECOND } from "../core/time.ts";
import { type AppEnv, services } from "../http/context.ts";
import type { Letters } from "../pages/verify/again.tsx";

/** How long the button for another letter waits. The limits of letters hold beside it, and without script. */
export const AGAIN_AFTER = 20 * SECOND;

const BASE = 36;
const SENT = /^[0-9a-z]{1,8}$/;

/** What the address of a page tells of its last letter: its message, when it was sent, and whether it was another one. */
export function sentQuery(c: Context<AppEnv>, messageId: string, again: boolean): string {
  const at = Math.floor(services(c).clock.now() / SECOND).toString(BASE);
  return `m=${messageId}&${again ? "a" : "s"}=${at}`;
}

/** The same once more, for a page that follows on this one: without the message, of which it has told. */
export function sentAgain(c: Context<AppEnv>): string {
  const { s, a } = c.req.query();
  const named = [["s", s] as const, ["a", a] as const].filter(([, at]) => at !== undefined && SENT.test(at));
  return named.map(([name, at]) => `${name}=${at}`).join("&");
}

/**
 * How the letters of a page stand, by its own address: nobody but its reader is told by it, and nothing is decided. `left` is how long
 * the code is good: until its own end, or its challenge's.
 */
export function lettersOf(
  c: Context<AppEnv>,
  expiresAt: Instant,
): { readonly letters: Letters; readonly left: number } {
  const now = services(c).clock.now();
  const { s, a, e } = c.req.query();
  const text = a ?? s ?? "";
  const sentAt = SENT.test(text) ? Number.parseInt(text, BASE) * SECOND : undefined;
  const ends = sentAt === undefined ? expiresAt : Math.min(expiresAt, sentAt + ONE_TIME_CODE_LIFETIME);
  const wait = sentAt === undefined ? 0 : Math.min(AGAIN_AFTER, sentAt + AGAIN_AFTER - now);
  return {
    left: Math.max(0, ends - now),
    letters: { again: a !== undefined && e === undefined, wait: Math.max(0, wait), ended: now >= ends },
  };
}
