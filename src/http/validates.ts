import type * as z from "zod";

/** The part of a request that a middleware checks, and by which schema. */
export type Validates = {
  readonly part: "json" | "query";
  readonly schema: z.ZodType;
  /** The call may come without a body too. */
  readonly optional?: true;
};

const VALIDATES = Symbol("validates");

/** Marks a middleware with what it checks, so that the description of the routes is made of the very same schema (docs/api.md). */
export const validating = <Handler extends object>(handler: Handler, validates: Validates): Handler =>
  Object.assign(handler, { [VALIDATES]: validates });

/** What a handler checks; undefined for one that checks no shape. */
export const validatesOf = (handler: object): Validates | undefined =>
  (handler as { readonly [VALIDATES]?: Validates })[VALIDATES];
