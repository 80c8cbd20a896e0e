import { Hono, type MiddlewareHandler } from "hono";
import { allowsOrigin } from "../../core/client/client.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { doorCors } from "../../http/cors.ts";
import type { Door } from "../../http/door.ts";
import { refuseOtherMethods } from "../../http/method-not-allowed.ts";
import { noStore } from "../../http/no-store.ts";
import { query } from "../../http/query.ts";
import { refuseFrames } from "../../pages/verify/refused.tsx";
import { getAction, listActions, track, updateAction, validate } from "./action/actions.ts";
import {
  claimBackend,
  getBackendCode,
  startBackendCode,
  verifyBackend,
} from "./backend-code/backend-codes.ts";
import { body, bodyOrNone } from "./bodies.ts";
import { clientNamed, requireSecret } from "./client.ts";
import { enrolCode, finalize, startCode, verifyCode } from "./code/codes.ts";
import { showLink, takeLink } from "./code/link.ts";
import { addCredential, getCredential, removeCredential } from "./enrolment/credentials.ts";
import { enrolVerified } from "./enrolment/enrol-verified.ts";
import { NAMESPACES } from "./enrolment/enrolled.ts";
import { updateCredential, updateNonce } from "./enrolment/update-credential.ts";
import { refuse, renderFault } from "./errors.ts";
import { limitDeviceCodes, limitGuesses, limitSends, limitTenants } from "./limits.ts";
import { answerChallenge, claim } from "./push/answer.ts";
import { startInApp, verifyInApp } from "./push/in-app.ts";
import { makeNonceTicks } from "./push/nonce-ticks.ts";
import { pendingPrompt, promptNonce } from "./push/prompts.ts";
import { pollPush, startPush } from "./push/push.ts";
import { qrPoll, qrStart } from "./push/qr.ts";
import { qrSocket } from "./push/qr-socket.ts";
import {
  answerBody,
  backendClaimBody,
  challengeBody,
  challengesBody,
  challengesQuery,
  claimBody,
  codeBody,
  codeStartBody,
  credentialBody,
  emailBody,
  inAppStartBody,
  phoneBody,
  pollBody,
  qrPollBody,
  qrStartBody,
  removeBody,
  smsStartBody,
  startBody,
  stateBody,
  trackBody,
  updateBody,
  userBody,
  usersQuery,
  validateBody,
  verifiedBody,
  verifyBody,
} from "./schema.ts";
import { queryUsers } from "./user/query-users.ts";
import {
  getUser,
  listAuthenticators,
  listOwnAuthenticators,
  removeAuthenticator,
  removeUser,
  updateUser,
} from "./user/users.ts";

/**
 * §2.3. A page may read what its client's origins allow. An answer that knows no client - an expired token's, above all - says
 * nothing worth hiding, and its page must be able to read it.
 */
const cors = doorCors({
  origins: (c, origin) => (c.get("client") ? allowsOrigin(c.get("client"), origin) : true),
  credentials: false,
  methods: ["GET", "POST", "PATCH", "OPTIONS"],
  headers: ["Authorization", "Content-Type", "X-Authsignal-Signature", "Prefer"],
});

/** A parameter that comes twice can be read in two ways (T107). */
const refuseRepeats: MiddlewareHandler<AppEnv> = async (c, next) =>
  Object.values(c.req.queries()).some((values) => values.length > 1)
    ? refuse(c, { code: "malformed", detail: "a query parameter came more than once" })
    : await next();

