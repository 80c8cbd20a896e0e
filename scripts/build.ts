/** Builds the scripts of our pages and the description of the API into `assets/`: `[build]` of wrangler.toml calls it before it serves and before it deploys. */
import { buildConsole } from "./build-console.ts";
import { buildDemo } from "./build-demo.ts";
import { buildOpenApi } from "./build-openapi.ts";
import { buildPhone } from "./build-phone.ts";
import { buildQr } from "./build-qr.ts";

await buildQr();
await buildPhone();
await buildConsole();
await buildDemo();
await buildOpenApi();
