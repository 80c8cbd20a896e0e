import { createConfig, lintFromString } from "@redocly/openapi-core";
import { expect, test } from "vitest";
import { makeApp } from "../../../src/app.ts";
import { openApi } from "../../../src/openapi.ts";

/** The linter's recommended rules; findings as `rule place`. */
async function findings(document: object): Promise<readonly string[]> {
  const config = await createConfig({ extends: ["recommended"] });
  const found = await lintFromString({ source: JSON.stringify(document), config });
  return found.map(({ ruleId, location: [place] }) => `${ruleId} ${place?.pointer ?? ""}`).sort();
}

/** Routes that answer by a socket, a redirect or a refusal alone. */
const WITHOUT_2XX = [
  "#/paths/~1api~1v0~1token~1custom/post/responses",
  "#/paths/~1approver~1socket/get/responses",
  "#/paths/~1challenges~1{id}~1socket/get/responses",
  "#/paths/~1oauth~1logout/post/responses",
];

test("the linter's recommended rules hold, but for routes without a 2XX answer", async () => {
  const document = openApi(makeApp().routes);
  expect(await findings(document)).toEqual(WITHOUT_2XX.map((place) => `operation-2xx-response ${place}`));
});

test("a planted mistake is found", async () => {
  const { paths, ...rest } = openApi(makeApp().routes) as { paths: Record<string, Record<string, object>> };
  const spoilt = { ...rest, paths: { ...paths, "/healthz": { get: { responses: {} } } } };
  expect((await findings(spoilt)).some((one) => one.startsWith("operation-operationId"))).toBe(true);
});
