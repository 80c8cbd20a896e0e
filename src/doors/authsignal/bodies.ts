import type { Context, MiddlewareHandler } from "hono";
import type * as z from "zod";
import { readExternalId } from "../../core/user/external-id.ts";
import type { AppEnv } from "../../http/context.ts";
import { type JsonInput, jsonBody } from "../../http/json-body.ts";
import { validating } from "../../http/validates.ts";
import { refuse } from "./errors.ts";

/** A JSON body of this shape, or the refusal in this door's words. */
export const body = <Schema extends z.ZodType>(schema: Schema) => jsonBody(schema, refuse);

/** The same for a call that some SDKs make without any body, which then reads as `{}`. */
export function bodyOrNone<Schema extends z.ZodType<object>>(
  schema: Schema,
): MiddlewareHandler<AppEnv, string, JsonInput<Schema>> {
  const read = jsonBody(schema, refuse);
  const readOrNone: MiddlewareHandler<AppEnv, string, JsonInput<Schema>> = async function bodyOrNone(
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

/** What ends a path for the SDKs (§0.12). */
const UNFIT = /[/?#]/;

/** Whether this is an external id, and one that the SDKs can send whole in a path. */
export const isUserName = (name: string): boolean => readExternalId(name) !== undefined && !UNFIT.test(name);

/** A user's name of the path, decoded once; undefined for one that is no user's or that the SDKs could not have sent whole. */
export function nameOfPath(c: Context): string | undefined {
  const name = c.req.param("user") ?? "";
  return isUserName(name) ? name : undefined;
}
