import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FOLDED_ROWS } from "../../../../src/core/audit/fold.ts";
import { noteRefusal } from "../../../../src/core/audit/note-refusal.ts";
import { consumeEvents } from "../../../../src/core/message/consume.ts";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import { deployment, fresh } from "../../support/cotter.ts";
import { from } from "../../support/limiters.ts";

const START = 1_795_708_000_000;
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: START }));
afterEach(() => vi.useRealTimers());

/** A deployment whose queue is held by the test, behind everything that the wiring puts before it. */
function billed() {
  const queued: QueueMessage[] = [];
  const state = { down: false };
  const at = deployment({
    EVENTS: {
      send: async (message: QueueMessage) => {
        if (state.down) throw new Error("the queue is down");
        queued.push(message);
      },
    },
  });
  const call = (token?: string, ip = "192.0.2.9") =>
    at.call(
      "POST",
      "/api/native/codes/short/generate",
      { client_id: "nobody", user_id: crypto.randomUUID(), purpose: "temporary_authentication" },
      { ...from(ip), ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) },
    );
  return { at, queued, state, call };
}

describe("S12 what a stranger's refusals cost", () => {
  test("300 calls without a good token are one message and one row a minute", async () => {
    const { at, queued, call } = billed();
    for (let index = 0; index < 300; index++) {
      expect((await call(index % 2 ? undefined : `x.${index}.z`)).status).toBe(401);
    }
    await at.settled();
    expect(queued).toHaveLength(1);
    await consumeEvents(
      at.services,
      queued.map((body) => ({ body, attempts: 1, ack: () => {}, retry: () => {} })),
    );
    const rows = await at.services.records.events({ type: "service_token_refused", size: 50 });
    expect(rows).toHaveLength(1);
    vi.setSystemTime(START + 60_000);
    await call();
    await at.settled();
    expect(queued).toHaveLength(2);
  });

  test("a stranger who chooses what is refused is bounded too, and counted", async () => {
    const { at, queued, call } = billed();
    for (let index = 0; index < 300; index++) await call(undefined, `198.51.100.${index % 250}`);
    await at.settled();
    const rows = queued.flatMap((message) => (message.kind === "audit" ? message.events : []));
    expect(rows.length).toBeLessThan(FOLDED_ROWS + 5);
    expect(rows.at(-1)).toMatchObject({ type: "refusals_folded", data: { at_least: 100 } });
  });

  test("what the queue did not take is sent when it comes again; what is queued looks as before", async () => {
    const { at, queued, state } = billed();
    const refusal = { type: "code_refused", subject: fresh("one") };
    state.down = true;
    noteRefusal(at.services, refusal);
    await at.settled();
    state.down = false;
    noteRefusal(at.services, refusal);
    noteRefusal(at.services, refusal);
    await at.settled();
    expect(queued).toEqual([
      { kind: "audit", events: [expect.objectContaining({ type: "code_refused", actor: "anonymous" })] },
    ]);
  });
});
