import { zValidator } from "@hono/zod-validator";
import type { Context, MiddlewareHandler } from "hono";
import type * as z from "zod";
import type { AppEnv } from "./context.ts";
import { describeIssues, malformed, type RefuseMalformed } from "./malformed.ts";
import { validating } from "./validates.ts";

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
  const shaped: MiddlewareHandler = zValidator("query", schema, (result, c: Context<AppEnv>) =>
    result.success ? undefined : refuse(c, malformed(describeIssues(result.error, "query"))),
  );
  const read: MiddlewareHandler<AppEnv, string, QueryInput<Schema>> = async function query(c, next) {
    if (Object.values(c.req.queries()).some((values) => values.length > 1)) {
      return await refuse(c, malformed("a query parameter came more than once"));
    }
    return (await shaped(c, next)) ?? undefined;
  };
  return validating(read, { part: "query", schema });
}
