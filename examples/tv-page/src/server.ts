import { context } from "esbuild";

const { ISSUER, CLIENT_ID, PORT = "3004", HOME_URL } = process.env;

const page = await context({
  entryPoints: ["src/tv.ts"],
  outdir: "public",
  bundle: true,
  write: false,
  format: "esm",
  define: { ISSUER: JSON.stringify(ISSUER), CLIENT_ID: JSON.stringify(CLIENT_ID) },
});
await page.serve({ servedir: "public", host: "127.0.0.1", port: Number(PORT) });
console.log(`Open ${HOME_URL}`);
