import { env } from "cloudflare:workers";
import { site } from "./approver.ts";
import { counting, withoutBackground } from "./counting.ts";

/** Takes a step of a flow. A step without a name is taken, and not counted. */
export type Step = <T>(name: string, take: () => Promise<T>) => Promise<T>;

/**
 * How often each step of a flow waits for D1 or an object, one call after the other: what goes out together is one wait, and what follows an
 * answer none. The flow runs twice, and the second run counts: what an isolate keeps of clients and keys is there by then, if the clients
 * are made before the flow.
 */
export function countingWaits() {
  const counter = counting(env);
  const at = site(counter.bindings, withoutBackground);
  const waitsOf = async (flow: (step: Step) => Promise<void>): Promise<Readonly<Record<string, number>>> => {
    const waits: Record<string, number> = {};
    await flow((_, take) => take());
    await flow(async (name, take) => {
      counter.take();
      const value = await take();
      waits[name] = counter.take().waits;
      return value;
    });
    return waits;
  };
  return { at, waitsOf };
}
