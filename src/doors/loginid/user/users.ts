import { type Context, Hono } from "hono";
import { createUser } from "../../../core/user/create.ts";
import { deleteOwnUser } from "../../../core/user/delete-own.ts";
import { readIdentifier } from "../../../core/user/identifier.ts";
import type { UserStatus } from "../../../core/user/user.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { body } from "../body.ts";
import { namespaceOf, serviceCall } from "../client.ts";
import { refuse, USERNAME_EMPTY, USERNAME_INVALID, wrong } from "../errors.ts";
import { usernameBody } from "../schema.ts";
import type { ServiceCall } from "../service-token.ts";
import { profile } from "../translate.ts";
import { type Named, personOf } from "./people.ts";
import { setOwnStatus } from "./set-own-status.ts";

const requester = (c: Context<AppEnv>, call: ServiceCall) => ({
  actor: `client:${call.client.id}`,
  ip: originOf(c).ip,
});

/** `/manage/users…`: a backend finds and makes users, and locks, unlocks and deletes its own (LoginID §4.1, §4.7). */
export function userRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/users/retrieve", body(usernameBody), async (c) => {
    const { username } = c.req.valid("json");
    const call = await serviceCall(c, "users.retrieve");
    if (!call.ok) return refuse(c, call.error);
    const person = await personOf(c, call.value, { username });
    if (!person.ok) return refuse(c, person.error);
    if (!(await services(c).nonces.spend(call.value.nonce))) return refuse(c, { code: "replayed" });
    return c.json(profile(person.value, call.value.client, await namespaceOf(c), username));
  });

  routes.post("/users", body(usernameBody), async (c) => {
    const { username } = c.req.valid("json");
    if (username.trim() === "") return wrong(c, USERNAME_EMPTY);
    const identifier = readIdentifier(username);
    if (!identifier) return wrong(c, USERNAME_INVALID);
    const call = await serviceCall(c, "users.create");
    if (!call.ok) return refuse(c, call.error);
    if (!(await services(c).nonces.spend(call.value.nonce))) return refuse(c, { code: "replayed" });
    const { client } = call.value;
    const made = await createUser(
      services(c),
      {
        realm: client.realm,
        identifiers: [{ ...identifier, assertedBy: "client", client: client.id }],
      },
      requester(c, call.value),
    );
    if (!made.ok) return refuse(c, made.error);
    return c.json(profile(made.value, call.value.client, await namespaceOf(c), username));
  });

  routes.post("/users/delete", body(usernameBody), (c) => remove(c, c.req.valid("json")));
  routes.delete("/users/:user_id", (c) => remove(c, { user_id: c.req.param("user_id") }));
  routes.put("/users/:user_id/activate", (c) => setStatus(c, "users.activate", "active"));
  routes.put("/users/:user_id/deactivate", (c) => setStatus(c, "users.deactivate", "locked"));
  return routes;
}

async function remove(c: Context<AppEnv>, named: Named): Promise<Response> {
  const call = await serviceCall(c, "users.delete");
  if (!call.ok) return refuse(c, call.error);
  const person = await personOf(c, call.value, named);
  if (!person.ok) return refuse(c, person.error);
  if (!(await services(c).nonces.spend(call.value.nonce))) return refuse(c, { code: "replayed" });
  const by = requester(c, call.value);
  const deleted = await deleteOwnUser(services(c), call.value.client, person.value, by);
  if (!deleted.ok) return refuse(c, deleted.error);
  return c.body(null, 204);
}

async function setStatus(c: Context<AppEnv>, scope: string, status: UserStatus): Promise<Response> {
  const call = await serviceCall(c, scope);
  if (!call.ok) return refuse(c, call.error);
  const person = await personOf(c, call.value, { user_id: c.req.param("user_id") ?? "" });
  if (!person.ok) return refuse(c, person.error);
  if (!(await services(c).nonces.spend(call.value.nonce))) return refuse(c, { code: "replayed" });
  const by = requester(c, call.value);
  const changed = await setOwnStatus(services(c), call.value.client, person.value, status, by);
  if (!changed.ok) return refuse(c, changed.error);
  return c.json(profile(changed.value, call.value.client, await namespaceOf(c)));
}
