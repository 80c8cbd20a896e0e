import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { createTestHarness } from "wrangler";

const ROOT = resolve(import.meta.dirname, "..");

export type Subject = { readonly origin: string; readonly adminToken: string; stop(): Promise<void> };

/**
 * Serves the bundled Worker on workerd, D1 and objects on disk in a folder of its own, without the proxy of `wrangler dev`: that
 * proxy's ceiling would be measured instead.
 */
export async function serveSubject(): Promise<Subject> {
  // wrangler builds the pages where it was started.
  process.chdir(ROOT);
  const secrets = parseEnv(readFileSync(join(ROOT, ".dev.vars.example"), "utf8"));
  const server = createTestHarness({
    root: ROOT,
    workers: [
      {
        configPath: join(ROOT, "wrangler.toml"),
        vars: { ISSUER: "http://127.0.0.1:8787", ENVIRONMENT: "development" },
        secrets: secrets as Record<string, string>,
      },
    ],
  });
  const { url } = await server.listen();
  await server.getWorker().applyD1Migrations("DB" as never);
  return {
    origin: url.origin,
    adminToken: secrets.ADMIN_TOKEN ?? "",
    stop: () => server.close(),
  };
}
