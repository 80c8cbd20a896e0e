import type { TestProject } from "vitest/node";
import { logIn, prepare, startServer } from "./server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the served Worker answers: `inject("origin")`. */
    origin: string;
    adminToken: string;
    /** The file into which the served Worker prints. */
    log: string;
  }
}

/** One server for all files of a project; a test that kills or configures its server starts its own. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const forget = await prepare();
  const server = await startServer();
  project.provide("origin", server.origin);
  project.provide("adminToken", "dev-admin-token");
  project.provide("log", logIn(server.dir));
  return async () => {
    await server.stop();
    server.remove();
    forget();
  };
}
