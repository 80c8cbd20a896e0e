import type { Context } from "hono";
import { no, ok, type Result } from "../../core/result.ts";
import type { AppEnv } from "../../http/context.ts";
import { readForm } from "../../http/form.ts";
import { type OAuthError, refuse, wrong } from "./errors.ts";

/** Parameters of a request, each once; an empty one is as good as none (RFC 6749 §3.1). */
export type Parameters = Readonly<Partial<Record<string, string>>>;

const LONGEST = 16_384;

const UNREADABLE: OAuthError = wrong(
  "invalid_request",
  "The body must be application/x-www-form-urlencoded, at most 16 KiB, in UTF-8, each parameter once",
);

/** Without parameters that have no value. */
export const given = (fields: Parameters): Parameters =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));

/** The form of a call (RFC 6749 §3.2); anything else is refused before anything is looked up (T107). */
export async function formOf(c: Context<AppEnv>): Promise<Result<Parameters, OAuthError>> {
  const fields = await readForm(c, LONGEST);
  return fields ? ok(given(fields)) : no(UNREADABLE);
}

/** Parameters as a query. */
export const queryOf = (parameters: Parameters): string =>
  new URLSearchParams(
    Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined),
  ).toString();

/** Longest authorization request, as a query. Our forms carry it, written once more: that takes up to three times as much. */
export const REQUEST_LIMIT = 12_000;

/** The form of a page that may carry an authorization request; undefined where it cannot be read. */
export const pageForm = (c: Context<AppEnv>): Promise<Parameters | undefined> =>
  readForm(c, 4 * REQUEST_LIMIT);

/** What an endpoint does with a form: the members of its JSON answer, undefined where it has no body, or the error. */
export type Call = (c: Context<AppEnv>, form: Parameters) => Promise<Result<object | undefined, OAuthError>>;

/** The handler of an endpoint that takes a form and answers JSON. */
export const answering =
  (call: Call, status: 200 | 201 = 200) =>
  async (c: Context<AppEnv>): Promise<Response> => {
    const form = await formOf(c);
    if (!form.ok) return refuse(c, form.error);
    const answer = await call(c, form.value);
    if (!answer.ok) return refuse(c, answer.error);
    return answer.value === undefined ? c.body(null, status) : c.json(answer.value, status);
  };
