import { expect, test } from "vitest";
import { limitGuesses, limitSends } from "../../../../src/doors/authsignal/limits.ts";
import { authsignalRoutes } from "../../../../src/doors/authsignal/routes.ts";

test("T61 a limiter stands before every route of the Authsignal door that has a page's code sent, and before every one that takes it", () => {
  const { routes } = authsignalRoutes();
  const limitOf = (at: string) => {
    const handlers = routes
      .filter(({ method, path }) => `${method} ${path}` === at)
      .map(({ handler }) => handler);
    if (handlers.includes(limitSends)) return "send";
    return handlers.includes(limitGuesses) ? "guess" : "none";
  };
  const ways = /(?:email|sms|whatsapp|link)/;
  const found = new Set(routes.map(({ method, path }) => `${method} ${path}`).filter((at) => ways.test(at)));
  const table = Object.fromEntries([...found].map((at) => [at, limitOf(at)]));
  expect(table).toEqual({
    ...Object.fromEntries(
      ["email-otp", "sms", "whatsapp"].flatMap((way) => [
        [`POST /client/challenge/${way}`, "send"],
        [`POST /client/verify/${way}`, "guess"],
      ]),
    ),
    "POST /client/challenge/email-magic-link": "send",
    "POST /client/user-authenticators/email-magic-link": "send",
    // A poll compares nothing; the page counts for itself, because its answers are pages.
    "POST /client/verify/email-magic-link/finalize": "none",
    "GET /link/:id": "none",
    "POST /link/:id": "none",
    "POST /client/user-authenticators/email-otp": "send",
    "POST /client/user-authenticators/sms": "send",
  });
});
