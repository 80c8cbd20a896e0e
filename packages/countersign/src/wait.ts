import type { WaitState } from "../../protocol/src/waiting.ts";
import { CountersignError } from "./errors.ts";
import { ask, refusalOf } from "./http.ts";
import { backOff, checkAborted, pause } from "./pause.ts";
import type { Settings } from "./settings.ts";
import { listen } from "./socket.ts";
import { type End, isEnd, isState, type Waiting } from "./waiting.ts";

const HOLD_SECONDS = 25;
/** Tries without an answer when the time is over. A laptop that wakes up is not online at once, and its user may have approved. */
const LAST_TRIES = 5;
/** After a socket that told nothing this many rounds go by long-poll: some proxies let none through. */
const ROUNDS_WITHOUT = 4;
/** Seconds: a server that asks for more is asked again all the same, before an approval is lost. */
const PATIENCE = 30;

/** One long-poll: how it stands, at the latest after 25 s. */
async function hold(settings: Settings, { waitUri, handle, signal }: Waiting): Promise<WaitState> {
  const url = new URL(waitUri);
  url.searchParams.set("timeout", String(HOLD_SECONDS));
  const headers = { Authorization: `Bearer ${handle}` };
  const within = HOLD_SECONDS * 1000 + settings.waits.attempt;
  const { answer, body } = await ask(settings, url.href, { headers }, signal, within);
  if (!answer.ok) throw refusalOf(answer, body);
  if (!isState(body.state)) throw new CountersignError("network", "The server's answer names no state");
  return body.state;
}

const mayPass = (error: unknown): error is CountersignError =>
  error instanceof CountersignError && (error.code === "network" || error.code === "unavailable");

/**
 * Waits for the end: over the socket, over long-polls where no socket comes through, and again after each cut. Reading how a request
 * stands changes nothing, so it is repeated after every fault but a refusal. It is the server that says when the time is over: our clock
 * may be wrong or may have slept. It only ends the tries that nobody answers.
 */
export async function waitForEnd(settings: Settings, waiting: Waiting): Promise<End> {
  const { signal, until } = waiting;
  const { again, stood } = settings.waits;
  let told: WaitState | undefined;
  const note = (state: WaitState) => {
    if (state !== told) waiting.onState(state);
    told = state;
  };
  let quickFailures = 0;
  let lateFailures = 0;
  let round = 0;
  for (;;) {
    checkAborted(signal);
    const began = Date.now();
    let rest = 0;
    let heard: WaitState | undefined;
    try {
      if (settings.WebSocket && waiting.socketUri && round === 0) {
        heard = await listen(settings, waiting, note);
        if (heard === undefined) round = 1;
      } else {
        heard = await hold(settings, waiting);
        note(heard);
        round = (round + 1) % ROUNDS_WITHOUT;
      }
    } catch (error) {
      const isOver = Date.now() >= until;
      // The server forgets a request some minutes after its end.
      if (isOver && error instanceof CountersignError && error.status === 404) return "expired";
      if (!mayPass(error) || (isOver && ++lateFailures > LAST_TRIES)) throw error;
      rest = Math.min(error.retryAfter ?? 0, PATIENCE) * 1000;
    }
    if (heard !== undefined && isEnd(heard)) return heard;
    quickFailures = heard !== undefined && Date.now() - began > stood ? 0 : quickFailures + 1;
    if (quickFailures > 0) await pause(Math.max(backOff(again, quickFailures - 1), rest), signal);
  }
}
