import { Validator } from "@cfworker/json-schema";
import { expect } from "vitest";
import { makeApp } from "../../../src/app.ts";
import type { DoorDescription, Example } from "../../../src/http/openapi/operation.ts";
import { descriptions, openApi, pathOf } from "../../../src/openapi.ts";
import { contentAt, operationsOf } from "../../unit/openapi/document.ts";

const document = openApi(makeApp().routes, descriptions(), { strict: true });
const operations = operationsOf(document);
const { components } = document as {
  components: { responses: Record<string, { content?: Record<string, { schema: object }> }> };
};

type At = { ask(path: string, init: RequestInit): Promise<Response> };
// biome-ignore lint/suspicious/noExplicitAny: a test reads members that it asserts
type Answer = { readonly status: number; readonly body: any; readonly headers: Headers };
/** What depends on the state of the server: it stands in the example's place. */
export type Given = Partial<Pick<Example, "path" | "query" | "headers" | "form">> & {
  readonly body?: Readonly<Record<string, unknown>>;
  readonly status?: number;
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The example with these members in place of its own. */
function merged(example: unknown, given: unknown): unknown {
  if (!isObject(example) || !isObject(given)) return given ?? example;
  const names = new Set([...Object.keys(example), ...Object.keys(given)]);
  return Object.fromEntries([...names].map((name) => [name, merged(example[name], given[name])]));
}

function problemsOf(name: string, status: number, type: string, body: unknown): string[] {
  const found = operations.get(name)?.responses[status];
  const ref = found?.$ref?.split("/").at(-1);
  const described = ref === undefined ? found : components.responses[ref];
  if (!described) return [`status ${status} is not described`];
  const [[wanted] = []] = Object.entries(described.content ?? {});
  const schema = contentAt(described);
  if (schema === undefined || wanted === undefined) return [];
  if (!type.startsWith(wanted)) return [`${type} where ${wanted} is described`];
  const { errors } = new Validator({ ...schema, components } as never, "2020-12", false).validate(body);
  return errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}

const query = (pairs: Readonly<Record<string, string>> = {}): string =>
  Object.keys(pairs).length === 0 ? "" : `?${new URLSearchParams(pairs)}`;

/** Sends the documented examples of a door to the server, and holds each answer against the description. */
export function player(at: At, door: DoorDescription) {
  const played = new Set<string>();
  /** No body is a list: the description refuses it, and so does the server, before it looks at anything else of the call. */
  const refusesList = async (name: string, url: string, init: RequestInit): Promise<void> => {
    const answer = await at.ask(url, { ...init, body: "[]" });
    const type = answer.headers.get("Content-Type") ?? "";
    expect([name, answer.status]).toEqual([name, 400]);
    expect(problemsOf(name, 400, type, await answer.json())).toEqual([]);
  };
  /** Sends this route's example with what depends on the state; the answer has the documented status and shape. */
  const play = async (name: string, given: Given = {}): Promise<Answer> => {
    const example = door.examples[name];
    if (!example) throw new Error(`${name} has no example`);
    const [method = "", template = ""] = name.split(" ");
    const path = pathOf(template).replaceAll(/\{(\w+)\}/g, (_, parameter: string) =>
      encodeURIComponent(given.path?.[parameter] ?? example.path?.[parameter] ?? ""),
    );
    const form = example.form || given.form ? { ...example.form, ...given.form } : undefined;
    const body = example.body === undefined ? undefined : merged(example.body, given.body);
    const headers = {
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...example.headers,
      ...given.headers,
    };
    const url = `${path}${query({ ...example.query, ...given.query })}`;
    if (body !== undefined) await refusesList(name, url, { method, headers });
    const sent = form ? new URLSearchParams(form) : body === undefined ? undefined : JSON.stringify(body);
    const answer = await at.ask(url, {
      method,
      headers,
      ...(sent === undefined ? {} : { body: sent }),
    });
    answer.webSocket?.accept();
    answer.webSocket?.close();
    const text = await answer.text();
    const type = answer.headers.get("Content-Type") ?? "";
    const said = /json/.test(type) ? JSON.parse(text) : text;
    expect([answer.status, text.slice(0, 400)]).toEqual([given.status ?? example.status, text.slice(0, 400)]);
    expect(problemsOf(name, answer.status, type, said)).toEqual([]);
    played.add(name);
    return { status: answer.status, body: said, headers: answer.headers };
  };
  /** Examples of the door that were not sent. */
  const unsent = (): string[] => Object.keys(door.operations).filter((name) => !played.has(name));
  return { play, unsent };
}
