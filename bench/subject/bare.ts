/**
 * A Worker on workerd as bare as this machine can have it: the bundle of `wrangler deploy`, its bindings, D1 and objects on disk. Requests
 * go to the Worker's own socket; the entry Worker of the development tools is not on their way (it tops out near 1,400 requests a second).
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } from "wrangler";
import { bundleWorker } from "../../scripts/dry-run.ts";

export const ROOT = resolve(import.meta.dirname, "../..");

// wrangler's own copy: a second one would bring a workerd of another build.
const require = createRequire(join(ROOT, "node_modules/wrangler/package.json"));
const { Miniflare, convertV4MiniflareOptions } = require("miniflare");

/** Bundles a Worker as `wrangler deploy` does; answers the folder. */
export function bundle(config: string): string {
  const folder = mkdtempSync(join(tmpdir(), "countersign-bench-"));
  if (config === join(ROOT, "wrangler.toml")) {
    bundleWorker(folder);
    return folder;
  }
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  execFileSync(process.execPath, [wrangler, "deploy", "--dry-run", "--config", config, "--outdir", folder], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
  return folder;
}

export type Bare = { readonly origin: string; readonly miniflare: unknown; stop(): Promise<void> };

type Options = {
  readonly config: string;
  readonly script: string;
  readonly bindings?: Readonly<Record<string, unknown>>;
  /** The port of an earlier start, so that its issuer stays. */
  readonly port?: number;
  /** What an earlier start has left; it stays there then. */
  readonly state?: string;
  readonly folder?: string;
  /** Serves the static files, too: their router is two Workers more on the way of each call. */
  readonly isWithAssets?: boolean;
};

/** Serves it on a socket of its own. */
export async function serveBare({
  config,
  script,
  bindings,
  port = 0,
  state,
  folder,
  isWithAssets = false,
}: Options): Promise<Bare> {
  const bundled = folder ?? bundle(config);
  const { workerOptions } = unstable_getMiniflareWorkerOptions(config);
  const kept = state ?? mkdtempSync(join(tmpdir(), "countersign-bench-state-"));
  mkdirSync(kept, { recursive: true });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...(workerOptions as object),
      // On the platform files are served before the Worker is asked: here their router would be part of each call.
      ...(isWithAssets ? {} : { assets: undefined }),
      modules: [{ type: "ESModule", path: join(bundled, script) }],
      modulesRoot: bundled,
      bindings: { ...(workerOptions.bindings as object), ...bindings },
      resourcePersistencePath: kept,
      unsafeDirectSockets: [{ host: "127.0.0.1", port }],
      host: "127.0.0.1",
      port: 0,
    }),
  );
  await miniflare.ready;
  const direct: URL = await miniflare.unsafeGetDirectURL();
  return {
    origin: direct.origin,
    miniflare,
    async stop() {
      await miniflare.dispose();
      if (folder === undefined) rmSync(bundled, { recursive: true, force: true });
      if (state === undefined) rmSync(kept, { recursive: true, force: true });
    },
  };
}

/** What a development server is told, over which `overrides` go. */
export const developmentValues = (): Record<string, string> =>
  parseEnv(readFileSync(join(ROOT, ".dev.vars.example"), "utf8")) as Record<string, string>;

/** Applies the migrations that a database does not have. */
export async function migrate(miniflare: unknown): Promise<void> {
  const folder = join(ROOT, "migrations");
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql"));
  for (const file of files.sort()) await applySql(miniflare, readFileSync(join(folder, file), "utf8"));
}

/** Runs statements on the database of a served Worker, one after the other. */
export async function applySql(miniflare: unknown, text: string): Promise<void> {
  const database = await (miniflare as { getD1Database(name: string): Promise<D1> }).getD1Database("DB");
  for (const statement of unstable_splitSqlQuery(text)) await database.prepare(statement).run();
}

type D1 = { prepare(text: string): { run(): Promise<unknown> } };
