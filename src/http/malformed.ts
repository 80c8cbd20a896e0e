import type { Context } from "hono";
import type * as z from "zod";
import type { RefusalOf } from "../core/refusal.ts";
import type { AppEnv } from "./context.ts";

/** How a door says that a request is malformed, in its own shape. */
export type RefuseMalformed = (
  c: Context<AppEnv>,
  refusal: RefusalOf<"malformed">,
) => Response | Promise<Response>;

/** The refusal; `detail` is for the caller's developer and never repeats a value that was sent. */
export const malformed = (detail: string): RefusalOf<"malformed"> => ({ code: "malformed", detail });

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** A member's name as the caller wrote it may hold anything: only plain names are repeated. */
const shown = (part: PropertyKey): string => (NAME.test(String(part)) ? String(part) : "?");

function reason(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${issue.expected}`;
    case "too_big":
      return `at most ${issue.maximum}`;
    case "too_small":
      return `at least ${issue.minimum}`;
    case "invalid_format":
      return issue.format === "regex" ? "not in the form that is asked for" : `not a valid ${issue.format}`;
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    case "unrecognized_keys":
      return `unknown member ${issue.keys.map(shown).join(", ")}`;
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_union":
      return "none of the allowed forms";
    case "invalid_key":
      return "a key is not allowed";
    case "invalid_element":
      return "an element is not allowed";
    case "custom":
      return issue.message;
  }
}

/** Names the place and the reason of what is wrong, at most three of them, without the values; `whole` is what they are places of. */
export function describeIssues(error: z.core.$ZodError, whole: "body" | "query" = "body"): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.map(shown).join(".") || whole}: ${reason(issue)}`)
    .join("; ");
}
