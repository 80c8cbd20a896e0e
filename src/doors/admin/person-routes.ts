import { Hono } from "hono";
import { parseUserId } from "../../core/ids.ts";
import { erasePerson, exportPerson } from "../../core/user/personal-data.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { query } from "../../http/query.ts";
import { refuse } from "./errors.ts";
import { optionalBody } from "./optional-body.ts";
import { exportWire } from "./person-wire.ts";
import { requesterOf } from "./requester.ts";
import { exportQuerySchema, nothingSchema } from "./schema.ts";

/** `/admin/users/{user_id}/export` and `/erasure`: what is held about a user, and an end of it. Ids whose user is gone are known here too. */
export function personRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/:user_id/export", query(exportQuerySchema, refuse), async (c) => {
    const id = parseUserId(c.req.param("user_id"));
    if (id === undefined) return refuse(c, { code: "unknown_user" });
    const page = await exportPerson(services(c), id, c.req.valid("query").after);
    return page.ok ? c.json(exportWire(page.value)) : refuse(c, page.error);
  });

  routes.post("/:user_id/erasure", optionalBody(nothingSchema), async (c) => {
    const id = parseUserId(c.req.param("user_id"));
    if (id === undefined) return refuse(c, { code: "unknown_user" });
    const erased = await erasePerson(services(c), id, requesterOf(c));
    return erased.ok ? c.json({ user_id: id, ...erased.value }) : refuse(c, erased.error);
  });

  return routes;
}
