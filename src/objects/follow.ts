import type { PhaseName } from "../core/challenge/state.ts";
import type { Applied } from "../core/ports/challenges.ts";
import { DONE, readFrame, readRedeemed } from "./frames.ts";

/** How often a line that was cut is taken up again: once for each deployment that a ten-minute wait may meet, and some. */
const RECONNECTIONS = 5;

/** Follows a challenge over its object's hibernating socket, as `Challenges.follow` has it. */
export async function follow(
  dial: () => Promise<WebSocket | null | undefined>,
  heard: (state: PhaseName, redeemed?: Applied) => void,
  lost: () => void,
): Promise<{ stop(): void }> {
  let stopped = false;
  let socket: WebSocket | undefined;
  let last: PhaseName | undefined;

  const connect = async (left: number): Promise<void> => {
    if (stopped) return;
    const line = await dial();
    if (!line) return lost();
    socket = line;
    line.addEventListener("message", ({ data }) => {
      const redeemed = readRedeemed(data);
      const state = redeemed ? "approved" : readFrame(data)?.state;
      if (state === undefined || state === last || stopped) return;
      last = state;
      heard(state, redeemed);
    });
    line.addEventListener("close", ({ code }) => {
      if (code === DONE || stopped) return;
      if (left > 0) void connect(left - 1).catch(lost);
      else lost();
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
