import { expect } from "vitest";
import { until } from "./until.ts";

/** The client's end of a socket: what it has heard, and how it was closed. */
export type Ear = {
  readonly socket: WebSocket;
  readonly heard: string[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
};

/** Begins to listen on the socket of a 101. */
export function listen(answer: Response | undefined): Ear {
  const socket = answer?.webSocket;
  if (!socket) throw new Error("no socket");
  const heard: string[] = [];
  socket.addEventListener("message", ({ data }) => {
    heard.push(String(data));
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason })),
  );
  socket.accept();
  return { socket, heard, closed };
}

/** Until this many frames have been heard. */
export const frames = (ear: Ear, count: number): Promise<unknown> =>
  until(() => expect(ear.heard.length).toBeGreaterThanOrEqual(count), 5);
