import { evictDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { ChallengeSpec } from "../../../src/core/challenge/state.ts";
import { settle, viewOf } from "../../../src/core/challenge/view.ts";
import { type Ran, run, sequences, specs } from "../../property/arbitraries.ts";
import { challenges, stubOf } from "../support/challenges.ts";

beforeAll(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterAll(() => {
  vi.useRealTimers();
});

/** Drawn objects have no prototype, which no call across objects takes. */
const plain = <T>(drawn: T): T => JSON.parse(JSON.stringify(drawn));

/** What the pure machine says of a step, in the words of the object's answer. */
function told({ now, before, result, after }: Ran) {
  if (!result.ok) return { ok: false, error: result.error };
  const { phase, timeline } = settle(after, now);
  return {
    ok: true,
    value: {
      changed: after !== before,
      view: viewOf(after, now),
      timeline,
      facts: phase.name === "redeemed" ? phase.facts : undefined,
      hasGrant: phase.name === "redeemed" && phase.withGrant,
    },
  };
}

async function answered(spec: ChallengeSpec, { now, command }: Ran) {
  vi.setSystemTime(now);
  const answer = await challenges.apply(spec.id, command);
  if (!answer.ok) return { ok: false, error: answer.error };
  const { changed, view, timeline, facts, grant } = answer.value;
  return { ok: true, value: { changed, view, timeline, facts, hasGrant: grant !== undefined } };
}

test("the real object answers every sequence of commands as the pure machine does, evicted or not", async () => {
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(specs, sequences, fc.nat({ max: 15 }), async (drawn, sequence, evictAt) => {
      const spec = plain({ ...drawn, id: challenges.fresh() });
      vi.setSystemTime(spec.createdAt);
      expect((await challenges.open(spec)).ok).toBe(true);
      for (const [index, step] of run(spec, plain(sequence)).entries()) {
        if (index === evictAt) await evictDurableObject(stubOf(spec.id));
        const real = await answered(spec, step);
        expect(real).toEqual(told(step));
        outcomes.add(real.ok ? (real.value?.view.state ?? "") : (real.error?.code ?? ""));
        expect((await challenges.read(spec.id))?.view).toEqual(viewOf(step.after, step.now));
      }
    }),
    { numRuns: 200 },
  );
  // The sequences were stories, not noise: every phase was reached and the usual refusals met.
  for (const outcome of [
    "approved",
    "denied",
    "redeemed",
    "cancelled",
    "expired",
    "claimed",
    "not_claimed",
  ]) {
    expect(outcomes).toContain(outcome);
  }
});
