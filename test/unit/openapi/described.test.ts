import { Validator } from "@cfworker/json-schema";
import { describe, expect, test } from "vitest";
import { makeApp } from "../../../src/app.ts";
import { answering, descriptions, openApi } from "../../../src/openapi.ts";
import { contentAt, operationsOf } from "./document.ts";

const { routes } = makeApp();
const document = openApi(routes);
const strict = openApi(routes, descriptions(), { strict: true });
const operations = operationsOf(document);

/** `GET /oauth/device/*` is that path and all below it. */
const isExcluded = (name: string, rule: string): boolean =>
  rule.endsWith("/*") ? name === rule.slice(0, -2) || name.startsWith(rule.slice(0, -1)) : name === rule;

describe("every route is described", () => {
  const doors = descriptions();
  const rules = doors.flatMap(({ excluded = {} }) => Object.keys(excluded));
  const described = new Set(doors.flatMap(({ operations: own }) => Object.keys(own)));
  const mounted = answering(routes).map(({ method, path }) => `${method} ${path}`);

  test("each mounted route is described, or named as excluded", () => {
    const neither = mounted.filter(
      (name) => !described.has(name) && !rules.some((rule) => isExcluded(name, rule)),
    );
    expect(neither).toEqual([]);
    expect(described.size).toBeGreaterThan(130);
  });

  test("each exclusion excludes something that is not described", () => {
    const empty = rules.filter(
      (rule) => !mounted.some((name) => !described.has(name) && isExcluded(name, rule)),
    );
    expect(empty).toEqual([]);
  });

  test("a description whose route is gone throws", () => {
    const [door] = descriptions();
    const [operation] = Object.values(door!.operations);
    const planted = { ...door!, operations: { ...door!.operations, "GET /nowhere": operation! } };
    expect(() => openApi(routes, [planted])).toThrow("GET /nowhere is described and not mounted");
  });
});

describe("examples", () => {
  test("each route has one", () => {
    const without = descriptions().flatMap(({ operations: own, examples }) =>
      Object.keys(own).filter((name) => examples[name] === undefined),
    );
    expect(without).toEqual([]);
  });

  test("none is of a route that is not described", () => {
    const stray = descriptions().flatMap(({ operations: own, examples }) =>
      Object.keys(examples).filter((name) => own[name] === undefined),
    );
    expect(stray).toEqual([]);
  });

  const cases = descriptions().flatMap(({ operations: own, examples }) =>
    Object.entries(examples).flatMap(([name, example]) => (own[name] ? [[name, example] as const] : [])),
  );
  test.each(cases)("%s: request and answer are as the description says", (name, example) => {
    const operation = operations.get(name);
    const asked = contentAt(operation?.requestBody);
    const sent = example.body ?? example.form;
    if (sent !== undefined) expect(problemsOf(document, asked, sent)).toEqual([]);
    for (const { name: parameter, in: where, required } of operation?.parameters ?? []) {
      const given = where === "path" ? example.path : where === "query" ? example.query : example.headers;
      if (required) expect(given, `${where} ${parameter}`).toHaveProperty([parameter]);
    }
    const answer = operationsOf(strict).get(name)?.responses[example.status];
    expect(answer, `status ${example.status}`).toBeDefined();
    if (example.answer !== undefined) {
      expect(problemsOf(strict, contentAt(answer), example.answer)).toEqual([]);
    }
  });
});

function problemsOf(whole: object, schema: object | undefined, value: unknown): string[] {
  if (schema === undefined) return ["no schema"];
  const { components } = whole as { components: object };
  const { errors } = new Validator({ ...schema, components } as never, "2020-12", false).validate(value);
  return errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}
