import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { routePath } from "hono/route";
import { getPath } from "hono/utils/url";
import { Outage } from "./core/fault.ts";
import { consumeEvents, type Delivery } from "./core/message/consume.ts";
import type { Services } from "./core/ports/services.ts";
import type { Result } from "./core/result.ts";
import { upkeep } from "./core/upkeep.ts";
import { adminRoutes } from "./doors/admin/routes.ts";
import { approverDoors } from "./doors/approver/routes.ts";
import { authsignalDoors } from "./doors/authsignal/routes.ts";
import { cotterDoors } from "./doors/cotter/routes.ts";
import { loginidDoors } from "./doors/loginid/routes.ts";
import { oauthDoors } from "./doors/oauth/routes.ts";
import { pageDoors } from "./hosted/routes.ts";
import { type AppEnv, services } from "./http/context.ts";
import { devDemoRoutes } from "./http/dev-demo.ts";
import { devOutboxRoutes } from "./http/dev-outbox.ts";
import { devReferenceRoutes } from "./http/dev-reference.ts";
import { type Door, doorOf, doorOfLost, type FaultStatus, problemFault, routedPath } from "./http/door.ts";
import { everyAnswer } from "./http/every-answer.ts";
import { KeptRouter } from "./http/kept-router.ts";
import { refuseOtherMethods } from "./http/method-not-allowed.ts";
import { problem } from "./http/problem.ts";
import { receiptRoutes } from "./http/receipts.ts";
import { statusRoutes } from "./http/status-routes.ts";
import { waitingRoutes } from "./http/waiting.ts";
import { Home } from "./pages/home.tsx";
import { page, wantsPage } from "./pages/respond.ts";
import { Fault, NotFound } from "./pages/trouble.tsx";

/** The services of this request, or the names of the variables for whose sake there are none. */
export type Wired = Result<Services, readonly string[]>;

/** LoginID last: it stands at the root too. */
const openDoors = (): readonly Door[] => [
  ...oauthDoors(),
  ...approverDoors(),
  ...cotterDoors(),
  ...pageDoors(),
  ...authsignalDoors(),
  { prefix: "/admin", routes: adminRoutes() },
  ...loginidDoors(),
];

const misconfigured = (c: Context, names: readonly string[]) =>
  problem(c, 503, {
    detail: `This deployment does not serve: missing or not allowed are ${names.join(", ")}.`,
    headers: { "X-Content-Type-Options": "nosniff" },
  });

/** A fault in the shape of the door that it happened behind, as a page for a browser, else as problem details. */
async function fault(
  doors: readonly Door[],
  c: Context<AppEnv>,
  status: FaultStatus,
  retryAfter?: number,
): Promise<Response> {
  const isLost = status === 404 && !wantsPage(c);
  const door = doorOf(doors, c.req.path) ?? (isLost ? doorOfLost(doors, c.req.method) : undefined);
  if (door?.renderFault) return await door.renderFault(c, status, retryAfter);
  if (door || !wantsPage(c) || status === 405) return await problemFault(c, status, retryAfter);
  if (retryAfter !== undefined) c.header("Retry-After", String(retryAfter));
  return await page(c, status === 404 ? NotFound() : Fault(), status);
}

/** The last resort: an outage is 503 with Retry-After, what a caller got wrong 400, everything else 500 without a word why. */
async function answerThrown(doors: readonly Door[], c: Context<AppEnv>, error: Error): Promise<Response> {
  const fields = { requestId: c.get("requestId"), method: c.req.method, route: routePath(c, -1), error };
  if (error instanceof Outage) {
    services(c).log("warn", "outage", fields);
    return await fault(doors, c, 503, error.retryAfter);
  }
  if (error instanceof HTTPException && error.status < 500) return await fault(doors, c, 400);
  services(c).log("error", "unexpected fault", fields);
  return await fault(doors, c, 500);
}

/** Whether each percent escape of the path stands for a character: the router would pass on the others as they are. */
function isDecodable(url: string): boolean {
  if (!url.includes("%")) return true;
  try {
    decodeURIComponent(new URL(url).pathname);
    return true;
  } catch {
    return false;
  }
}

function sharedRoutes(doors: readonly Door[]): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/", (c) => {
    const { issuer, environment } = services(c).config;
    const open = doors.flatMap(({ name, prefix }) => (name ? [{ name, path: prefix }] : []));
    return page(c, Home({ issuer, doors: open, development: environment === "development" }));
  });
  routes.route("/", statusRoutes());
  routes.route("/", waitingRoutes());
  routes.route("/", receiptRoutes());
  routes.route("/", devOutboxRoutes());
  routes.route("/", devDemoRoutes());
  routes.route("/", devReferenceRoutes());
  return routes;
}

function makeRoutes(doors: readonly Door[]): Hono<AppEnv> {
  const app = new Hono<AppEnv>({
    router: new KeptRouter(),
    getPath: (request) => routedPath(doors, getPath(request)),
  });
  app.use(async (c, next) => {
    const { wired } = c.env as { wired: Wired };
    if (!wired.ok) return misconfigured(c, wired.error);
    c.set("services", wired.value);
    return await next();
  });
  app.use(everyAnswer);
  app.use((c, next) => (isDecodable(c.req.raw.url) ? next() : fault(doors, c, 400)));
  app.use(refuseOtherMethods(app, (c, status) => fault(doors, c, status)));
  for (const { prefix, routes } of doors) app.route(prefix, routes);
  app.route("/", sharedRoutes(doors));
  app.notFound((c) => fault(doors, c, 404));
  app.onError((error, c) => answerThrown(doors, c, error));
  return app;
}

/** A queue or a clock has nobody to answer: it is told by a throw, and comes again. */
function needed(wired: Wired): Services {
  if (wired.ok) return wired.value;
  throw new Error(`missing or not allowed: ${wired.error.join(", ")}`);
}

export type App = {
  /** Every route and middleware as it is mounted; `ALL` stands for any method. */
  readonly routes: readonly { readonly method: string; readonly path: string; readonly handler: object }[];
  /** Answers a request with the services that it is given; 503 when there are none. */
  fetch(request: Request, wired: Wired, context: ExecutionContext): Promise<Response>;
  queue(messages: readonly Delivery[], wired: Wired): Promise<void>;
  scheduled(wired: Wired): Promise<void>;
};

/** The whole application behind the platform's handlers. */
export function makeApp(doors: readonly Door[] = openDoors()): App {
  const routes = makeRoutes(doors);
  return {
    routes: routes.routes.map(({ method, path, handler }) => ({ method, path, handler })),
    fetch: async (request, wired, context) => await routes.fetch(request, { wired }, context),
    queue: async (messages, wired) => await consumeEvents(needed(wired), messages),
    scheduled: async (wired) => await upkeep(needed(wired)),
  };
}
