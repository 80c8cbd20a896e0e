/** OpenAuth on the subject's own workerd, its KV on disk. The first use makes its keys: the flow signs one user in before the clock runs. */
import { join } from "node:path";
import { serveBare } from "../subject/bare.ts";

const config = join(import.meta.dirname, "openauth/wrangler.toml");
const bare = await serveBare({ config, script: "worker.js" });
process.once("SIGTERM", () => void bare.stop().finally(() => process.exit(0)));
console.log(JSON.stringify({ origin: bare.origin }));
