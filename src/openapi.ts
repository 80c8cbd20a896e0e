import * as z from "zod";
import { adminDescription } from "./doors/admin/openapi/description.ts";
import { approverDescription } from "./doors/approver/openapi/description.ts";
import { authsignalDescription } from "./doors/authsignal/openapi/description.ts";
import { cotterDescription } from "./doors/cotter/openapi/description.ts";
import { loginidDescription } from "./doors/loginid/openapi/description.ts";
import { oauthDescription } from "./doors/oauth/openapi/description.ts";
import type {
  DescribedAnswer,
  DoorDescription,
  Example,
  Operation,
  Security,
} from "./http/openapi/operation.ts";
import { HEADERS, SECURITY } from "./http/openapi/parts.ts";
import { commonDescription } from "./http/openapi/routes.ts";
import { validatesOf } from "./http/validates.ts";

/** Every door's description, in the order of the reference page. */
export const descriptions = (): readonly DoorDescription[] => [
  commonDescription,
  oauthDescription,
  approverDescription,
  adminDescription,
  cotterDescription,
  loginidDescription,
  authsignalDescription,
];

type Json = Readonly<Record<string, unknown>>;
type Route = { readonly method: string; readonly path: string; readonly handler: object };

export type Options = {
  /** Answers have no member that is not described. Clients must allow new ones, so what is published does not say this. */
  readonly strict?: boolean;
};

/** `POST /admin/users/:id` as OpenAPI writes its path. */
export const pathOf = (path: string): string => path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "{$1}");
const parametersOf = (path: string): readonly string[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);

type Schemas = Record<string, Json>;

const DEFS = "#/$defs/";

/** The JSON Schema of a body or an answer; what has an id of its own goes to `named`. */
function schemaOf(schema: z.ZodType, io: "input" | "output", named: Schemas, { strict }: Options = {}): Json {
  const isLoose = io === "output" && !strict;
  const made = z.toJSONSchema(z.object({ root: schema }), {
    io,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (io === "input") Object.assign(jsonSchema, behindPipe(zodSchema));
      if (isLoose && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      // Ids name components here, and are no URI of a schema.
      delete jsonSchema.id;
    },
  });
  const text = JSON.stringify(made).replaceAll(`"${DEFS}`, '"#/components/schemas/');
  const { properties, $defs } = JSON.parse(text) as { properties: { root: Json }; $defs?: Schemas };
  for (const [name, value] of Object.entries($defs ?? {})) {
    if (name.startsWith("__") || (named[name] && JSON.stringify(named[name]) !== JSON.stringify(value))) {
      throw new Error(`two shapes are called ${name}`);
    }
    named[name] = value;
  }
  return properties.root;
}

/**
 * A pipe whose first part takes anything, so that a check stands before the shape is read, is described by its second part. What JSON
 * holds deeper down is left open.
 */
function behindPipe(schema: z.core.$ZodTypes): object {
  const { def } = schema._zod;
  if (def.type !== "pipe") return {};
  const first = def.in as z.core.$ZodTypes;
  const { type } =
    first._zod.def.type === "optional"
      ? (first as z.ZodOptional<z.ZodAny>).unwrap()._zod.def
      : first._zod.def;
  if (type !== "unknown") return {};
  const {
    $defs: _,
    $schema: __,
    ...rest
  } = z.toJSONSchema(def.out as z.ZodType, { io: "input", unrepresentable: "any" });
  return JSON.parse(JSON.stringify(rest).replaceAll(/\{"\$ref":"[^"]*"\}/g, "{}")) as object;
}

/** Every member of an object as a parameter. */
function parametersIn(
  schema: z.ZodType,
  where: "query" | "header",
  given: Readonly<Record<string, string>> | undefined,
  named: Schemas,
): Json[] {
  const { properties = {}, required = [] } = schemaOf(schema, "input", named) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: where,
    ...(description === undefined ? {} : { description }),
    ...(required.includes(name) ? { required: true } : {}),
    schema: rest,
    ...(given?.[name] === undefined ? {} : { example: given[name] }),
  }));
}

const contentOf = (type: string, schema: Json, value: unknown): Json => ({
  [type]: { schema, ...(value === undefined ? {} : { examples: { example: { value } } }) },
});

function answerOf(answer: DescribedAnswer, value: unknown, named: Schemas, options: Options): Json {
  const { description, schema, type = "application/json", headers = [] } = answer;
  return {
    description,
    ...(headers.length === 0
      ? {}
      : { headers: Object.fromEntries(headers.map((name) => [name, HEADERS[name]])) }),
    ...(schema ? { content: contentOf(type, schemaOf(schema, "output", named, options), value) } : {}),
  };
}

const securityOf = (names: readonly Security[]): readonly Json[] =>
  names.length === 0 ? [{}] : names.map((name) => (name === "clientName" ? {} : { [name]: [] }));

