import { zValidator } from "@hono/zod-validator";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type * as z from "zod";
import type { AppEnv } from "./context.ts";
import { describeIssues, malformed, type RefuseMalformed } from "./malformed.ts";
import { validating } from "./validates.ts";

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/i;
const DEFAULT_LIMIT = 64 * 1024;

/** What a route after `jsonBody(schema)` gets from `c.req.valid("json")`. */
export type JsonInput<Schema extends z.ZodType> = {
  in: { json: z.input<Schema> };
  out: { json: z.output<Schema> };
};

/** Why the bytes cannot be read as JSON; the validator behind it would take bad UTF-8 and foreign content types. */
async function unreadable(c: Context): Promise<string | undefined> {
  const type = (c.req.header("Content-Type") ?? "").split(";")[0]?.trim() ?? "";
  if (!JSON_TYPE.test(type)) return "the content type must be application/json";
  const bytes = await c.req.arrayBuffer();
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
    return undefined;
  } catch (cause) {
    return cause instanceof SyntaxError ? "the body is not JSON" : "the body is not UTF-8";
  }
}

/**
 * Reads a JSON body of at most `limit` bytes (64 KiB) and checks its shape; the route finds it in `c.req.valid("json")`.
 * Whatever is wrong - content type, UTF-8, JSON, shape, size - ends in `refuse` with the refusal `malformed`.
 */
export function jsonBody<Schema extends z.ZodType>(
  schema: Schema,
  refuse: RefuseMalformed,
  options: { readonly limit?: number } = {},
): MiddlewareHandler<AppEnv, string, JsonInput<Schema>> {
  const maxSize = options.limit ?? DEFAULT_LIMIT;
  const limited = bodyLimit({
    maxSize,
    onError: (c) => refuse(c, malformed(`the body is longer than ${maxSize} bytes`)),
  });
  const shaped: MiddlewareHandler = zValidator("json", schema, (result, c: Context<AppEnv>) =>
    result.success ? undefined : refuse(c, malformed(describeIssues(result.error))),
  );
  const read: MiddlewareHandler<AppEnv, string, JsonInput<Schema>> = async function jsonBody(c, next) {
    let wrong: string | undefined;
    const tooLarge = await limited(c, async () => {
      wrong = await unreadable(c);
    });
    if (tooLarge) return tooLarge;
    if (wrong !== undefined) return refuse(c, malformed(wrong));
    return (await shaped(c, next)) ?? undefined;
  };
  return validating(read, { part: "json", schema });
}
