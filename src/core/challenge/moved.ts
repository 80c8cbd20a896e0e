import type { Refusal } from "../refusal.ts";
import { ok, type Result } from "../result.ts";
import type { Command, Effect } from "./command.ts";
import type { Challenge, Phase, Step } from "./state.ts";

export type Moved = { readonly next: Challenge; readonly effects: readonly Effect[] };
/** What a command leads to; a refusal changes nothing. */
export type Outcome = Result<Moved, Refusal>;
export type Of<Name extends Phase["name"]> = Extract<Phase, { name: Name }>;
export type CommandOf<Name extends Command["name"]> = Extract<Command, { name: Name }>;

/** Nothing changes: the version stays. */
export const same = (challenge: Challenge): Outcome => ok({ next: challenge, effects: [] });

/** The challenge in its next phase, one version on. */
export function enter(
  challenge: Challenge,
  phase: Phase,
  steps: readonly Step[],
  effects: readonly Effect[],
): Outcome {
  const timeline = [...challenge.timeline, ...steps];
  return ok({ next: { ...challenge, version: challenge.version + 1, phase, timeline }, effects });
}

/** Whoever waits is told. */
export const WAKE: readonly Effect[] = [{ name: "wake" }];

/** The address of whoever did a step, where it is known. */
export const ipOf = (from: { readonly ip?: string }): { ip?: string } =>
  from.ip === undefined ? {} : { ip: from.ip };
