import type { MiddlewareHandler } from "hono";
import type { z } from "zod";
import type { AppEnv } from "./context.ts";
import { describeIssues, malformed, type RefuseMalformed } from "./malformed.ts";

/** What a route after `query(schema)` gets from `c.req.valid("query")`. */
export type QueryInput<Schema extends z.ZodType> = {
  in: { query: z.input<Schema> };
  out: { query: z.output<Schema> };
};

/**
 * Checks the shape of the query; the route finds it in `c.req.valid("query")`. A parameter that comes twice is refused
 * (RFC 6749 §3.1), also one that the schema does not know.
 */
export function query<Schema extends z.ZodType>(
  schema: Schema,
  refuse: RefuseMalformed,
): MiddlewareHandler<AppEnv, string, QueryInput<Schema>> {
  return async function query(c, next) {
    const all = Object.entries(c.req.queries());
    if (all.some(([, values]) => values.length > 1)) {
      return await refuse(c, malformed("a query parameter came more than once"));
    }
    const parsed = await schema.safeParseAsync(
      Object.fromEntries(all.map(([name, [value]]) => [name, value])),
    );
    if (!parsed.success) return await refuse(c, malformed(describeIssues(parsed.error)));
    c.req.addValidatedData("query", parsed.data as object);
    return await next();
  };
}
