import { execFile } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { afterAll, describe, expect, test } from "vitest";
import { type Block, blocksIn, httpFault, nameOf, withoutComments } from "./code-blocks.ts";

const root = resolve(import.meta.dirname, "../../..");
const run = promisify(execFile);
const read = (path: string): string => readFileSync(resolve(root, path), "utf8");

const PAGES = ["*.md", "docs/**/*.md", "packages/*/README.md"];
const paths = PAGES.flatMap((pattern) => globSync(pattern, { cwd: root }))
  .filter((path) => !path.startsWith("docs/decisions/"))
  .sort();
const blocks = paths.flatMap((path) => blocksIn(path, read(path)));

/** Scripts that a test runs as they stand on their page, so that they are only parsed here. */
const RUN: Readonly<Record<string, string>> = {
  "docs/oauth.md": "test/wire/oauth/page-examples.test.ts",
  "docs/approver.md": "test/unit/documents/approver.test.ts",
  "docs/verify.md": "test/wire/oauth/verify-page.test.ts",
};

/** Pieces of a program that lies elsewhere: parsed, not checked for types. */
const PIECES: Readonly<Record<string, string>> = {
  "docs/oauth.md: // Auth.js: register <your origin>/aut":
    "options for two frameworks, whose values are the reader's",
  "docs/oauth.md: const url = client.buildEndSessionUrl(":
    "a line for web.mjs of the same page; page-examples calls it so",
  "docs/authsignal.md: const authsignal = new Authsignal({ ap": "lines for an app that has the vendor's SDK",
  'docs/phone-library.md: import * as Hardware from "@animo-id/e':
    "test/unit/documents/phone-library.test.ts checks it with the types of Expo's modules",
  'docs/webhooks.md: import { Webhook } from "standardwebho':
    "the headers and the body are the reader's framework's",
};

/** Blocks that no tool reads, with the reason. */
const UNREAD: Readonly<Record<string, string>> = {
  "docs/approver.md: Authorization: DPoP <token>": "two headers",
  "docs/architecture.md: doors: oauth approver cotter loginid a": "a picture in letters",
  "docs/architecture.md: new device Worker ChallengeObject Inbo": "a picture in letters",
  "docs/challenge.md: stateDiagram-v2": "a diagram: the build of the site draws it",
  "docs/delivery.md: send-code ─▶ deliveries.send ─▶ allowe": "a picture in letters",
  "docs/quick-start.md: <!doctype html>": "HTML, which has no wrong text",
  "docs/verification.md: sequenceDiagram": "a diagram: the build of the site draws it",
  'docs/approver.md: {"client":{"id":"shop","name":"Shop"},': "test/unit/documents/approver.test.ts signs it",
  "docs/approver.md: OzQdH527-HjBeZRUZ_1wgPmJKuZVw0KJ0NAMwy": "test/unit/documents/approver.test.ts signs it",
  'docs/operating.md: routes = [{ pattern = "sign.example",': "two lines for wrangler.toml",
  "docs/wire/authsignal.md: body MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQ": "a vector",
  'docs/wire/authsignal.md: {"version":1,"id":"2f0c7a54-7a1f-4a0e-': "a vector, to the byte",
  "docs/wire/cotter.md: public A iojj3XQJ8ZX9UtstPLpdcspnCb8dl": "a vector",
  "docs/wire/cotter.md: RJfkPKV7KgdicJMrJ9G2kI12AbkRAerBJZHk6q": "a vector",
};

const of = (...languages: string[]): readonly Block[] =>
  blocks.filter(({ language }) => languages.includes(language));
const scripts = of("js", "ts", "tsx");
const READ = ["js", "ts", "tsx", "sh", "json", "jsonc", "http"];
const at = ({ path, line }: Block): string => `${path}:${line}`;

describe("code in documents", () => {
  test("there is much of it, in every language that is read here", () => {
    expect(blocks.length).toBeGreaterThan(80);
    expect(READ.filter((language) => of(language).length === 0)).toEqual([]);
  });

  test("what no tool reads is listed with its reason, and nothing else is", () => {
    const unread = blocks.filter(({ language }) => !READ.includes(language)).map(nameOf);
    expect([...new Set(unread)].sort()).toEqual(Object.keys(UNREAD).sort());
    expect(unread).toHaveLength(Object.keys(UNREAD).length);
  });

  test("each piece that is listed is there, and each test that runs a page names it", () => {
    const names = blocks.map(nameOf);
    expect(Object.keys(PIECES).filter((name) => !names.includes(name))).toEqual([]);
    for (const [page, by] of Object.entries(RUN)) {
      expect(existsSync(resolve(root, by)), by).toBe(true);
      expect(read(by)).toContain(page);
    }
  });
});

test.each(of("json").map((block) => [at(block), block] as const))("%s is JSON", (_, { text }) => {
  expect(() => JSON.parse(text)).not.toThrow();
});

test.each(of("jsonc").map((block) => [at(block), block] as const))(
  "%s is JSON with comments",
  (_, { text }) => {
    expect(() => JSON.parse(withoutComments(text))).not.toThrow();
  },
);

test.each(of("http").map((block) => [at(block), block] as const))("%s is an HTTP message", (_, { text }) => {
  expect(httpFault(text)).toBeUndefined();
});

