import { Hono } from "hono";
import {
  createClient,
  disableClient,
  listClients,
  rotateClientSecret,
  updateClient,
} from "../../core/client/manage.ts";
import { webhookSecretOf } from "../../core/client/webhook-secret.ts";
import { parseClientId } from "../../core/ids.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { jsonBody } from "../../http/json-body.ts";
import { query } from "../../http/query.ts";
import { refuse } from "./errors.ts";
import { optionalBody } from "./optional-body.ts";
import { requesterOf } from "./requester.ts";
import { clientListSchema, clientPatchSchema, newClientSchema, nothingSchema } from "./schema.ts";
import { clientDraft, clientPatch, clientWire, pageWire } from "./translate.ts";

/** `/admin/clients`. */
export function clientRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/", jsonBody(newClientSchema, refuse), async (c) => {
    const created = await createClient(services(c), clientDraft(c.req.valid("json")), requesterOf(c));
    if (!created.ok) return refuse(c, created.error);
    const { client, secret } = created.value;
    return c.json({ ...clientWire(client), ...(secret !== undefined && (await secretWire(secret))) }, 201);
  });

  routes.get("/", query(clientListSchema, refuse), async (c) => {
    const page = await listClients(services(c), c.req.valid("query").after);
    return c.json(pageWire("clients", page, clientWire));
  });

  routes.get("/:client_id", async (c) => {
    const id = parseClientId(c.req.param("client_id"));
    const client = id && (await services(c).clients.fresh(id));
    return client ? c.json(clientWire(client)) : refuse(c, { code: "unknown_client" });
  });

  routes.patch("/:client_id", jsonBody(clientPatchSchema, refuse), async (c) => {
    const id = parseClientId(c.req.param("client_id"));
    if (id === undefined) return refuse(c, { code: "unknown_client" });
    const changed = await updateClient(services(c), id, clientPatch(c.req.valid("json")), requesterOf(c));
    return changed.ok ? c.json(clientWire(changed.value)) : refuse(c, changed.error);
  });

  routes.delete("/:client_id", async (c) => {
    const id = parseClientId(c.req.param("client_id"));
    if (id === undefined) return refuse(c, { code: "unknown_client" });
    const disabled = await disableClient(services(c), id, requesterOf(c));
    return disabled.ok ? c.body(null, 204) : refuse(c, disabled.error);
  });

  routes.post("/:client_id/secret", optionalBody(nothingSchema), async (c) => {
    const id = parseClientId(c.req.param("client_id"));
    if (id === undefined) return refuse(c, { code: "unknown_client" });
    const rotated = await rotateClientSecret(services(c), id, requesterOf(c));
    if (!rotated.ok) return refuse(c, rotated.error);
    const { secret, oldUntil } = rotated.value;
    const old_secret_valid_until = new Date(oldUntil).toISOString();
    return c.json({ client_id: id, ...(await secretWire(secret)), old_secret_valid_until });
  });

  return routes;
}

/** A secret as it is shown once, and what its webhooks are verified with. */
const secretWire = async (secret: string) => ({
  client_secret: secret,
  webhook_secret: await webhookSecretOf(secret),
});
