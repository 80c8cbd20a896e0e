import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type * as z from "zod";
import type { AppEnv } from "../../http/context.ts";
import type { JsonInput } from "../../http/json-body.ts";
import { describeIssues, malformed } from "../../http/malformed.ts";
import { validating } from "../../http/validates.ts";
import { BAD_REQUEST, MISSING_BODY, MISSING_PARAMETER, refuse, wrong } from "./errors.ts";

const LIMIT = 16 * 1024;
const JSON_TYPE = /^application\/json(?:\s*;|$)/i;

/**
 * Reads a JSON body of at most 16 KiB; the route finds it in `c.req.valid("json")`. What is wrong has the names of LoginID §8: no
 * body, no JSON, a member that is missing, a member that is not what it should be.
 */
export function body<Schema extends z.ZodType>(
  schema: Schema,
): MiddlewareHandler<AppEnv, string, JsonInput<Schema>> {
  const limited = bodyLimit({ maxSize: LIMIT, onError: (c) => wrong(c, BAD_REQUEST) });
  const readBody: MiddlewareHandler<AppEnv, string, JsonInput<Schema>> = async function body(c, next) {
    let bytes = new ArrayBuffer(0);
    const tooLarge = await limited(c, async () => {
      bytes = await c.req.arrayBuffer();
    });
    if (tooLarge) return tooLarge;
    if (bytes.byteLength === 0) return wrong(c, MISSING_BODY);
    const given = parsed(c, bytes);
    if (given === undefined) return wrong(c, BAD_REQUEST);
    const read = await schema.safeParseAsync(given.value);
    if (!read.success) return refused(c, given.value, read.error);
    c.req.addValidatedData("json", read.data as object);
    return await next();
  };
  return validating(readBody, { part: "json", schema });
}

/** A simple cross-site request cannot have this content type: only a page that its client lists gets past the preflight. */
function parsed(c: Context, bytes: ArrayBuffer): { readonly value: unknown } | undefined {
  if (!JSON_TYPE.test(c.req.header("Content-Type") ?? "")) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function refused(c: Context<AppEnv>, given: unknown, error: z.core.$ZodError): Response {
  const missing = error.issues.find(
    ({ code, path }) => code.startsWith("invalid_") && path.length > 0 && at(given, path) === undefined,
  );
  return missing ? wrong(c, MISSING_PARAMETER) : refuse(c, malformed(describeIssues(error)));
}

const at = (given: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, name) => (typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined),
    given,
  );
