import { Hono } from "hono";
import type { AppEnv } from "../../http/context.ts";
import { noStore } from "../../http/no-store.ts";
import { accessRoutes } from "./access-routes.ts";
import { clientRoutes } from "./client-routes.ts";
import { adminOnly } from "./guard.ts";
import { personRoutes } from "./person-routes.ts";
import { recordRoutes } from "./record-routes.ts";
import { userRoutes } from "./user-routes.ts";

/** The admin API, mounted at `/admin` (docs/admin-api.md). Without the token nothing answers but 401. */
export function adminRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(noStore);
  routes.use(adminOnly);
  routes.route("/clients", clientRoutes());
  routes.route("/users", userRoutes());
  routes.route("/users", accessRoutes());
  routes.route("/users", personRoutes());
  routes.route("/", recordRoutes());
  return routes;
}
