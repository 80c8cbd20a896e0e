import { Hono } from "hono";
import { cors } from "hono/cors";
import { allowsOrigin } from "../../core/client/client.ts";
import type { AppEnv } from "../../http/context.ts";
import { doorCors } from "../../http/cors.ts";
import type { Door } from "../../http/door.ts";
import { refuseOtherMethods } from "../../http/method-not-allowed.ts";
import { noStore } from "../../http/no-store.ts";
import { userinfo } from "./bearer/userinfo.ts";
import { backchannelAuthentication } from "./ciba/start.ts";
import { deviceAuthorization } from "./device/start.ts";
import { PREFIX, pathOf, REGISTRATION } from "./endpoints.ts";
import { renderFault } from "./errors.ts";
import { answering } from "./form.ts";
import { showMetadata } from "./metadata.ts";
import { everyPageMayAsk, register, registrationBody, whereOpen } from "./open-client/register.ts";
import { oauthPages } from "./pages.ts";
import { pushRequest } from "./pushed/push.ts";
import { token } from "./token/endpoint.ts";
import { introspect } from "./token/introspect.ts";
import { revoke } from "./token/revoke.ts";

/** A preflight cannot name its client: it passes, and the answer is readable by the client's own pages alone (T92). */
const pagesMayAsk = doorCors({
  origins: (c, origin) =>
    c.get("client") ? allowsOrigin(c.get("client"), origin) : c.req.method === "OPTIONS",
  credentials: false,
  methods: ["GET", "POST", "OPTIONS"],
  headers: ["Content-Type", "Authorization", "DPoP"],
  expose: ["DPoP-Nonce", "Retry-After", "WWW-Authenticate"],
});

/** What a page of a client calls by itself. */
const READ_BY_PAGES = [
  "token_endpoint",
  "userinfo_endpoint",
  "revocation_endpoint",
  "device_authorization_endpoint",
  "pushed_authorization_request_endpoint",
] as const;

/** The endpoints of the standard door below `/oauth`. */
function oauthRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(refuseOtherMethods(routes, renderFault), noStore);
  for (const endpoint of READ_BY_PAGES) routes.use(pathOf(endpoint), pagesMayAsk);
  routes.post(pathOf("token_endpoint"), answering(token));
  routes.post(pathOf("revocation_endpoint"), answering(revoke));
  routes.post(pathOf("introspection_endpoint"), answering(introspect));
  routes.on(["GET", "POST"], pathOf("userinfo_endpoint"), userinfo);
  routes.post(pathOf("device_authorization_endpoint"), answering(deviceAuthorization));
  routes.post(pathOf("backchannel_authentication_endpoint"), answering(backchannelAuthentication));
  routes.post(pathOf("pushed_authorization_request_endpoint"), answering(pushRequest, 201));
  const registration = REGISTRATION.slice(PREFIX.length);
  routes.use(registration, whereOpen, everyPageMayAsk);
  routes.post(registration, registrationBody, (c) => register(c, c.req.valid("json")));
  return routes;
}

/** Metadata is public: every page may read it. */
function wellKnown(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(cors({ origin: "*", allowMethods: ["GET", "HEAD"] }));
  routes.get("/", showMetadata);
  return routes;
}

/** The standard door as the app mounts it. */
export const oauthDoors = (): readonly Door[] => [
  ...oauthPages(),
  { name: "OAuth 2.0 and OpenID Connect", prefix: PREFIX, routes: oauthRoutes(), renderFault },
  { prefix: "/.well-known/openid-configuration", routes: wellKnown(), renderFault },
  { prefix: "/.well-known/oauth-authorization-server", routes: wellKnown(), renderFault },
];
