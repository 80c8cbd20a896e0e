import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";

/** Brings this test file's database to the newest migration; done for every file by `setup.ts`. */
export async function migrate(): Promise<void> {
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
}

/** For `beforeEach`: empties database, objects and queues, then migrates again. */
export async function freshState(): Promise<void> {
  // A reset passes over an object that the runtime has put away, and D1 is one: a file of ten idle seconds left its rows to the next.
  await env.DB.prepare("SELECT 1").run();
  await reset();
  const left = await env.DB.prepare("SELECT count(*) AS tables FROM sqlite_master").first("tables");
  if (left !== 0) throw new Error(`${left} tables are there after the reset`);
  await migrate();
}
