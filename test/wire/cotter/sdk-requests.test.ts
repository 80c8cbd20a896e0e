import { describe, expect, test } from "vitest";
import { makeApp } from "../support/app.ts";
import { place } from "../support/place.ts";
import { lacking, play } from "../support/sdk-requests.ts";
import { APP_REDIRECT, newScene, PY_REDIRECT, SDK_REQUESTS, WEB_ORIGIN } from "./sdk-requests.ts";

describe("every request of every SDK is answered with what its decoder requires", () => {
  test.each(SDK_REQUESTS)("$name", async ({ makeKey, requests, keepsCookies }) => {
    const app = await makeApp(place(), {
      redirect_uris: [APP_REDIRECT, WEB_ORIGIN, PY_REDIRECT],
      allowed_origins: [WEB_ORIGIN, PY_REDIRECT],
    });
    expect(requests.length).toBeGreaterThan(0);
    await play(app.origin, requests, newScene(place(), app.clientId, makeKey), keepsCookies);
  });
});

test("a member that is missing, of another type or not a date is named", () => {
  const needs = { a: "string", "b.c": "integer", d: "date", e: ["string", "null"], f: "absent" } as const;
  expect(lacking(needs, { a: "x", b: { c: 1 }, d: "2026-01-01T00:00:00Z", e: null })).toEqual([]);
  expect(lacking(needs, { a: 1, b: {}, d: "1 January", e: 2, f: 0 })).toHaveLength(5);
});
