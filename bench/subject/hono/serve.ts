/** The bare route beside the product, on the same runtime. */
import { join } from "node:path";
import { serveBare } from "../bare.ts";

const bare = await serveBare({ config: join(import.meta.dirname, "wrangler.toml"), script: "worker.js" });
process.once("SIGTERM", () => void bare.stop().finally(() => process.exit(0)));
console.log(JSON.stringify({ origin: bare.origin }));
