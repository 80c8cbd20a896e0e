import { type Context, Hono } from "hono";
import * as z from "zod";
import { ownClientId } from "../core/client/own-client.ts";
import { QR_TICKET, writeTicket } from "../core/device/ticket.ts";
import { parseUserId } from "../core/ids.ts";
import type { File } from "../core/ports/edge.ts";
import { ANY_REALM } from "../core/ports/users.ts";
import { adminBearer } from "./admin-bearer.ts";
import { type AppEnv, originOf, services } from "./context.ts";
import { jsonBody } from "./json-body.ts";
import { noStore } from "./no-store.ts";
import { PHONE_PAGE } from "./phone-page.ts";
import { problem } from "./problem.ts";
import { busy, refuseBusy } from "./read-limits.ts";

/** One file of the demo's folder: no path of it leads out of there. */
const FILE = "/demo/:file{[a-z][a-z-]*\\.[a-z]+}";

const ticketBody = z.object({ user_id: z.string() });

/** Scripts, styles and frames of this origin alone, and its sockets, which not every browser takes for the same origin. */
const policyOf = (issuer: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${issuer.replace(/^http/, "ws")}`,
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

function handOut(c: Context<AppEnv>, { body, headers }: File): Response {
  c.header("Content-Type", headers.get("Content-Type") ?? "application/octet-stream");
  c.header("Content-Security-Policy", policyOf(services(c).config.issuer));
  return c.body(body);
}

/** A file of the demo, or 404 where there is no demo. `/demo/` is its page, as static files name an index. */
async function show(c: Context<AppEnv>, path: string): Promise<Response> {
  const file = await services(c).demoFiles?.find(path);
  return file ? handOut(c, file) : await c.notFound();
}

/** What tells the demo of the phone page's calls; it has to run before that page's own script. */
const WATCHER = '<script src="/demo/watch.js"></script>';

/** `GET /demo/phone`: the phone page as the demo frames it. As itself it lets nobody frame it, and tells nobody what it calls. */
async function showPhone(c: Context<AppEnv>): Promise<Response> {
  const file = await services(c).demoFiles?.find(PHONE_PAGE);
  if (!file) return await c.notFound();
  const text = await new Response(file.body).text();
  const policy = file.headers.get("Content-Security-Policy") ?? policyOf(services(c).config.issuer);
  c.header("Content-Security-Policy", policy.replace(/frame-ancestors [^;]*/, "frame-ancestors 'self'"));
  return c.html(text.replace("<head>", `<head>${WATCHER}`));
}

/** `POST /demo/ticket`: leave to add a phone for any user, on the operator's word, so that the demo reads no letters. */
async function giveTicket(c: Context<AppEnv>, typed: string): Promise<Response> {
  const powers = services(c);
  const id = parseUserId(typed);
  const found = id && (await powers.users.byId(id, ANY_REALM));
  if (!found) return problem(c, 404, { detail: "user_id: there is no such user" });
  const { realm } = found.user;
  const now = powers.clock.now();
  const ticket = await writeTicket(powers, {
    id: powers.chance.uuid(),
    userId: found.user.id,
    realm,
    clientId: ownClientId(realm),
    since: now,
    until: now + QR_TICKET,
  });
  return c.json({ ticket }, 201);
}

/** `/demo` (docs/demo.md): laptop and phone side by side. In development only: 404 wherever the Worker has no files of it. */
export function devDemoRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use("/demo/*", noStore);
  routes.get("/demo", (c) => show(c, "/demo/"));
  routes.get("/demo/phone", showPhone);
  routes.get(FILE, (c) => show(c, `/demo/${c.req.param("file")}`));
  routes.post(
    "/demo/ticket",
    async (c, next) => {
      const { demoFiles, limits } = services(c);
      if (!demoFiles) return await c.notFound();
      if ((await adminBearer(c)) === "admin") return await next();
      if (!(await limits.admin(originOf(c).ip))) return await refuseBusy(c, busy);
      return problem(c, 401, {
        detail: "The admin token is needed as a bearer token.",
        headers: { "WWW-Authenticate": 'Bearer realm="admin"' },
      });
    },
    jsonBody(ticketBody, (c, { detail }) => problem(c, 400, { detail })),
    (c) => giveTicket(c, c.req.valid("json").user_id),
  );
  return routes;
}