/** §9.1: what a backend calls, with the client's secret. */
function serverRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const secret = requireSecret;
  routes.post("/validate", secret, body(validateBody), (c) => validate(c, c.req.valid("json")));
  routes.post("/challenge", secret, body(challengeBody), (c) => startBackendCode(c, c.req.valid("json")));
  routes.post("/verify", secret, body(verifyBody), (c) => verifyBackend(c, c.req.valid("json")));
  routes.post("/claim", secret, body(backendClaimBody), (c) => claimBackend(c, c.req.valid("json")));
  // Go's SDK writes the base path twice.
  for (const path of ["/challenges", "/v1/challenges"]) {
    routes.get(path, secret, query(challengesQuery, refuse), (c) => getBackendCode(c, c.req.valid("query")));
  }
  // The SDKs of Java and .NET post it, that of Java with its query glued to the path: the body says the same.
  routes.post("/:challenges{challenges.*}", secret, bodyOrNone(challengesBody), (c) =>
    getBackendCode(c, c.req.valid("json")),
  );
  routes.get("/users", secret, query(usersQuery, refuse), (c) => queryUsers(c, c.req.valid("query")));
  routes.get("/users/:user", secret, getUser);
  // Passkeys by the dozen, which this door does not take: not a user of that name.
  routes.post("/users/authenticators", secret, (c) => renderFault(c, 404));
  // The SDKs of Java and Ruby, and older ones of others, change a user with POST.
  routes.on(["PATCH", "POST"], "/users/:user", secret, bodyOrNone(userBody), (c) =>
    updateUser(c, c.req.valid("json")),
  );
  routes.delete("/users/:user", secret, removeUser);
  routes.get("/users/:user/authenticators", secret, listAuthenticators);
  routes.post("/users/:user/authenticators", secret, body(verifiedBody), (c) =>
    enrolVerified(c, c.req.valid("json")),
  );
  routes.delete("/users/:user/authenticators/:id", secret, removeAuthenticator);
  routes.get("/users/:user/actions", secret, listActions);
  routes.post("/users/:user/actions/:action", secret, bodyOrNone(trackBody), (c) =>
    track(c, c.req.valid("json")),
  );
  routes.get("/users/:user/actions/:action/:key", secret, getAction);
  routes.patch("/users/:user/actions/:action/:key", secret, body(stateBody), (c) =>
    updateAction(c, c.req.valid("json")),
  );
  return routes;
}

/** §6.6: what a phone calls, in each of the four namespaces. */
function credentialRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const ticks = makeNonceTicks();
  for (const namespace of NAMESPACES) {
    const path = `/${namespace}`;
    // A new key comes with the action's token, all else with a tenant's name and a key that is no secret.
    routes.post(path, body(credentialBody), (c) => addCredential(c, namespace, c.req.valid("json")));
    routes.use(`${path}/*`, limitTenants);
    routes.get(path, (c) => getCredential(c, namespace));
    routes.post(`${path}/remove`, body(removeBody), (c) =>
      removeCredential(c, namespace, c.req.valid("json")),
    );
    routes.post(`${path}/sign`, (c) => updateNonce(c, namespace));
    routes.patch(path, body(updateBody), (c) => updateCredential(c, namespace, c.req.valid("json")));
    if (namespace === "in-app") continue;
    routes.post(`${path}/challenge`, body(answerBody), (c) =>
      answerChallenge(c, namespace, c.req.valid("json")),
    );
    if (namespace !== "qr-code") {
      routes.get(`${path}/challenge`, (c) => pendingPrompt(c, namespace));
      routes.post(`${path}/challenge/sign`, (c) => promptNonce(c, namespace, ticks));
    }
    if (namespace !== "push") {
      routes.post(`${path}/challenge/claim`, body(claimBody), (c) =>
        claim(c, namespace, c.req.valid("json")),
      );
    }
  }
  return routes;
}

