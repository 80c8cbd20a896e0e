import { Validator } from "@cfworker/json-schema";
import { describe, expect, test } from "vitest";
import type * as z from "zod";
import { makeApp } from "../../../src/app.ts";
import { checksOf, descriptions, openApi } from "../../../src/openapi.ts";
import { contentAt, operationsOf } from "./document.ts";

const { routes } = makeApp();
const document = openApi(routes);
const operations = operationsOf(document);
const { components } = document as { components: object };

type Body = Readonly<Record<string, unknown>>;

const cases = descriptions().flatMap(({ operations: own, examples }) =>
  Object.keys(own).flatMap((name) => {
    const [method = "", path = ""] = name.split(" ");
    const checks = checksOf({ method, path }, routes, "json");
    const body = examples[name]?.body as Body | undefined;
    return checks && body ? [{ name, schema: checks.schema, body }] : [];
  }),
);

/** One member after the other taken away, of another type, longer, and of texts and numbers that mean something elsewhere. */
function* spoilt(body: Body): Generator<Body> {
  yield body;
  const wrong = [null, 7, -1, 1.5, "", "x".repeat(9_000), "x y", "é", true, [], [1], {}, { a: 1 }];
  for (const name of Object.keys(body)) {
    const { [name]: value, ...rest } = body;
    yield rest;
    for (const other of wrong) yield { ...rest, [name]: other };
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const inner of spoilt(value as Body)) yield { ...rest, [name]: inner };
    }
  }
  yield { ...body, unheard_of: 1 };
}

/** Members that are read on behind a change of type: there the description allows what the server refuses. */
const READ_FURTHER: Readonly<Record<string, readonly string[]>> = {
  "POST /api/v0/verify/get_identity": ["challenge_id"],
};

/** Rules of our own that no JSON Schema says: a text is read as an address, a list has no doubles, one of several members is needed. */
const isRefined = (name: string, error: z.ZodError): boolean =>
  error.issues.every(
    ({ code, path }) => code === "custom" || READ_FURTHER[name]?.includes(String(path[0])) === true,
  );

describe("a description and the server say the same of a body", () => {
  test("most routes that take JSON are compared", () => {
    expect(cases.length).toBeGreaterThan(60);
  });

  test.each(cases)("$name", ({ name, schema, body }) => {
    const described = new Validator(
      { ...contentAt(operations.get(name)?.requestBody), components } as never,
      "2020-12",
    );
    let refused = 0;
    for (const one of spoilt(body)) {
      const read = schema.safeParse(one);
      const isDescribed = described.validate(one).valid;
      const shown = JSON.stringify(one).slice(0, 300);
      if (read.success) expect([shown, isDescribed]).toEqual([shown, true]);
      else if (!isRefined(name, read.error)) expect([shown, isDescribed]).toEqual([shown, false]);
      if (!isDescribed) refused += 1;
    }
    if (Object.keys(body).length > 0) expect(refused).toBeGreaterThan(0);
  });

  test("a description of another shape than the route's is found out", () => {
    const { schema, body } = cases.find(({ name }) => name === "POST /approver/sessions/begin")!;
    const other = new Validator({ type: "object", required: ["device_id"] } as never, "2020-12");
    const disagree = [...spoilt(body)].filter(
      (one) => schema.safeParse(one).success !== other.validate(one).valid,
    );
    expect(disagree.length).toBeGreaterThan(0);
  });
});
