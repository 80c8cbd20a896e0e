import { describe, expect, test, vi } from "vitest";
import { follow } from "../../../src/objects/follow.ts";
import { until } from "../support/until.ts";

/** Lines whose far ends the test holds, in the order in which they were dialled; null is a challenge that is not there. */
function exchange(answers: readonly ("line" | "gone" | "outage")[]) {
  const far: WebSocket[] = [];
  const left = [...answers];
  const dial = async () => {
    const answer = left.shift();
    if (answer === "gone") return undefined;
    if (answer !== "line") throw new Error("no answer");
    const { 0: near, 1: end } = new WebSocketPair();
    end.accept();
    far.push(end);
    return near;
  };
  return { dial, far, left };
}

const say = (line: WebSocket | undefined, state: string) =>
  line?.send(JSON.stringify({ id: "x", state, expires_at: "2026-01-01T00:00:00Z" }));

describe("following a challenge", () => {
  test("a line that is cut is taken up again, and a state that was heard is not told twice", async () => {
    const { dial, far } = exchange(["line", "line"]);
    const [heard, lost] = [vi.fn(), vi.fn()];
    const following = await follow(dial, heard, lost);
    say(far[0], "pending");
    await until(() => expect(heard).toHaveBeenCalledTimes(1));
    far[0]?.close(1012, "a new version");
    await until(() => expect(far).toHaveLength(2));
    say(far[1], "pending");
    say(far[1], "claimed");
    await until(() => expect(heard.mock.calls.map(([state]) => state)).toEqual(["pending", "claimed"]));
    following.stop();
    expect(lost).not.toHaveBeenCalled();
  });

  test.each(["gone", "outage"] as const)("that cannot be taken up again (%s) is told, once", async (then) => {
    const { dial, far } = exchange(["line", then]);
    const lost = vi.fn();
    await follow(dial, () => undefined, lost);
    far[0]?.close(1012, "a new version");
    await until(() => expect(lost).toHaveBeenCalledTimes(1));
  });

  test("that was cut too often is told", async () => {
    const { dial, far, left } = exchange(Array.from({ length: 9 }, () => "line" as const));
    const lost = vi.fn();
    await follow(dial, () => undefined, lost);
    for (let cut = 0; lost.mock.calls.length === 0; cut++) {
      await until(() => expect(far.length > cut || lost.mock.calls.length > 0).toBe(true));
      far[cut]?.close(1013, "newer waiters came");
    }
    expect([lost.mock.calls.length, left.length]).toEqual([1, 3]);
  });

  test("that has settled, or was stopped, is not lost", async () => {
    const { dial, far } = exchange(["line"]);
    const lost = vi.fn();
    await follow(dial, () => undefined, lost);
    far[0]?.close(1000, "settled");
    const other = exchange(["line"]);
    const stopped = await follow(other.dial, () => undefined, lost);
    const ended = new Promise((resolve) => other.far[0]?.addEventListener("close", resolve));
    stopped.stop();
    await ended;
    other.far[0]?.close(1012);
    expect(lost).not.toHaveBeenCalled();
  });
});
