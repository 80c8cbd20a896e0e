import { Hono } from "hono";
import { listAudit } from "../../core/audit/list.ts";
import { rotateKeys } from "../../core/keys/rotate.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { query } from "../../http/query.ts";
import { refuse } from "./errors.ts";
import { optionalBody } from "./optional-body.ts";
import { requesterOf } from "./requester.ts";
import { auditQuerySchema, rotateKeysSchema } from "./schema.ts";
import { auditQuery, eventWire, keyWire, pageWire } from "./translate.ts";

/** `/admin/audit` and `/admin/keys`. */
export function recordRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/audit", query(auditQuerySchema, refuse), async (c) => {
    const page = await listAudit(services(c), auditQuery(c.req.valid("query")));
    return c.json(pageWire("events", page, eventWire));
  });

  routes.get("/keys", async (c) => c.json({ keys: (await services(c).keyring.list()).map(keyWire) }));

  routes.post("/keys/rotate", optionalBody(rotateKeysSchema), async (c) => {
    const key = await rotateKeys(services(c), c.req.valid("json").lane, requesterOf(c));
    return c.json(keyWire(key), 201);
  });

  return routes;
}
