/**
 * Serves what `wrangler deploy` would upload, on the runtime alone: BUNDLE, STATE (migrated already), PORT, and VARS, a JSON object over
 * .dev.vars.example. It starts in a third of the time of `npm start`, which bundles anew and puts Workers of its own in front.
 */
import { join } from "node:path";
import { developmentValues, ROOT, serveBare } from "../../bench/subject/bare.ts";

const { BUNDLE = "", STATE = "", PORT = "", VARS = "{}" } = process.env;

const bare = await serveBare({
  config: join(ROOT, "wrangler.toml"),
  script: "worker.js",
  bindings: {
    ...developmentValues(),
    ENVIRONMENT: "development",
    ISSUER: `http://127.0.0.1:${PORT}`,
    ...JSON.parse(VARS),
  },
  port: Number(PORT),
  state: STATE,
  folder: BUNDLE,
  isWithAssets: true,
});

const stop = () => void bare.stop().finally(() => process.exit(0));
process.once("SIGTERM", stop);
// A test runner that dies takes its server with it.
process.once("disconnect", stop);
