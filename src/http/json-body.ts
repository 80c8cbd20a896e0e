import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { z } from "zod";
import type { Result } from "../core/result.ts";
import { no, ok } from "../core/result.ts";
import type { AppEnv } from "./context.ts";
import { describeIssues, malformed, type RefuseMalformed } from "./malformed.ts";

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/i;
const DEFAULT_LIMIT = 64 * 1024;

/** What a route after `jsonBody(schema)` gets from `c.req.valid("json")`. */
export type JsonInput<Schema extends z.ZodType> = {
  in: { json: z.input<Schema> };
  out: { json: z.output<Schema> };
};

async function readJson(c: Context): Promise<Result<unknown, string>> {
  const type = (c.req.header("Content-Type") ?? "").split(";")[0]?.trim() ?? "";
  if (!JSON_TYPE.test(type)) return no("the content type must be application/json");
  const bytes = await c.req.arrayBuffer();
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return no("the body is not UTF-8");
  }
  try {
    return ok(JSON.parse(text));
  } catch {
    return no("the body is not JSON");
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
  return async function jsonBody(c, next) {
    let wrong: string | undefined;
    const tooLarge = await limited(c, async () => {
      const body = await readJson(c);
      if (!body.ok) {
        wrong = body.error;
        return;
      }
      const parsed = await schema.safeParseAsync(body.value);
      if (parsed.success) c.req.addValidatedData("json", parsed.data as object);
      else wrong = describeIssues(parsed.error);
    });
    if (tooLarge) return tooLarge;
    if (wrong !== undefined) return refuse(c, malformed(wrong));
    return await next();
  };
}
