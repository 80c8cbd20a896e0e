import { context } from "esbuild";

const { ISSUER, CLIENT_ID, PORT = "3005", HOME_URL } = process.env;

const page = await context({
  entryPoints: ["src/page.ts"],
  outdir: "public",
  bundle: true,
  write: false,
  format: "esm",
  define: { global: "globalThis", ISSUER: JSON.stringify(ISSUER), API_KEY_ID: JSON.stringify(CLIENT_ID) },
});
await page.serve({ servedir: "public", host: "127.0.0.1", port: Number(PORT) });
console.log(`Open ${HOME_URL}`);
