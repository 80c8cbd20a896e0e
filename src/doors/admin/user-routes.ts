import { Hono } from "hono";
import { parseUserId } from "../../core/ids.ts";
import { ANY_REALM } from "../../core/ports/users.ts";
import { createUser, listUsers } from "../../core/user/create.ts";
import { deleteUser } from "../../core/user/delete.ts";
import { updateUser } from "../../core/user/update.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { jsonBody } from "../../http/json-body.ts";
import { query } from "../../http/query.ts";
import { refuse } from "./errors.ts";
import { requesterOf } from "./requester.ts";
import { newUserSchema, userListSchema, userPatchSchema } from "./schema.ts";
import { pageWire, userDraft, userPatch, userQuery, userWire } from "./translate.ts";

/** `/admin/users`. */
export function userRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/", jsonBody(newUserSchema, refuse), async (c) => {
    const created = await createUser(
      services(c),
      userDraft(c.req.valid("json"), services(c).clock.now()),
      requesterOf(c),
    );
    return created.ok ? c.json(userWire(created.value), 201) : refuse(c, created.error);
  });

  routes.get("/", query(userListSchema, refuse), async (c) => {
    const page = await listUsers(services(c), userQuery(c.req.valid("query")));
    return c.json(pageWire("users", page, userWire));
  });

  routes.get("/:user_id", async (c) => {
    const id = parseUserId(c.req.param("user_id"));
    const record = id && (await services(c).users.byId(id, ANY_REALM));
    return record ? c.json(userWire(record)) : refuse(c, { code: "unknown_user" });
  });

  routes.patch("/:user_id", jsonBody(userPatchSchema, refuse), async (c) => {
    const id = parseUserId(c.req.param("user_id"));
    if (id === undefined) return refuse(c, { code: "unknown_user" });
    const changed = await updateUser(services(c), id, userPatch(c.req.valid("json")), requesterOf(c));
    return changed.ok ? c.json(userWire(changed.value)) : refuse(c, changed.error);
  });

  routes.delete("/:user_id", async (c) => {
    const id = parseUserId(c.req.param("user_id"));
    if (id === undefined) return refuse(c, { code: "unknown_user" });
    const deleted = await deleteUser(services(c), id, requesterOf(c));
    return deleted.ok ? c.body(null, 204) : refuse(c, deleted.error);
  });

  return routes;
}
