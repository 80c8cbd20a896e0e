/** better-auth, its device authorization plugin on SQLite (WAL, synchronous FULL). Users sign up by name and password before the clock runs. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer, deviceAuthorization } from "better-auth/plugins";
import { freePort } from "../subject/port.ts";

const folder = mkdtempSync(join(tmpdir(), "countersign-bench-better-auth-"));
const database = new DatabaseSync(join(folder, "data.sqlite"));
database.exec("pragma journal_mode = wal; pragma synchronous = full");
const port = await freePort();
const origin = `http://127.0.0.1:${port}`;
const auth = betterAuth({
  baseURL: origin,
  secret: "a-secret-of-the-bench-that-is-long-enough",
  database,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  trustedOrigins: [origin],
  plugins: [bearer(), deviceAuthorization({ interval: "1s", verificationUri: `${origin}/device` })],
});
const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
createServer(toNodeHandler(auth)).listen(port, "127.0.0.1", () => console.log(JSON.stringify({ origin })));
process.once("SIGTERM", () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
