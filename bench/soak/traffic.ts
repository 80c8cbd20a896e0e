import { setTimeout as pause } from "node:timers/promises";
import type { Answer } from "../load/http.ts";
import type { Seen } from "./ledger.ts";
import type { Begun, Way } from "./way.ts";

/** One run of the soak as its clients have it. */
export type Run = {
  readonly ledger: Seen[];
  /** What must not happen, in words. */
  readonly faults: string[];
  /** From a kill until calls are answered again: what fails then is no fault. */
  isRestarting: boolean;
  kills: number;
  used: number;
};

export const newRun = (): Run => ({ ledger: [], faults: [], isRestarting: false, kills: 0, used: 0 });

/** Every so many sign-ins of a driver one is declined, where its way can be, and one is left alone. */
const DECLINED = 5;
const LEFT_ALONE = 19;

const TRIES = 100;
const TRY_AGAIN_MS = 200;
/** Answers can be asked for again for 30 seconds; a restart on a busy machine may take that long. */
const IN_TIME_MS = 20_000;

type Tried = { readonly answer: Answer | undefined; readonly isLate: boolean };

/** A call that may be repeated, up to `tries` times while the server is away. */
async function again(run: Run, call: () => Promise<Answer>, tries: number): Promise<Tried> {
  const began = Date.now();
  for (let left = tries; left > 0; left -= 1) {
    const isLate = Date.now() - began > IN_TIME_MS;
    try {
      const answer = await call();
      if (answer.status < 500) return { answer, isLate };
      if (!run.isRestarting) run.faults.push(`${answer.status} ${JSON.stringify(answer.body).slice(0, 120)}`);
    } catch (error) {
      if (!run.isRestarting) run.faults.push(`no answer: ${String(error)}`);
    }
    await pause(TRY_AGAIN_MS);
  }
  return { answer: undefined, isLate: true };
}

/** Collects twice, as a client does whose answer got lost, and uses what it got. */
async function collectAndUse(run: Run, seen: Seen, { collect, resultOf, use }: Begun): Promise<void> {
  const { collectsOnce } = seen.way;
  for (const _ of collectsOnce ? ["collected"] : ["collected", "and once more"]) {
    const { answer, isLate } = await again(run, collect, collectsOnce ? 1 : TRIES);
    seen.isLate ||= isLate;
    const result = answer && resultOf(answer);
    if (result !== undefined) seen.results.add(result);
  }
  const [result] = seen.results;
  if (!use || result === undefined) return;
  const { answer, isLate } = await again(run, () => use(result), TRIES);
  if (answer?.status === 200) run.used += 1;
  else if (!isLate) run.faults.push(`${seen.way.name} ${seen.user}: a result that is of no use`);
}

/** One sign-in of a new user. */
async function signIn(run: Run, way: Way, round: number): Promise<void> {
  const begun = await way.begin();
  const seen: Seen = { way, user: begun.user, results: new Set(), isLate: false };
  run.ledger.push(seen);
  if (round % LEFT_ALONE === LEFT_ALONE - 1) return;
  const isApproved = !way.canDecline || round % DECLINED !== DECLINED - 1;
  await begun.decide(isApproved);
  seen.decision = isApproved ? "approved" : "denied";
  await collectAndUse(run, seen, begun);
  if (!begun.heard) return;
  const heard = await begun.heard;
  if (heard === undefined) throw new Error(`${way.name} ${seen.user}: its socket was cut`);
  seen.heard = heard;
}

/** Signs in by one way after the other until then. */
export async function drive(run: Run, ways: readonly Way[], from: number, until: number): Promise<void> {
  for (let round = from; Date.now() < until; round += 1) {
    const { kills } = run;
    try {
      await signIn(run, ways[round % ways.length] as Way, round);
    } catch (error) {
      // What was begun when the runtime died is begun anew; anything else is a fault.
      if (!run.isRestarting && run.kills === kills) run.faults.push(String(error));
      await pause(TRY_AGAIN_MS);
    }
  }
}
