import type { Json } from "../../../core/challenge/state.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { type OAuthError, wrong } from "../errors.ts";

/** Bytes of JSON: they are kept with the challenge, and repeated in the access token. */
const LONGEST = 2_048;

const bad = (description: string) => no(wrong("invalid_authorization_details", description));

/** `authorization_details` (RFC 9396 §2): a JSON array of objects, each with a `type`, at most 2 KB. */
export function readDetails(text: string | undefined): Result<readonly Json[] | undefined, OAuthError> {
  if (text === undefined) return ok(undefined);
  const read = parsed(text);
  if (!Array.isArray(read) || read.length === 0 || !read.every(isTyped)) {
    return bad("authorization_details must be a JSON array of objects, each with a type");
  }
  // As it is kept: other spellings of the same JSON may be shorter.
  const size = new TextEncoder().encode(JSON.stringify(read)).length;
  return size > LONGEST ? bad("authorization_details must be 2 KB at most") : ok(read);
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function isTyped(detail: Json): boolean {
  if (typeof detail !== "object" || detail === null || Array.isArray(detail)) return false;
  const { type } = detail as { readonly type?: Json };
  return typeof type === "string" && type !== "";
}
