import { type Context, Hono } from "hono";
import { type AppEnv, services } from "./context.ts";
import { noStore } from "./no-store.ts";

/** No script: the page is text, and its style. */
const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

async function show(c: Context<AppEnv>): Promise<Response> {
  const file = await services(c).demoFiles?.find(c.req.path);
  if (!file) return await c.notFound();
  c.header("Content-Type", file.headers.get("Content-Type") ?? "application/octet-stream");
  c.header("Content-Security-Policy", POLICY);
  return c.body(file.body);
}

/** `/docs/api` (docs/api.md): the reference page of `/openapi.json`. In development only: 404 wherever the Worker has no files of it. */
export function devReferenceRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/docs/api", noStore, show);
  routes.get("/docs/api.css", noStore, show);
  return routes;
}
