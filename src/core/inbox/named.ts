import { admits, type Enroller } from "../challenge/approvers.ts";
import type { Door, JsonObject, Purpose } from "../challenge/state.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Prompt } from "./state.ts";

/**
 * A prompt as a door names it that speaks in numbers, with what its device was told of it. The rules are the door's; the inbox compares,
 * in the step that settles, so that nothing changes between the comparison and the answer.
 */
export type Named = {
  readonly number: number;
  /** The app that answers: its devices must be admitted. */
  readonly app: Enroller;
  /** The client that asks, where the app has said which. */
  readonly asker?: string;
  /** The second that the device signed, in decimal digits. */
  readonly second: string;
  /** Members of a context that the door has no words for: a prompt with one of them waits for another door. */
  readonly unsaid: readonly string[];
  /** What the prompt may be: one of these. */
  readonly kinds: readonly PromptKind[];
};

/** Members that a prompt must have. `null` in the context stands for one that is missing. */
export type PromptKind = {
  readonly purpose?: Purpose;
  readonly doors?: readonly Door[];
  readonly context: JsonObject;
};

/**
 * The prompt, if it is the one that was named. `unknown_challenge` where there is none, its devices are not admitted, or it asks for more
 * than a signature (a number, a claim, an unlock, a certain device, something to read); `prompt_mismatch` where it says something else.
 */
export function compareNamed(
  prompts: readonly Prompt[],
  named: Named,
): Result<Prompt, RefusalOf<"unknown_challenge" | "prompt_mismatch">> {
  const prompt = prompts.find(({ respondNumber }) => respondNumber === named.number);
  if (!prompt || !admits(prompt, named.app) || !isPlain(prompt, named.unsaid))
    return no({ code: "unknown_challenge" });
  const differs = (detail: string) => no({ code: "prompt_mismatch", detail } as const);
  if (named.asker !== undefined && named.asker !== prompt.clientId) return differs("issuer");
  if (!named.kinds.some((kind) => isOfKind(prompt, kind))) return differs("event");
  if (String(prompt.signingSecond) !== named.second) return differs("timestamp");
  return ok(prompt);
}

/**
 * Whether a prompt says more than who asks and what for: a message that both screens show, or details in `context.details` (RFC 9396). A
 * door whose wire cannot show that does not list it: nobody approves what they were not shown.
 */
export const asksMore = ({ bindingMessage, context }: Pick<Prompt, "bindingMessage" | "context">): boolean =>
  bindingMessage !== undefined || context.details !== undefined;

/** Whether a signature is all that answering this prompt takes, and there is nothing to read before. */
export const isPlain = (prompt: Prompt, unsaid: readonly string[]): boolean =>
  !asksMore(prompt) &&
  !prompt.demands.matchCode &&
  !prompt.demands.claim &&
  !prompt.demands.unlock &&
  prompt.demands.device === undefined &&
  unsaid.every((name) => prompt.context[name] === undefined);

const isOfKind = (prompt: Prompt, { purpose = prompt.purpose, doors, context }: PromptKind): boolean =>
  purpose === prompt.purpose &&
  (doors?.includes(prompt.door) ?? true) &&
  Object.entries(context).every(([name, value]) =>
    value === null ? prompt.context[name] === undefined : prompt.context[name] === value,
  );
