import type { WaitState } from "../../protocol/src/waiting.ts";
import { CountersignError } from "./errors.ts";
import { ask, refusalOf } from "./http.ts";
import { backOff, checkAborted, pause } from "./pause.ts";
import type { Settings } from "./settings.ts";
import { listen } from "./socket.ts";
import { type End, isEnd, type Waiting } from "./waiting.ts";

const HOLD_SECONDS = 25;
/** The server says by itself that a request has expired; clocks differ. */
const GRACE = 15_000;
/** After a socket that told nothing this many rounds go by long-poll: some proxies let none through. */
const ROUNDS_WITHOUT = 4;
/** What stood for so long was no quick failure. */
const STOOD = 5_000;

/** One long-poll: how it stands, at the latest after 25 s. */
async function hold(settings: Settings, { waitUri, handle, signal }: Waiting): Promise<WaitState> {
  const url = new URL(waitUri);
  url.searchParams.set("timeout", String(HOLD_SECONDS));
  const headers = { Authorization: `Bearer ${handle}` };
  const { answer, body } = await ask(settings, url.href, { headers }, signal, (HOLD_SECONDS + 10) * 1000);
  if (!answer.ok) throw refusalOf(answer, body);
  return body.state as WaitState;
}

/** Seconds to wait before the next try after a fault that may pass. Throws every other. */
function passing(error: unknown): number {
  if (!(error instanceof CountersignError)) throw error;
  if (error.code !== "network" && error.code !== "unavailable") throw error;
  return error.retryAfter ?? 0;
}

/**
 * Waits for the end: over the socket, over long-polls where no socket comes through, and again after each cut, until the time is over.
 * Reading how a request stands changes nothing, so it is repeated after every fault but a refusal.
 */
export async function waitForEnd(settings: Settings, waiting: Waiting): Promise<End> {
  let told: WaitState | undefined;
  const note = (state: WaitState) => {
    if (state !== told) waiting.onState(state);
    told = state;
  };
  let quickFailures = 0;
  let round = 0;
  while (Date.now() < waiting.until + GRACE) {
    checkAborted(waiting.signal);
    const began = Date.now();
    let retryAfter = 0;
    let heard: WaitState | undefined;
    try {
      if (settings.WebSocket && round === 0) {
        heard = await listen(settings.WebSocket, waiting, note);
        if (heard === undefined) round = 1;
      } else {
        heard = await hold(settings, waiting);
        note(heard);
        round = (round + 1) % ROUNDS_WITHOUT;
      }
    } catch (error) {
      retryAfter = passing(error);
    }
    if (heard !== undefined && isEnd(heard)) return heard;
    quickFailures = heard !== undefined && Date.now() - began > STOOD ? 0 : quickFailures + 1;
    if (quickFailures > 0)
      await pause(Math.max(backOff(quickFailures - 1), retryAfter * 1000), waiting.signal);
  }
  return "expired";
}
