/**
 * The product, for the load generator: prints where it is. PORT and STATE keep an earlier start's address and data, BUNDLE its build.
 * ASSETS=1 serves the static files, too.
 */
import { join } from "node:path";
import { developmentValues, migrate, ROOT, serveBare } from "./bare.ts";
import { freePort } from "./port.ts";

const { PORT, STATE, BUNDLE, MIGRATED, ASSETS } = process.env;
const values = developmentValues();
const port = PORT ? Number(PORT) : await freePort();
const bare = await serveBare({
  config: join(ROOT, "wrangler.toml"),
  script: "worker.js",
  bindings: { ...values, ENVIRONMENT: "development", ISSUER: `http://127.0.0.1:${port}` },
  port,
  ...(STATE ? { state: STATE } : {}),
  ...(BUNDLE ? { folder: BUNDLE } : {}),
  isWithAssets: ASSETS === "1",
});
if (!MIGRATED) await migrate(bare.miniflare);
process.once("SIGTERM", () => void bare.stop().finally(() => process.exit(0)));
console.log(JSON.stringify({ origin: bare.origin, adminToken: values.ADMIN_TOKEN }));
