import { expect, test } from "vitest";
import { requireSecret } from "../../../../src/doors/authsignal/client.ts";
import { authsignalRoutes } from "../../../../src/doors/authsignal/routes.ts";

test("T61 the client's secret, whose misses are counted, stands before every route that a backend calls", () => {
  const { routes } = authsignalRoutes();
  const open = routes.filter(
    ({ method, path }) => method !== "ALL" && !/^\/(?:client|ui|link)(?:\/|$)/.test(path),
  );
  const names = [...new Set(open.map(({ method, path }) => `${method} ${path}`))];
  expect(names).toEqual(
    expect.arrayContaining([
      "POST /challenge",
      "POST /verify",
      "POST /claim",
      "GET /challenges",
      "GET /users",
    ]),
  );
  const unguarded = names.filter(
    (name) =>
      !open.some(({ method, path, handler }) => `${method} ${path}` === name && handler === requireSecret),
  );
  expect(unguarded).toEqual([]);
});
