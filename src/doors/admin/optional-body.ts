import type { MiddlewareHandler } from "hono";
import type * as z from "zod";
import type { AppEnv } from "../../http/context.ts";
import { type JsonInput, jsonBody } from "../../http/json-body.ts";
import { validating } from "../../http/validates.ts";
import { refuse } from "./errors.ts";

/** `jsonBody` for a call that may come without any body, which then reads as `{}`. */
export function optionalBody<Schema extends z.ZodType<object>>(
  schema: Schema,
): MiddlewareHandler<AppEnv, string, JsonInput<Schema>> {
  const read = jsonBody(schema, refuse);
  const readOrNone: MiddlewareHandler<AppEnv, string, JsonInput<Schema>> = async function optionalBody(
    c,
    next,
  ) {
    const bare = c.req.raw.body === null || c.req.header("Content-Length") === "0";
    if (!bare) return await read(c, next);
    c.req.addValidatedData("json", schema.parse({}));
    return await next();
  };
  return validating(readOrNone, { part: "json", schema, optional: true });
}
