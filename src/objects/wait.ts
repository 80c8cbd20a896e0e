import { isSettled, type WaitView, waitView } from "../core/challenge/view.ts";
import type { Applied, Held } from "../core/ports/challenges.ts";
import type { Instant, Millis } from "../core/time.ts";
import { CROWDED, DONE, readFrame, readRedeemed } from "./frames.ts";

/** What a held wait needs: the object's socket, and a look at its state with a fresh stub. */
export type Line = {
  connect(): Promise<WebSocket | undefined>;
  read(): Promise<WaitView | undefined>;
  /** Fires when nobody listens any more. */
  readonly gone?: AbortSignal | undefined;
};

/** How long our half of a socket's end may wait for the answer to leave. */
const AFTER_ANSWER: Millis = 5;

type End = {
  readonly why: "settled" | "time" | "closed" | "crowded" | "gone";
  readonly view: WaitView | undefined;
  readonly redeemed?: Applied | undefined;
};

/** The longest pause before the one reconnection, so that a deployment does not bring all waiters back at once. */
const JITTER: Millis = 250;

/**
 * Holds a long-poll in the Worker over the object's hibernating socket, so that the object sleeps meanwhile (settled question
 * 34): until the challenge settles or expires, `timeout` ms are over, or the caller has gone. A cut line is read again and reconnected
 * once.
 */
export async function hold(line: Line, timeout: Millis): Promise<Held | undefined> {
  const until = Date.now() + timeout;
  const first = await listen(line, until);
  if (first?.why !== "closed") return first && answer(line, first);
  const view = await line.read();
  if (!view || isSettled(view.state) || Date.now() >= until || line.gone?.aborted) return view;
  await pause(Math.min(Math.random() * JITTER, until - Date.now()));
  const second = await listen(line, until);
  return second && answer(line, second);
}

/** A view that time has overtaken is not told: the object's clock decides what it is now. */
async function answer(line: Line, { why, view, redeemed }: End): Promise<Held | undefined> {
  const current =
    why === "settled" || why === "gone" || (why === "time" && view && Date.now() < view.expiresAt);
  const now = current ? view : await line.read();
  if (now && redeemed) return { ...now, redeemed };
  return now && why === "crowded" ? { ...now, crowded: true } : now;
}

async function listen(line: Line, until: Instant): Promise<End | undefined> {
  const socket = await line.connect();
  if (!socket) return undefined;
  let stopTimer = () => {};
  const end = new Promise<End>((resolve) => {
    let view: WaitView | undefined;
    const endAt = (at: Instant) => {
      stopTimer();
      const timer = setTimeout(() => resolve({ why: "time", view }), Math.max(0, at - Date.now()));
      stopTimer = () => clearTimeout(timer);
    };
    socket.addEventListener("message", ({ data }) => {
      const redeemed = readRedeemed(data);
      if (redeemed) return resolve({ why: "settled", view: waitView(redeemed.view), redeemed });
      view = readFrame(data) ?? view;
      if (view && isSettled(view.state)) resolve({ why: "settled", view });
      else if (view) endAt(Math.min(until, view.expiresAt));
    });
    socket.addEventListener("close", ({ code }) =>
      resolve({ why: code === CROWDED ? "crowded" : "closed", view }),
    );
    socket.addEventListener("error", () => resolve({ why: "closed", view }));
    const leaves = () => resolve({ why: "gone", view });
    line.gone?.addEventListener("abort", leaves, { once: true });
    if (line.gone?.aborted) leaves();
    socket.accept();
    endAt(until);
  });
  const { why } = await end;
  stopTimer();
  // A settled challenge hangs up by itself: our half of the handshake must not go before the answer.
  if (why === "settled") setTimeout(() => leave(socket), AFTER_ANSWER);
  else leave(socket);
  return end;
}

function leave(socket: WebSocket): void {
  try {
    socket.close(DONE, "heard");
  } catch {
    // The object has closed it already.
  }
}

const pause = (length: Millis): Promise<void> => new Promise((resume) => setTimeout(resume, length));