test.each(of("sh").map((block) => [at(block), block] as const))(
  "%s is a script of bash",
  async (_, { text }) => {
    await run("bash", ["-n", "-c", text]);
  },
);

test.each(scripts.map((block) => [at(block), block] as const))("%s parses", async (_, { text, language }) => {
  const loader = language === "js" ? "js" : language === "ts" ? "ts" : "tsx";
  await transform(text, { loader, format: "esm", target: "es2024", jsx: "automatic" });
});

describe("scripts in documents, by the types of what they import", () => {
  mkdirSync(resolve(root, "node_modules/.cache"), { recursive: true });
  const folder = mkdtempSync(resolve(root, "node_modules/.cache/blocks-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Faults by TypeScript in these blocks, as `page:line: what`. JavaScript is read without the strict rules, as editors do. */
  async function typeFaults(name: string, checked: readonly Block[]): Promise<readonly string[]> {
    const here = join(folder, name);
    mkdirSync(here);
    const files = new Map<string, Block>(
      checked.map((block, index) => [`block-${index}.${block.language}`, block] as const),
    );
    for (const [file, { text }] of files) writeFileSync(join(here, file), `${text}\nexport {};\n`);
    writeFileSync(join(here, "tsconfig.json"), tsconfig(name === "js"));
    const { stdout } = await run(process.execPath, [
      resolve(root, "node_modules/typescript/bin/tsc"),
      "-p",
      here,
    ]).catch((error: { stdout: string }) => error);
    const faults = [...stdout.matchAll(/^(?:.*\/)?(block-\d+\.\w+)\((\d+),\d+\): (.*)$/gm)];
    if (faults.length === 0 && stdout.trim() !== "") throw new Error(stdout);
    return faults.map(([, file = "", line, what]) => {
      const block = files.get(file);
      return `${block?.path}:${(block?.line ?? 0) + Number(line)}: ${what}`;
    });
  }

  function tsconfig(isLoose: boolean): string {
    const strict = { strict: !isLoose, noImplicitAny: !isLoose, allowJs: isLoose, checkJs: isLoose };
    return JSON.stringify({
      extends: resolve(root, "tsconfig.base.json"),
      compilerOptions: {
        ...strict,
        lib: ["ES2024", "DOM", "DOM.Iterable"],
        types: ["node"],
        typeRoots: [resolve(root, "node_modules/@types")],
        jsxImportSource: "react",
        noUncheckedIndexedAccess: !isLoose,
        exactOptionalPropertyTypes: !isLoose,
        noUnusedLocals: false,
        noUnusedParameters: false,
        paths: {
          countersign: [resolve(root, "packages/countersign/src/client.ts")],
          "countersign/verify": [resolve(root, "packages/countersign/src/verify/verify.ts")],
          "countersign/verify/*": [resolve(root, "packages/countersign/src/verify/for/*.ts")],
          "countersign/phone": [resolve(root, "packages/countersign/src/phone/phone.ts")],
          "countersign/react": [resolve(root, "packages/countersign/src/react/react.ts")],
        },
      },
      include: [isLoose ? "*.js" : "*"],
    });
  }

  const isChecked = (block: Block): boolean => !(nameOf(block) in PIECES);

  test("every TypeScript block holds under the strict rules", async () => {
    const checked = of("ts", "tsx").filter(isChecked);
    expect(checked.length).toBeGreaterThan(8);
    expect(await typeFaults("ts", checked)).toEqual([]);
  });

  test("every JavaScript block that no test runs holds, too", async () => {
    const checked = of("js").filter((block) => isChecked(block) && RUN[block.path] === undefined);
    expect(checked.length).toBeGreaterThan(3);
    expect(await typeFaults("js", checked)).toEqual([]);
  });

  test("a call that the library does not have is found", async () => {
    const text =
      'import { createClient } from "countersign";\ncreateClient({ issuer: "https://a.example" }).signUp("ada");';
    const planted = { path: "docs/none.md", line: 10, language: "ts", head: "", text };
    const faults = await typeFaults("planted", [planted]);
    expect(faults).toHaveLength(2);
    expect(faults.join("\n")).toMatch(/docs\/none\.md:12: error TS2339: Property 'signUp' does not exist/);
    expect(faults.join("\n")).toMatch(/docs\/none\.md:12: .*'clientId' is missing/);
  });
});

describe("planted blocks", () => {
  test("a block is found with its line, its language and its code, in a list too", () => {
    const text = "# A\n\n```js\na();\n```\n\n- b\n  ```sh\n  c\n  ```\n";
    expect(blocksIn("a.md", text)).toEqual([
      { path: "a.md", line: 3, language: "js", head: "a();", text: "a();\n" },
      { path: "a.md", line: 8, language: "sh", head: "c", text: "c\n" },
    ]);
  });

  test.each([
    ["no start line", "Content-Type: text/plain\n"],
    ["no field", "GET / HTTP/1.1\nHost\n"],
    ["no JSON", "POST / HTTP/1.1\nContent-Type: application/json\n\n{,}"],
  ])("an HTTP message with %s is found", (_, text) => {
    expect(httpFault(text)).toBeDefined();
  });
});
