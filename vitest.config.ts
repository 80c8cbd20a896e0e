import { readFileSync } from "node:fs";
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

const worker = cloudflareTest(async () => ({
  wrangler: { configPath: resolve(root, "wrangler.toml") },
  miniflare: {
    bindings: {
      ...developmentVars,
      ISSUER: "http://localhost:8787",
      TEST_MIGRATIONS: await readD1Migrations(resolve(root, "migrations")),
    },
  },
}));

// For pages written in JSX, whichever tsconfig their test belongs to.
const oxc = { jsx: { runtime: "automatic", importSource: "hono/jsx" } } as const;

/** Node 24 has `Uint8Array.fromBase64` behind a switch; workerd and later Nodes simply have it. */
const execArgv = "fromBase64" in Uint8Array ? [] : ["--js-base-64"];

/** The walks take longest and are short files, so they would begin last and leave one core idle. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => moduleId.includes("/in-flight");
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        oxc,
        test: { name: "unit", include: ["test/unit/**/*.test.{ts,tsx}"], testTimeout: 30_000, execArgv },
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
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "wire",
          include: ["test/wire/**/*.test.ts"],
          globalSetup: ["test/wire/global-setup.ts"],
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
    ],
  },
});
