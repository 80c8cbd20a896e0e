import type { Context, Hono } from "hono";
import type { AppEnv } from "./context.ts";
import { problem } from "./problem.ts";

/** What can go wrong beside a door's own refusals. */
export type FaultStatus = 400 | 404 | 405 | 500 | 503;

/** Renders a fault in a door's shape; `retryAfter` in seconds, with 503. Says nothing of the cause. */
export type RenderFault = (
  c: Context<AppEnv>,
  status: FaultStatus,
  retryAfter?: number,
) => Response | Promise<Response>;

/** A door as the app mounts it. Without `renderFault` its faults are problem details. */
export type Door = {
  /** As the home page names it; a door without a name is not shown there. */
  readonly name?: string;
  /** Such as `/api/v0`; no slash at its end. */
  readonly prefix: string;
  readonly routes: Hono<AppEnv>;
  readonly renderFault?: RenderFault;
  /** Whether repeated slashes in a path of this door count as one. */
  readonly forgivesSlashes?: boolean;
  /** Whether the door's routes stand at the root too: a program's call there that nothing answers is then this door's. */
  readonly isAtRoot?: boolean;
};

const DETAILS: Readonly<Record<FaultStatus, string>> = {
  400: "The request cannot be read.",
  404: "There is nothing at this address.",
  405: "This address does not take this method.",
  500: "Something went wrong here. The request id names it in the log.",
  503: "A part of the service cannot be used now. Try again in a moment.",
};

/** Faults as problem details (RFC 9457), with `Retry-After` when it is known; `codes` are what a door's programs go by. */
export const problemFaults =
  (codes?: Readonly<Record<FaultStatus, string>>): RenderFault =>
  (c, status, retryAfter) =>
    problem(c, status, {
      detail: DETAILS[status],
      ...(codes && { extra: { code: codes[status] } }),
      ...(retryAfter !== undefined && { headers: { "Retry-After": String(retryAfter) } }),
    });

/** The fault of whoever has no shape of their own. */
export const problemFault: RenderFault = problemFaults();

/** The door whose prefix the path is under. */
export const doorOf = (doors: readonly Door[], path: string): Door | undefined =>
  doors.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`));

/** Calls of programs: a page is got, and a preflight names no caller. */
const isCall = (method: string): boolean => !["GET", "HEAD", "OPTIONS"].includes(method);

/** The door whose answer a caller expects who has asked for what is not there: a dot in a path may have led out of the door's part. */
export const doorOfLost = (doors: readonly Door[], method: string): Door | undefined =>
  isCall(method) ? doors.find(({ isAtRoot }) => isAtRoot) : undefined;

/** The path by which a request is routed: with single slashes where its door forgives more. */
export function routedPath(doors: readonly Door[], path: string): string {
  if (!path.includes("//")) return path;
  const single = path.replaceAll(/\/{2,}/g, "/");
  return doorOf(doors, single)?.forgivesSlashes ? single : path;
}
