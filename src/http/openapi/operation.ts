import type * as z from "zod";

/** How a call shows who it is: names of the security schemes in `src/openapi.ts`. */
export type Security =
  | "adminToken"
  | "apiKeyId"
  | "clientSecret"
  | "clientName"
  | "accessToken"
  | "deviceSession"
  | "dpopToken"
  | "deviceProof"
  | "serviceToken"
  | "tenantSecret"
  | "tenantName"
  | "actionToken"
  | "waiterHandle";

/** One answer of a route. Without a schema it has no body, or one that is no JSON. */
export type DescribedAnswer = {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** `application/json` when it is missing. */
  readonly type?: string;
  readonly headers?: readonly DescribedHeader[];
};

/** Headers that an answer may carry and that a caller goes by. */
export type DescribedHeader =
  | "Retry-After"
  | "DPoP-Nonce"
  | "WWW-Authenticate"
  | "Location"
  | "Cache-Control";

/** What the schemas of a route do not say by themselves. Bodies and queries that a validator checks are read from the mounted route. */
export type Operation = {
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** Ways to show who calls, each good by itself; those of the door when it is missing. */
  readonly security?: readonly Security[];
  /** A form that the route reads by hand. */
  readonly form?: z.ZodObject;
  /** Parameters of the query that the route reads by hand. */
  readonly query?: z.ZodObject;
  /** Parameters of the path beside their plain texts. */
  readonly path?: Readonly<Record<string, z.ZodType>>;
  readonly headers?: z.ZodObject;
  readonly answers: Readonly<Record<number, DescribedAnswer>>;
  /** Statuses that are answered in the door's own shape of errors, besides 429, 500 and 503. */
  readonly errors?: readonly number[];
};

/** A request and its answer, as a server has answered it. */
export type Example = {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly answer?: unknown;
};

/** The routes of one door, by method and path as they are mounted: `POST /admin/users`. */
export type DoorDescription = {
  readonly tag: string;
  readonly about: string;
  readonly security: readonly Security[];
  /** The door's own shape of an error. */
  readonly error: DescribedAnswer;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly examples: Readonly<Record<string, Example>>;
  /** Routes that are mounted and not described, each with the reason: exact, or with `/*` that path and all below it. */
  readonly excluded?: Readonly<Record<string, string>>;
};

/** A body of this shape with status 200. */
export const answers = (schema: z.ZodType, description: string, status = 200) => ({
  [status]: { description, schema },
});

export const NO_CONTENT = { 204: { description: "Done. No body." } } as const;