/** §9.2, §9.3: codes that pages and phones have sent and give back, with the action's token. A number is enrolled once for both. */
function codeRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const starts = { "email-otp": "email", whatsapp: "whatsapp", "email-magic-link": "link" } as const;
  for (const [path, method] of Object.entries(starts)) {
    routes.post(`/challenge/${path}`, limitSends, bodyOrNone(codeStartBody), (c) =>
      startCode(c, method, c.req.valid("json")),
    );
  }
  routes.post("/challenge/sms", limitSends, bodyOrNone(smsStartBody), (c) => {
    const asked = c.req.valid("json");
    return startCode(c, asked.smsChannel === "WHATSAPP" ? "whatsapp" : "sms", asked);
  });
  routes.post("/verify/email-magic-link/finalize", finalize);
  routes.post("/verify/email-otp", limitGuesses, body(codeBody), (c) =>
    verifyCode(c, ["email"], c.req.valid("json")),
  );
  routes.post("/verify/sms", limitGuesses, body(codeBody), (c) =>
    verifyCode(c, ["sms", "whatsapp"], c.req.valid("json")),
  );
  routes.post("/verify/whatsapp", limitGuesses, body(codeBody), (c) =>
    verifyCode(c, ["whatsapp"], c.req.valid("json")),
  );
  routes.post("/user-authenticators/email-otp", limitSends, body(emailBody), (c) =>
    enrolCode(c, "email", c.req.valid("json").email),
  );
  routes.post("/user-authenticators/email-magic-link", limitSends, body(emailBody), (c) =>
    enrolCode(c, "link", c.req.valid("json").email),
  );
  routes.post("/user-authenticators/sms", limitSends, body(phoneBody), (c) => {
    const { phoneNumber, smsChannel } = c.req.valid("json");
    return enrolCode(c, "sms", phoneNumber, smsChannel === "WHATSAPP" ? "whatsapp" : undefined);
  });
  return routes;
}

/** §9.2: what a page calls, with the action's token. */
function clientRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(cors, refuseRepeats);
  routes.post("/challenge/push", bodyOrNone(startBody), (c) => startPush(c, c.req.valid("json")));
  routes.post("/verify/push", body(pollBody), (c) => pollPush(c, c.req.valid("json")));
  routes.post("/challenge/qr-code", limitTenants, body(qrStartBody), (c) => qrStart(c, c.req.valid("json")));
  routes.post("/verify/qr-code", limitDeviceCodes, body(qrPollBody), (c) => qrPoll(c, c.req.valid("json")));
  routes.post("/challenge", limitTenants, bodyOrNone(inAppStartBody), (c) =>
    startInApp(c, c.req.valid("json")),
  );
  for (const namespace of ["in-app", "device"] as const) {
    routes.post(`/verify/${namespace}`, limitTenants, body(claimBody), (c) =>
      verifyInApp(c, namespace, c.req.valid("json")),
    );
  }
  routes.get("/public/:tenant/.well-known/jwks", limitTenants, async (c) => {
    const client = await clientNamed(c, c.req.param("tenant"));
    return client.ok ? c.json({ keys: await services(c).keyring.published() }) : refuse(c, client.error);
  });
  routes.route("/", codeRoutes());
  routes.get("/user-authenticators", listOwnAuthenticators);
  routes.route("/user-authenticators", credentialRoutes());
  return routes;
}

/** The Authsignal door, mounted at /v1. Success is exactly 200 with a JSON body; a refusal has three members (§0, §3). */
export function authsignalRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(refuseOtherMethods(routes, renderFault));
  routes.use(noStore);
  routes.route("/client", clientRoutes());
  routes.get("/ui", (c) =>
    c.text(
      "This deployment has no hosted page for actions: start the challenge with the SDK and the action's token.",
    ),
  );
  routes.get("/link/:id", refuseFrames, showLink);
  routes.post("/link/:id", takeLink);
  routes.use(refuseRepeats);
  routes.route("/", serverRoutes());
  return routes;
}

const SOCKET_PATH = /^(?:(?:\/.+)?\/api-ws)?\/ws-v1-challenge\/?$/;

/** Where the SDK looks for the QR socket, having turned the base URL's `v1` and `api` into other words (§8.1). */
function socketRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(noStore);
  // A wildcard, because a mounted route takes no slash at its end.
  routes.get("*", (c) => (SOCKET_PATH.test(c.req.path) ? qrSocket(c) : c.notFound()));
  return routes;
}

/** The door as the app mounts it. */
export const authsignalDoors = (): readonly Door[] => [
  { prefix: "/ws-v1-challenge", routes: socketRoutes(), renderFault },
  { prefix: "/api-ws", routes: socketRoutes(), renderFault },
  { prefix: "/:above{.+}/api-ws", routes: socketRoutes(), renderFault },
  { name: "Authsignal", prefix: "/v1", routes: authsignalRoutes(), renderFault, forgivesSlashes: true },
];
