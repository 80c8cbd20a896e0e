import { Hono, type MiddlewareHandler } from "hono";
import { allowsOrigin } from "../../core/client/client.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { doorCors } from "../../http/cors.ts";
import type { Door } from "../../http/door.ts";
import { jsonBody } from "../../http/json-body.ts";
import { refuseOtherMethods } from "../../http/method-not-allowed.ts";
import { noStore } from "../../http/no-store.ts";
import { identifyClient, requireClient } from "./client.ts";
import { refuse, renderFault } from "./errors.ts";
import { collect } from "./event/collect.ts";
import { eventRoutes } from "./event/events.ts";
import { limitCalls, limitSecrets } from "./limits.ts";
import { identityBody } from "./schema.ts";
import { sessionRoutes } from "./sessions.ts";
import { sideDoors } from "./side-doors.ts";
import { getIdentity } from "./user/identity.ts";
import { userRoutes } from "./user/users.ts";

const PUBLIC_KEYS = { "Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*" };

/** A preflight names its client in the path alone; where it cannot, it passes, and the answer is readable by the client's pages only. */
const cors = doorCors({
  origins: (c, origin) =>
    c.get("client") ? allowsOrigin(c.get("client"), origin) : c.req.method === "OPTIONS",
  credentials: true,
  methods: ["GET", "POST", "PUT", "DELETE", "OPTIONS"],
  headers: ["API_KEY_ID", "Content-Type", "API_SECRET_KEY", "Authorization"],
});

/** Where a secret comes along that no table is needed for. */
const SECRETS = ["/event/get/:event_id", "/token/*", "/verify/get_identity"] as const;

/** A parameter that comes twice can be read in two ways (T107). */
const refuseRepeats: MiddlewareHandler<AppEnv> = async (c, next) =>
  Object.values(c.req.queries()).some((values) => values.length > 1)
    ? refuse(c, { code: "malformed", detail: "a query parameter came more than once" })
    : await next();

/**
 * The Cotter door: every P0 row of Cotter §3.1 but the hosted page itself (17), mounted at /api/v0. Success is exactly 200 with a JSON
 * body, a refusal `{msg}`.
 */
export function cotterRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(refuseOtherMethods(routes, renderFault));
  routes.get("/token/jwks", limitCalls, async (c) =>
    c.json({ keys: await services(c).keyring.published({ cotterFirst: true }) }, 200, PUBLIC_KEYS),
  );
  routes.get("/keys/ed25519", limitCalls, async (c) =>
    c.json({ public_key: await services(c).keyring.statementKey() }, 200, PUBLIC_KEYS),
  );
  const known = [identifyClient, cors, requireClient, refuseRepeats] as const;
  routes.use(noStore);
  for (const path of SECRETS) routes.use(path, limitSecrets, ...known);
  routes.get("/event/get/:event_id", (c) => collect(c, c.req.param("event_id")));
  routes.route("/token", sessionRoutes());
  routes.post("/verify/get_identity", jsonBody(identityBody, refuse), (c) =>
    getIdentity(c, c.req.valid("json")),
  );
  routes.use(limitCalls, ...known);
  routes.route("/user", userRoutes());
  routes.route("/event", eventRoutes());
  return routes;
}

/** The door with the side doors that belong to it. */
export const cotterDoors = (): readonly Door[] => [cotterDoor(), ...sideDoors()];

/** The door as the app mounts it: what fails behind it is said in `{msg}` too. */
export const cotterDoor = (): Door => ({
  name: "Cotter",
  prefix: "/api/v0",
  routes: cotterRoutes(),
  renderFault,
});