/** Too many requests, a bug and an outage can answer any call. */
const ALWAYS = [429, 500, 503];

function answersOf(
  door: DoorDescription,
  { answers, errors = [] }: Operation,
  example: Example | undefined,
  named: Schemas,
  options: Options,
): Json {
  const own = Object.entries(answers).map(([status, answer]) => [
    status,
    answerOf(answer, example?.status === Number(status) ? example.answer : undefined, named, options),
  ]);
  const shared = [...errors, ...ALWAYS]
    .filter((status) => !(status in answers))
    .map((status) => [
      status,
      example?.status === status
        ? answerOf(door.error, example.answer, named, options)
        : { $ref: `#/components/responses/${errorName(door)}` },
    ]);
  return Object.fromEntries([...own, ...shared]);
}

const errorName = ({ tag }: DoorDescription): string => `${tag.replaceAll(/[^A-Za-z]/g, "")}Error`;

function bodyOf(
  route: Route,
  routes: readonly Route[],
  operation: Operation,
  example: Example | undefined,
  named: Schemas,
): Json | undefined {
  if (operation.form) {
    const schema = schemaOf(operation.form, "input", named);
    return { required: true, content: contentOf("application/x-www-form-urlencoded", schema, example?.form) };
  }
  const checked = checksOf(route, routes, "json");
  if (!checked) return undefined;
  const schema = schemaOf(checked.schema, "input", named);
  return { required: !checked.optional, content: contentOf("application/json", schema, example?.body) };
}

/** What the validators that are mounted for this route check: the outermost one, which knows whether a body is needed. */
export const checksOf = (
  { method, path }: Pick<Route, "method" | "path">,
  routes: readonly Route[],
  part: "json" | "query",
) =>
  routes
    .filter((route) => route.method === method && route.path === path)
    .map(({ handler }) => validatesOf(handler))
    .find((checks) => checks?.part === part);

function operationOf(
  door: DoorDescription,
  route: Route,
  routes: readonly Route[],
  named: Schemas,
  options: Options,
): Json {
  const name = `${route.method} ${route.path}`;
  const operation = door.operations[name];
  if (!operation) throw new Error(`${name} is not described`);
  const example = door.examples[name];
  const { id, summary, description, security = door.security, query, headers } = operation;
  const checked = checksOf(route, routes, "query")?.schema;
  const parameters = [
    ...parametersOf(route.path).map((parameter) => ({
      name: parameter,
      in: "path",
      required: true,
      schema: schemaOf(operation.path?.[parameter] ?? z.string(), "input", named),
      ...(example?.path?.[parameter] === undefined ? {} : { example: example.path[parameter] }),
    })),
    ...(checked ? parametersIn(checked, "query", example?.query, named) : []),
    ...(query ? parametersIn(query, "query", example?.query, named) : []),
    ...(headers ? parametersIn(headers, "header", example?.headers, named) : []),
  ];
  const requestBody = bodyOf(route, routes, operation, example, named);
  return {
    operationId: id,
    tags: [door.tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: securityOf(security),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(requestBody ? { requestBody } : {}),
    responses: answersOf(door, operation, example, named, options),
  };
}

/** The routes that answer by a method of their own, each once. `ALL` is middleware, or an answer that says no. */
export const answering = (routes: readonly Route[]): readonly Route[] => {
  const seen = new Map(
    routes.filter(({ method }) => method !== "ALL").map((route) => [`${route.method} ${route.path}`, route]),
  );
  return [...seen.values()];
};

/**
 * The OpenAPI 3.1 document of these routes. What a request must look like comes from the schemas that the routes check with; a description
 * whose route is not mounted throws.
 */
export function openApi(routes: readonly Route[], doors = descriptions(), options: Options = {}): Json {
  const named: Schemas = {};
  const mounted = new Map(answering(routes).map((route) => [`${route.method} ${route.path}`, route]));
  const paths: Record<string, Record<string, Json>> = {};
  for (const door of doors) {
    for (const name of Object.keys(door.operations)) {
      const route = mounted.get(name);
      if (!route) throw new Error(`${name} is described and not mounted`);
      const path = pathOf(route.path);
      paths[path] = {
        ...paths[path],
        [route.method.toLowerCase()]: operationOf(door, route, routes, named, options),
      };
    }
  }
  const responses = Object.fromEntries(
    doors.map((door) => [errorName(door), answerOf(door.error, undefined, named, options)]),
  );
  return {
    openapi: "3.1.0",
    info: {
      title: "Countersign",
      version: "0.1.0",
      summary: "Sign in on a device nobody trusts yet by approving on one that is trusted.",
      description:
        "Every open route of every door. Request shapes are the ones that the server checks with. Answers may get new members: a client has to ignore those that it does not know.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "The deployment that served this document." }],
    tags: doors.map(({ tag, about }) => ({ name: tag, description: about })),
    paths,
    components: { securitySchemes: SECURITY, responses, schemas: named },
  };
}
