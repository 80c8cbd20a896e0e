import { serve } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { createClient, isCountersignError } from "countersign";
import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { csrf } from "hono/csrf";
import { secureHeaders } from "hono/secure-headers";
import { stream } from "hono/streaming";
import { signedInPage, signInPage } from "./pages.ts";

const { ISSUER = "", CLIENT_ID = "", CLIENT_SECRET = "", PORT = "3001" } = process.env;
const { HOME_URL = `http://127.0.0.1:${PORT}` } = process.env;

const countersign = createClient({ issuer: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });

/** User ids by session id, and by the id of a sign-in that was approved. Yours are in a database. */
const sessions = new Map<string, string>();
const approved = new Map<string, string>();

const cookie = {
  httpOnly: true,
  sameSite: "Strict",
  secure: HOME_URL.startsWith("https:"),
  path: "/",
} as const;

const app = new Hono();
app.use(
  secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'self'"],
      imgSrc: ["'self'", "data:"],
      frameAncestors: ["'none'"],
    },
  }),
);
// Forms of other sites sign nobody in or out here.
app.use(csrf({ origin: HOME_URL }));

app.get("/", (c) => {
  const user = sessions.get(getCookie(c, "session") ?? "");
  return c.html(user === undefined ? signInPage() : signedInPage(user));
});

/** Asks the user, and streams what the page has to show: one JSON text a line. */
app.post("/sign-in", async (c) => {
  const { address } = await c.req.parseBody();
  if (typeof address !== "string" || address.trim() === "") return c.text("address is missing", 400);
  // Only the browser with this cookie can collect what is approved now.
  const start = crypto.randomUUID();
  setCookie(c, "start", start, { ...cookie, path: "/sign-in", maxAge: 600 });
  c.header("Content-Type", "application/x-ndjson");
  return stream(c, async (out) => {
    const control = new AbortController();
    out.onAbort(() => control.abort());
    const say = (line: object) => out.write(`${JSON.stringify(line)}\n`);
    try {
      const { claims } = await countersign.requestApproval(
        { user: address },
        { signal: control.signal, onPrompt: (prompt) => void say({ prompt }) },
      );
      approved.set(start, claims?.sub ?? "");
      setTimeout(() => approved.delete(start), 60_000);
      await say({ done: true });
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      await say({ code: error.code });
    }
  });
});

/** Collects the approval: a new session, whatever session the browser had. */
app.post("/sign-in/finish", (c) => {
  const start = getCookie(c, "start") ?? "";
  const user = approved.get(start);
  if (!user) return c.text("nothing was approved", 403);
  approved.delete(start);
  deleteCookie(c, "start", { ...cookie, path: "/sign-in" });
  endSession(c);
  const session = crypto.randomUUID();
  sessions.set(session, user);
  setCookie(c, "session", session, cookie);
  return c.body(null, 204);
});

app.post("/sign-out", (c) => {
  endSession(c);
  deleteCookie(c, "session", cookie);
  return c.redirect("/", 303);
});

const endSession = (c: Context) => sessions.delete(getCookie(c, "session") ?? "");

app.use(serveStatic({ root: "./public" }));
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(PORT) }, () => console.log(`Open ${HOME_URL}`));
