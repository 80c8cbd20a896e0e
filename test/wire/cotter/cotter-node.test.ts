import { Constants, CotterValidateJWT } from "cotter-node";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { makeApp } from "../support/app.ts";
import { signIn } from "../support/events.ts";
import { makePerson } from "../support/people.ts";
import { place } from "../support/place.ts";

// The package prints its base URL and every refusal.
beforeEach(() => void vi.spyOn(console, "log").mockImplementation(() => undefined));
afterEach(() => vi.restoreAllMocks());

/** The token with one character of its claims changed. */
function tampered(token: string): string {
  const [head, claims = "", signature] = token.split(".");
  const at = 20;
  const other = claims[at] === "A" ? "B" : "A";
  return [head, claims.slice(0, at) + other + claims.slice(at + 1), signature].join(".");
}

test("the vendor's own package accepts our access token and rejects a tampered one", async () => {
  Constants.BaseURL = `${inject("origin")}/api/v0`;
  const app = await makeApp(place());
  const { access_token } = await signIn(app, await makePerson(app));
  const token = String(access_token);
  expect(await CotterValidateJWT(token)).toBe(true);
  expect(await CotterValidateJWT(tampered(token))).toBe(false);
  const [head, claims] = token.split(".");
  expect(await CotterValidateJWT(`${head}.${claims}.${"A".repeat(86)}`)).toBe(false);
  expect(await CotterValidateJWT(`${Buffer.from('{"alg":"none"}').toString("base64url")}.${claims}.`)).toBe(
    false,
  );
});
