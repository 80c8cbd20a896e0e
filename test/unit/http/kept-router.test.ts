import { TrieRouter } from "hono/router/trie-router";
import { describe, expect, test } from "vitest";
import { KeptRouter } from "../../../src/http/kept-router.ts";

const ROUTES = [
  ["ALL", "/*", "every"],
  ["GET", "/keys", "keys"],
  ["POST", "/keys", "new key"],
  ["GET", "/users/:id", "user"],
  ["GET", "/users/me", "me"],
  ["GET", "/:page{[a-z]+\\.html}", "page"],
  ["GET", "/files/*", "file"],
  ["ALL", "/keys", "any method"],
] as const;

function routers() {
  const [kept, plain] = [new KeptRouter<string>(), new TrieRouter<string>()];
  for (const [method, path, handler] of ROUTES) {
    kept.add(method, path, handler);
    plain.add(method, path, handler);
  }
  return { kept, plain };
}

describe("the router", () => {
  test("finds what Hono's finds, the first time and from memory", () => {
    const { kept, plain } = routers();
    const paths = ["/", "/keys", "/keys/", "/users/me", "/users/7", "/a.html", "/files/a/b", "/none"];
    for (const path of [...paths, ...paths]) {
      for (const method of ["GET", "POST", "PUT", "OPTIONS", "BREW"]) {
        // Of both, what is found and what stands in the path; the two write it in different forms.
        const [found, wanted] = [kept, plain].map((router) => {
          const [handlers, stash] = router.match(method, path);
          return handlers.map(([handler, params]) => [
            handler,
            Object.entries(params).map(([name, at]) => [
              name,
              stash ? (stash as readonly string[])[at as number] : at,
            ]),
          ]);
        });
        expect(found).toEqual(wanted);
      }
    }
  });

  test("remembers a path that is a route as it stands", () => {
    const { kept } = routers();
    expect(kept.match("GET", "/keys")).toBe(kept.match("GET", "/keys"));
    expect(kept.match("POST", "/keys")).not.toBe(kept.match("GET", "/keys"));
  });

  test.each([
    ["GET", "/users/7"],
    ["GET", "/none"],
    ["GET", "/files/a"],
    ["BREW", "/keys"],
  ])("a caller cannot make it remember %s %s", (method, path) => {
    const { kept } = routers();
    expect(kept.match(method, path)).not.toBe(kept.match(method, path));
  });
});
