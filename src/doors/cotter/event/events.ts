import { type Context, Hono } from "hono";
import { type AppEnv, services } from "../../../http/context.ts";
import { jsonBody } from "../../../http/json-body.ts";
import { refuse } from "../errors.ts";
import { createEventBody, pendingBody, respondBody } from "../schema.ts";
import { stated } from "../signed/statement.ts";
import { promptEvent } from "../translate.ts";
import { knownOf } from "../user/people.ts";
import { createApproved } from "./create-approved.ts";
import { createPending } from "./create-pending.ts";
import { livePromptFor } from "./prompts.ts";
import { respond } from "./respond.ts";

/** Rows 8-10 and 12 of Cotter §3.1: sign-in requests and their approval. The poll for them stands before these, in `routes.ts`. */
export function eventRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post("/create", jsonBody(createEventBody, refuse), (c) => createApproved(c, c.req.valid("json")));
  routes.post("/create_pending", jsonBody(pendingBody, refuse), (c) => createPending(c, c.req.valid("json")));
  routes.get("/new/:user", (c) => newest(c, c.req.param("user")));
  routes.get("/new", (c) => newest(c, c.req.query("cotter_user_id") ?? c.req.query("client_user_id") ?? ""));
  routes.post("/respond/:event_id", jsonBody(respondBody, refuse), (c) =>
    respond(c, c.req.param("event_id"), c.req.valid("json")),
  );
  return routes;
}

/** What awaits this user: one event, or the JSON literal null (Cotter fact 5). */
async function newest(c: Context<AppEnv>, user: string): Promise<Response> {
  const powers = services(c);
  const person = await knownOf(c, user);
  const { client } = c.var;
  const shown = person ? await livePromptFor(powers, client, person.record.user.id) : undefined;
  if (!person || !shown) return c.json(null);
  const { record, name } = person;
  // Nobody has signed this call, and the client's id is public.
  const place = client.settings.prompt_place === true && shown.prompt.clientId === client.id;
  return c.json(await stated(powers, promptEvent(shown, record, client, { place }, { name })));
}
