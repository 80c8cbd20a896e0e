import type { PhaseName } from "../../core/challenge/state.ts";
import type { ChallengeId } from "../../core/ids.ts";
import type { Services } from "../../core/ports/services.ts";

/** Listens to a challenge until it is settled or `stop` is called. */
export type Line = { stop(): void };

const DONE = 1000;
/** How often a line that was cut is taken up again: once for each deployment that a ten-minute wait may meet, and some. */
const RECONNECTIONS = 5;

type Frame = { readonly type?: unknown; readonly state?: unknown };

function frameOf(data: unknown): Frame | undefined {
  if (typeof data !== "string" || !data.startsWith("{")) return undefined;
  return JSON.parse(data) as Frame;
}

/**
 * Follows a challenge over its object's hibernating socket: `heard` gets each state once, in order. The first frame tells the state at
 * hand, so a line that was cut and is taken up again misses nothing.
 */
export async function follow(
  rooms: Services["rooms"],
  id: ChallengeId,
  heard: (state: PhaseName) => void,
): Promise<Line> {
  let stopped = false;
  let socket: WebSocket | undefined;
  let last: PhaseName | undefined;

  const connect = async (left: number): Promise<void> => {
    const answer = stopped ? undefined : await rooms.socket(id, undefined);
    const line = answer?.webSocket;
    if (!line) return;
    socket = line;
    line.addEventListener("message", ({ data }) => {
      const state = frameOf(data)?.state as PhaseName | undefined;
      if (state === undefined || state === last || stopped) return;
      last = state;
      heard(state);
    });
    line.addEventListener("close", ({ code }) => {
      if (code !== DONE && !stopped && left > 0) void connect(left - 1).catch(() => undefined);
    });
    line.accept();
    if (stopped) hangUp(line);
  };

  await connect(RECONNECTIONS);
  return {
    stop() {
      stopped = true;
      if (socket) hangUp(socket);
    },
  };
}

function hangUp(socket: WebSocket): void {
  try {
    socket.close(DONE, "heard");
  } catch {
    // Closed from the other side meanwhile.
  }
}
