import { type Context, Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { readPublicKey } from "../../core/client/public-key.ts";
import { changeHeaders } from "../../http/answer-headers.ts";
import { type AppEnv, services } from "../../http/context.ts";
import type { Door } from "../../http/door.ts";
import { noStore } from "../../http/no-store.ts";
import { limitReads } from "../../http/read-limits.ts";
import { body } from "./body.ts";
import { pagesMayAsk, tooMany } from "./client.ts";
import { codeRoutes } from "./code/codes.ts";
import { wait } from "./code/wait.ts";
import { DEPRECATED, refuse, renderFault, wrong } from "./errors.ts";
import { waitBody } from "./schema.ts";
import { credentialRoutes } from "./user/credentials.ts";
import { userRoutes } from "./user/users.ts";

const REQUEST_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What a Java caller names its request by comes back with the answer (LoginID §3). */
const echoRequestId = createMiddleware<AppEnv>(async function echoRequestId(c, next) {
  await next();
  const id = c.req.header("Request-ID");
  if (id !== undefined && REQUEST_ID.test(id)) changeHeaders(c, (headers) => headers.set("Request-ID", id));
});

/** The public key of a kid as PEM text, the current one without a kid (LoginID §7.3). Keys of other lanes are not served here. */
async function certificate(c: Context<AppEnv>): Promise<Response> {
  const kid = c.req.query("kid");
  const keys = await services(c).keyring.published({ lane: "standard" });
  const wanted = kid === undefined ? keys[0] : keys.find((key) => key.kid === kid);
  const pem = wanted && (await readPublicKey(wanted));
  if (!pem?.ok) return wrong(c, [404, "not_found", "Not found"], { "Cache-Control": "no-store" });
  return c.text(pem.value, 200, { "Cache-Control": "public, max-age=300" });
}

const limitReaders = limitReads((c) => refuse(c, tooMany(c)));

function group(fill: (routes: Hono<AppEnv>) => void): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(echoRequestId);
  fill(routes);
  return routes;
}

const closed = () =>
  group((routes) => {
    routes.use(noStore, pagesMayAsk);
    routes.all("/*", (c) => wrong(c, DEPRECATED));
  });

/** Every first segment of the wire, so that the same routes stand at two places without touching their neighbours. */
const GROUPS: Readonly<Record<string, () => Hono<AppEnv>>> = {
  "/manage": () =>
    group((routes) => {
      routes.use(noStore);
      routes.route("/", userRoutes());
    }),
  "/codes": () =>
    group((routes) => {
      routes.use(noStore);
      routes.route("/", codeRoutes());
    }),
  "/credentials": () =>
    group((routes) => {
      routes.use(noStore, pagesMayAsk);
      routes.route("/", credentialRoutes());
    }),
  "/authenticate": () =>
    group((routes) => {
      routes.use(noStore, pagesMayAsk);
      routes.post("/code/wait", body(waitBody), (c) => wait(c, c.req.valid("json")));
      for (const path of ["/fido2/*", "/password", "/publickey/*", "/authid/*"]) {
        routes.all(path, (c) => wrong(c, DEPRECATED));
      }
    }),
  "/certs": () =>
    group((routes) => {
      routes.get("/", limitReaders, certificate);
    }),
  "/register": closed,
  "/tx": closed,
  "/api/tx": closed,
  "/push_authentication": closed,
  "/add_authenticator": closed,
};

/**
 * The LoginID door, mounted at /api/native and at the root: SDKs append bare paths to whatever base they are given, some with a
 * slash too many (LoginID §0.1).
 */
export function loginidDoors(): readonly Door[] {
  const at = (base: string) =>
    Object.entries(GROUPS).map(([path, routes]) => ({
      prefix: `${base}${path}`,
      routes: routes(),
      renderFault,
      forgivesSlashes: true,
    }));
  const rest: Door = {
    name: "LoginID",
    prefix: "/api/native",
    routes: new Hono<AppEnv>(),
    renderFault,
    forgivesSlashes: true,
    isAtRoot: true,
  };
  return [...at("/api/native"), rest, ...at("")];
}
