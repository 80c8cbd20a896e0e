import { vi } from "vitest";
import type { Api } from "./api.ts";

/** A message as the development outbox tells it: `code` and `link` where it has one. */
export type Sent = {
  readonly id: string;
  readonly channel: string;
  readonly subject?: string;
  readonly text: string;
  readonly code: string;
  readonly link: string;
};

/** How long a message may take: some go out behind the answer. */
const PATIENCE = 10_000;

/** Every message to this address that is there now, the newest first. */
export async function sentTo(api: Api, to: string): Promise<readonly Sent[]> {
  const { status, body } = await api("GET", "/dev/outbox", { query: { to } });
  if (status !== 200) throw new Error(`the outbox does not tell what was sent to ${to}: ${status}`);
  return body.messages as readonly Sent[];
}

/**
 * The newest message to this address that has a code, or a link; waits until there is one, and with `after` until a newer one is there. What
 * tells of a device comes when it likes.
 */
export function newestTo(api: Api, to: string, after?: Sent, has: "code" | "link" = "code"): Promise<Sent> {
  return vi.waitFor(async () => {
    const messages = await sentTo(api, to);
    const known = messages.findIndex(({ id }) => id === after?.id);
    const fresh = known < 0 ? messages : messages.slice(0, known);
    const found = fresh.find((message) => message[has]);
    if (found) return found;
    const there = messages.map(({ subject }) => subject).join(", ");
    throw new Error(`no ${after ? "new " : ""}${has} was sent to ${to}; there: ${there || "nothing"}`);
  }, PATIENCE);
}
