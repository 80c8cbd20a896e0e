import { describe, expect, test } from "vitest";
import { makeSlugs } from "../../../site/anchors.ts";
import { faultsOf } from "../../../site/check.ts";
import { targetOf } from "../../../site/links.ts";
import { pageOf, repository } from "../../../site/place.ts";

const page = (body: string): string => `<main><h1 id="a">A</h1>${body}</main>`;
const faults = (body: string): readonly string[] =>
  faultsOf(
    new Map([
      ["a.html", page(body)],
      ["sub/b.html", page('<h2 id="c">C</h2>')],
    ]),
    new Set(["a.html", "sub/b.html", "site.css", "images/p.svg"]),
  );

describe("the check of the pages", () => {
  test.each([
    '<a href="sub/b.html#c">b</a> <a href="#a">a</a> <a href="https://a.example/x">x</a>',
    '<link href="site.css"><img alt="P" src="images/p.svg">',
    "<pre><code>&lt;a href=&quot;none.html&quot;&gt;</code></pre>",
  ])("passes %s", (body) => {
    expect(faults(body)).toEqual([]);
  });

  test.each([
    ["leads to no file", '<a href="none.html">x</a>'],
    ["leads to no file", '<a href="/a.html">x</a>'],
    ["leads to no file", '<a href="sub">x</a>'],
    ["leads to no section", '<a href="#none">x</a>'],
    ["leads to no section", '<a href="sub/b.html#a-c">x</a>'],
    ["is no address", '<a href="javascript:alert(1)">x</a>'],
    ["is no address", '<a href="http://">x</a>'],
    ["headings of the first level", '<h1 id="b">B</h1>'],
    ["script inline", "<script>alert(1)</script>"],
    ["styles inline", "<style>a{}</style>"],
    ["style or script inline", '<p style="color:red">x</p>'],
    ["style or script inline", '<p onclick="x()">x</p>'],
    ["loads something from elsewhere", '<img alt="" src="https://a.example/x.png">'],
    ["a picture has no text", '<img src="images/p.svg">'],
    ["two parts are named a", '<h2 id="a">A</h2>'],
  ])("finds what %s: %s", (what, body) => {
    expect(faults(body)).toHaveLength(1);
    expect(faults(body)[0]).toContain(what);
  });
});

describe("a link of a document", () => {
  test.each([
    ["docs/oauth.md", "waiting.md#x", "waiting.html#x"],
    ["docs/guides/migrate.md", "../oauth.md", "../oauth.html"],
    ["docs/oauth.md", "decisions", "decisions/index.html"],
    ["docs/operating.md", "../CHANGELOG.md", "changelog.html"],
    ["CHANGELOG.md", "docs/oauth.md", "oauth.html"],
    ["README.md", "docs/oauth.md", "oauth.html"],
    ["docs/guides/migrate.md", "#x", "#x"],
    ["docs/how-it-works.md", "images/how-it-works.svg", "images/how-it-works.svg"],
    ["docs/oauth.md", "https://a.example/x", "https://a.example/x"],
  ])("of %s to %s leads to %s", (source, href, to) => {
    expect(targetOf(source, href)).toEqual({ href: to });
  });

  test("to a file that is no page leads to the repository, where its address is known", () => {
    const before = process.env.SITE_REPOSITORY;
    try {
      process.env.SITE_REPOSITORY = "git+https://git.example/owner/name.git";
      expect(repository()).toBe("https://git.example/owner/name");
      expect(targetOf("docs/oauth.md", "../src/worker.ts")).toEqual({
        href: "https://git.example/owner/name/blob/HEAD/src/worker.ts",
      });
      process.env.SITE_REPOSITORY = "javascript:alert(1)";
      expect(() => repository()).toThrow("not https");
      process.env.SITE_REPOSITORY = "";
      expect(targetOf("docs/oauth.md", "../src/worker.ts")).toEqual({ elsewhere: "src/worker.ts" });
    } finally {
      if (before === undefined) delete process.env.SITE_REPOSITORY;
      else process.env.SITE_REPOSITORY = before;
    }
  });

  test.each(["none.md", "../src/none.ts", "javascript:alert(1)"])("to %s is found", (href) => {
    expect(targetOf("docs/oauth.md", href)).toHaveProperty("fault");
  });
});

test("a README is the page of its folder, and a file that is no document has none", () => {
  expect(pageOf("docs/README.md")).toBe("index.html");
  expect(pageOf("docs/decisions/README.md")).toBe("decisions/index.html");
  expect(pageOf("src/worker.ts")).toBeUndefined();
});

test("headings are named as GitHub names them", () => {
  const slugOf = makeSlugs();
  expect(["`GET /app`, and more", "A", "A", "Über uns_1"].map(slugOf)).toEqual([
    "get-app-and-more",
    "a",
    "a-1",
    "über-uns_1",
  ]);
});
