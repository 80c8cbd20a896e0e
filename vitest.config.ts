import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

if (Number(process.versions.node.split(".")[0]) < 24) {
  throw new Error(
    "Node 24 is needed and installed here: start by `npm test`, or put node_modules/.bin on PATH",
  );
}

const root = import.meta.dirname;
const developmentVars = parseEnv(readFileSync(resolve(root, ".dev.vars.example"), "utf8"));

/** Thousands of small databases are written and thrown away: memory takes them faster than a disk, where there is enough of it. */
const MEMORY = "/dev/shm";
const ENOUGH = 2 ** 30;
function hasMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize > ENOUGH;
  } catch {
    return false;
  }
}
if (process.platform === "linux" && process.env.TMPDIR === undefined && hasMemory()) {
  process.env.TMPDIR = MEMORY;
}

// A test leaves much behind that nobody needs any more: with more room for what is new, the runtimes look through it less often.
process.env.MINIFLARE_WORKERD_V8_FLAGS ??= "--min-semi-space-size=32";

const worker = cloudflareTest(async () => ({
  wrangler: { configPath: resolve(root, "wrangler.toml") },
  miniflare: {
    bindings: {
      ...developmentVars,
      ENVIRONMENT: "development",
      ISSUER: "http://localhost:8787",
      TEST_MIGRATIONS: await readD1Migrations(resolve(root, "migrations")),
    },
  },
}));

// For pages written in JSX, whichever tsconfig their test belongs to.
const oxc = { jsx: { runtime: "automatic", importSource: "hono/jsx" } } as const;

/** Node 24 has `Uint8Array.fromBase64` behind a switch; workerd and later Nodes simply have it. */
const execArgv = "fromBase64" in Uint8Array ? [] : ["--js-base-64"];

/** Every path of a package that the Worker imports: all of them are bundled once, so that none is there twice. */
function packagePaths(): string[] {
  const files = readdirSync(resolve(root, "src"), { recursive: true, encoding: "utf8" });
  const texts = files
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => readFileSync(resolve(root, "src", file), "utf8"));
  const paths = texts.flatMap((text) =>
    [...text.matchAll(/^(?!import type).* from "([^."][^"]*)";/gm)].map(([, path = ""]) => path),
  );
  return [...new Set([...paths, "hono/jsx/jsx-runtime", "hono/jsx/jsx-dev-runtime"])].filter(
    (path) => !/^(cloudflare|node):/.test(path),
  );
}

/** Projects in the order in which they begin. The worker project starts runtimes, which leaves a core idle: those without fill it. */
const ORDER = ["unit", "property", "worker", "wire"];

/** Files that take longest, as parts of their paths: they begin first of their project. A new clone knows no times, and many are short texts. */
const LONGEST = [
  "/in-flight/",
  "/sdk/faults.",
  "/wire/demo.",
  "/scripts/deploy",
  "/unit/doors.",
  "/kill.",
  "/sdk/cli.",
  "/sdk-requests.",
  "/fuzz.",
  "/stranger/",
  "/read-limits.",
];

/** Files of a project one after the other: a runtime that is left for other projects is made anew. Two that take longest go before all. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ project }: TestSpecification) => ORDER.indexOf(project.name);
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((part) => moduleId.includes(part));
      return at < 0 ? LONGEST.length : at;
    };
    const sorted = (await super.sort(files)).sort(
      (one, other) => place(one) - place(other) || rank(one) - rank(other),
    );
    const first = sorted.filter((file) => file.project.name === "worker").slice(0, 2);
    return [...first, ...sorted.filter((file) => !first.includes(file))];
  }
}

export default defineConfig({
  test: {
    // Two more than cores: a file that waits, for a clock or for a server that starts, would leave its core idle.
    maxWorkers: availableParallelism() + 2,
    sequence: { sequencer: LongestFirst },
    // What is waited for comes at once; on a busy machine a second may go by before.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        oxc,
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.{ts,tsx}"],
          testTimeout: 60_000,
          execArgv,
          // Nothing of them outlives a test: a process for each file would cost more than most files.
          isolate: false,
        },
      },
      {
        test: { name: "property", include: ["test/property/**/*.test.ts"], testTimeout: 60_000, execArgv },
      },
      {
        oxc,
        plugins: [worker],
        test: {
          name: "worker",
          include: ["test/worker/**/*.test.ts", "test/contract/**/*.test.ts"],
          setupFiles: ["test/worker/setup.ts"],
          testTimeout: 60_000,
          // A runtime of its own for each file would cost more than half of the files' tests; `setup.ts` begins each anew.
          isolate: false,
          deps: { optimizer: { ssr: { enabled: true, include: packagePaths() } } },
        },
      },
      {
        test: {
          name: "wire",
          include: ["test/wire/**/*.test.ts"],
          globalSetup: ["test/wire/global-setup.ts"],
          // The vendors' packages are loaded once.
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/wire/global-setup.ts"],
          testTimeout: 90_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "examples",
          include: ["test/examples/**/*.test.ts"],
          globalSetup: ["test/wire/global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
