import { Authsignal } from "@authsignal/node";
import { serve } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { build } from "esbuild";
import { Hono } from "hono";

const { ISSUER, CLIENT_ID, CLIENT_SECRET = "", PORT = "3006", HOME_URL } = process.env;

// The one line that moves the backend: `apiUrl`.
const authsignal = new Authsignal({ apiSecretKey: CLIENT_SECRET, apiUrl: `${ISSUER}/v1` });

const { outputFiles } = await build({
  entryPoints: ["src/page.ts"],
  bundle: true,
  format: "esm",
  write: false,
  define: { ISSUER: JSON.stringify(ISSUER), TENANT_ID: JSON.stringify(CLIENT_ID) },
});
const script = outputFiles[0]?.text ?? "";

const app = new Hono();

app.post("/sign-in", async (c) => {
  const { userId, deviceId } = await c.req.json<{ userId: string; deviceId: string }>();
  const { token, state } = await authsignal.track({ userId, action: "signIn", attributes: { deviceId } });
  // Whoever has no authenticator yet would be allowed at once. This app lets nobody in without one.
  return state === "CHALLENGE_REQUIRED" ? c.json({ token }) : c.json({ error: "no_phone" }, 403);
});

app.post("/validate", async (c) => {
  const { token } = await c.req.json<{ token: string }>();
  const { isValid, userId } = await authsignal.validateChallenge({ token, action: "signIn" });
  return isValid ? c.json({ userId }) : c.json({ error: "not_approved" }, 403);
});

app.get("/page.js", (c) => c.body(script, 200, { "Content-Type": "text/javascript" }));
app.use(serveStatic({ root: "./public" }));
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(PORT) }, () => console.log(`Open ${HOME_URL}`));
