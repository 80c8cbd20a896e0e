import { type Context, Hono, type MiddlewareHandler } from "hono";
import * as z from "zod";
import { parseClientId } from "../../core/ids.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { doorCors } from "../../http/cors.ts";
import type { Door, FaultStatus, RenderFault } from "../../http/door.ts";
import { jsonBody } from "../../http/json-body.ts";
import { refuseOtherMethods } from "../../http/method-not-allowed.ts";
import { noStore } from "../../http/no-store.ts";
import { limitChecks, limitReads } from "../../http/read-limits.ts";
import { identifyClient, namedClient } from "./client.ts";
import { FAULTS } from "./errors.ts";

const LONGEST_TOKEN = 8_192;
const verifyBody = z.object({
  oauth_token: z.object({ access_token: z.string().min(1).max(LONGEST_TOKEN) }),
});

const NO_CLIENT = "API_KEY_ID is not valid";

/** Nothing of a user is answered and no cookie is read, so any page may ask. */
const anyPage = (method: string): MiddlewareHandler<AppEnv> =>
  doorCors({
    origins: () => true,
    credentials: false,
    methods: [method, "OPTIONS"],
    headers: ["API_KEY_ID", "Content-Type", "API_SECRET_KEY", "Authorization"],
  });

/** How a side door says what is wrong, in the one member that its callers read beside the verdict. */
const faults =
  (shape: (text: string) => Readonly<Record<string, unknown>>): RenderFault =>
  (c, status: FaultStatus, retryAfter) =>
    c.json(
      shape(FAULTS[status]),
      status,
      retryAfter === undefined ? {} : { "Retry-After": String(retryAfter) },
    );

const invalid = (reason: string) => ({ success: false, reason });
const refusedForm = (message: string) => ({ passed: false, message });

const waitOf = (c: Context<AppEnv>, retryAt: number) => ({
  "Retry-After": String(Math.max(1, Math.ceil((retryAt - services(c).clock.now()) / 1_000))),
});
const MANY = "Too many requests";

/** The vendor's check of an access token for back ends without a JWT library (Cotter §3.2): 200 with the verdict, whatever the token. */
function verifyRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(refuseOtherMethods(routes, faults(invalid)));
  const limit = limitChecks((c, retryAt) => c.json(invalid(MANY), 429, waitOf(c, retryAt)), namedClient);
  routes.use(noStore, anyPage("POST"), limit, identifyClient);
  routes.post(
    "/",
    jsonBody(verifyBody, (c, { detail }) => c.json(invalid(detail), 400)),
    async (c) => {
      const reason = await unfitness(c, c.req.valid("json").oauth_token.access_token);
      return c.json(reason === undefined ? { success: true } : invalid(reason));
    },
  );
  return routes;
}

/** Why the token is not one of this door for the client that asks; some back ends name none. */
async function unfitness(c: Context<AppEnv>, token: string): Promise<string | undefined> {
  const { verifier, clients } = services(c);
  const asking = c.req.header("API_KEY_ID");
  if (asking !== undefined && !c.get("client")) return NO_CLIENT;
  const checked = await verifier.verify(token, { kind: "access" });
  if (!checked.ok) return checked.error.detail;
  const { aud, type } = checked.value;
  if (type !== "client_access_token") return "not an access token";
  const id = parseClientId(typeof aud === "string" ? aud : "");
  const client = id && (await clients.find(id));
  if (!client || client.disabledAt !== undefined || (asking !== undefined && asking !== client.id)) {
    return "the token is for another API_KEY_ID";
  }
  return undefined;
}

/** What the web form asks before it sends anything, when it has a form id: a form here asks nothing more, so every client's passes. */
function screeningRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(refuseOtherMethods(routes, faults(refusedForm)));
  const limit = limitReads((c, retryAt) => c.json(refusedForm(MANY), 429, waitOf(c, retryAt)));
  routes.use(noStore, anyPage("GET"), limit, identifyClient);
  routes.get("/form", (c) =>
    c.get("client") ? c.json({ passed: true }) : c.json(refusedForm(NO_CLIENT), 401),
  );
  return routes;
}

/** What the vendor serves beside its API, at the address that the web SDK calls `WorkerURL`: here at the root. */
export const sideDoors = (): readonly Door[] => [
  { prefix: "/verify", routes: verifyRoutes(), renderFault: faults(invalid) },
  { prefix: "/screening", routes: screeningRoutes(), renderFault: faults(refusedForm) },
];
