import { share } from "../figure/outcome.ts";
import type { Http } from "../load/http.ts";
import type { Place } from "../subject/place.ts";
import type { OnCpu } from "./on-cpu.ts";

/** CPU of single requests, in milliseconds. */
export type Spent = {
  readonly requests: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
};

export const spent = (used: readonly number[]): Spent => ({
  requests: used.length,
  mean: used.reduce((sum, each) => sum + each, 0) / used.length,
  p50: share(used, 0.5),
  p99: share(used, 0.99),
  most: Math.max(...used),
});

/** Requests one after the other, each under the name of its step. What one has left behind is done before the next is sent. */
export type Steps = {
  /** One request of any kind. */
  one<T>(step: string, send: () => Promise<T>): Promise<T>;
  /** Calls of `http`, a step for each in turn. */
  over(http: Http, ...steps: readonly string[]): Http;
  /** What the global `fetch` is asked for meanwhile, a redirect included, a step for each in turn. Throws unless they are as many. */
  fetched<T>(steps: readonly string[], act: () => Promise<T>): Promise<T>;
  /** Until here requests are sent and not measured. */
  begin(): void;
  /** Milliseconds of CPU of each request, by step. */
  readonly measured: ReadonlyMap<string, readonly number[]>;
};

/** Made ready once, then run again and again. */
export type Scene = (place: Place, steps: Steps) => Promise<() => Promise<void>>;

export function makeSteps(cpu: OnCpu): Steps {
  const measured = new Map<string, number[]>();
  let hasBegun = false;
  const one: Steps["one"] = async (step, send) => {
    if (!hasBegun) return send();
    const before = await cpu.still();
    const answer = await send();
    const used = (await cpu.still()) - before;
    measured.set(step, [...(measured.get(step) ?? []), used]);
    return answer;
  };
  const inTurn = (steps: readonly string[]) => {
    let next = 0;
    return {
      name(): string {
        const step = steps[next];
        if (step === undefined) throw new Error(`a request after ${steps.join(", ")}`);
        next += 1;
        return step;
      },
      isOver: () => next === steps.length,
    };
  };
  return {
    one,
    over(http, ...steps) {
      const turn = inTurn(steps);
      return {
        call: (path, sent) => one(turn.name(), () => http.call(path, sent)),
        read: (path, status, sent) => one(turn.name(), () => http.read(path, status, sent)),
      };
    },
    async fetched(steps, act) {
      const turn = inTurn(steps);
      const { fetch } = globalThis;
      // The demo's browser and API calls know no other way out; an answer is measured with its body.
      globalThis.fetch = (...sent) =>
        one(turn.name(), async () => {
          const answer = await fetch(...sent);
          await answer.clone().arrayBuffer();
          return answer;
        });
      try {
        const value = await act();
        if (!turn.isOver()) throw new Error(`fewer requests than ${steps.join(", ")}`);
        return value;
      } finally {
        globalThis.fetch = fetch;
      }
    },
    begin() {
      hasBegun = true;
    },
    measured,
  };
}
