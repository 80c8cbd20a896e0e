import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";

/** Brings this test file's database to the newest migration; done for every file by `setup.ts`. */
export async function migrate(): Promise<void> {
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
}

/** For `beforeEach`: empties database, objects and queues, then migrates again. */
export async function freshState(): Promise<void> {
  await reset();
  await migrate();
}
