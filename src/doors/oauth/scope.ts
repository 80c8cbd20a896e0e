import { no, ok, type Result } from "../../core/result.ts";
import { type OAuthError, wrong } from "./errors.ts";

/** What may be asked for; anything else is refused by name (OpenID Connect Core, sections 3.1.2.1, 5.4 and 11). */
export const SCOPES = ["openid", "profile", "email", "phone", "offline_access"] as const;

const LONGEST = 1_000;
const ONE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** The scope values of a request, each once, in the order asked (RFC 6749 §3.3); refused as `invalid_scope`. None is an empty list. */
export function readScope(text: string | undefined): Result<readonly string[], OAuthError> {
  if (text === undefined) return ok([]);
  const values = [...new Set(text.split(" ").filter((value) => value !== ""))];
  const isReadable = text.length <= LONGEST && values.every((value) => ONE.test(value));
  if (!isReadable) return no(wrong("invalid_scope", "The scope cannot be read"));
  const known: readonly string[] = SCOPES;
  return values.every((value) => known.includes(value))
    ? ok(values)
    : no(wrong("invalid_scope", "The scope has an unknown value"));
}

/** Whether a scope text has this value. */
export const hasScope = (scope: string, value: string): boolean => scope.split(" ").includes(value);
