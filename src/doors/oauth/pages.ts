import { Hono, type MiddlewareHandler } from "hono";
import { limitGuesses, limitOpenings, limitSends } from "../../hosted/limits.ts";
import type { AppEnv } from "../../http/context.ts";
import type { Door, RenderFault } from "../../http/door.ts";
import { noStore } from "../../http/no-store.ts";
import { authorize, authorizeByForm } from "./authorize/authorize.ts";
import { trouble } from "./authorize/back.ts";
import { takeConsent } from "./authorize/consent.ts";
import { CONSENT_PATH } from "./authorize/consent-page.ts";
import { decideDeviceRequest, showDevicePage, showDeviceRequest, takeUserCode } from "./device/page.ts";
import { ENDPOINTS, VERIFICATION_PAGE } from "./endpoints.ts";
import { ANSWER, logout, logoutByForm, takeSignOut } from "./logout/logout.ts";
import { beginPasskey, removePasskey, showPasskeys, takeNewPasskey } from "./passkey/page.ts";
import { PASSKEYS_PATH, SIGNED_PATH } from "./passkey/paths.ts";
import { takePasskey } from "./passkey/take.ts";
import { signInForPhone } from "./phone/page.ts";
import { PHONE_SIGN_IN } from "./phone/place.ts";
import { SESSIONS_PATH, showSessions, takeSessions } from "./session/sessions.ts";
import { sendSignInCodeAgain, showSignInState, takeSignIn, takeSignInCode } from "./session/sign-in.ts";
import { SIGN_IN_PATH } from "./session/sign-in-page.ts";

const renderFault: RenderFault = async (c, status, retryAfter) => {
  if (retryAfter !== undefined) c.header("Retry-After", String(retryAfter));
  return await trouble(c, status < 500 ? "request" : "fault", status);
};

/** A page of this door at its own address: what fails behind it is a page too. */
function pageDoor(
  prefix: string,
  mount: (routes: Hono<AppEnv>) => void,
  ...first: MiddlewareHandler<AppEnv>[]
): Door {
  const routes = new Hono<AppEnv>();
  routes.use(noStore, ...first);
  mount(routes);
  return { prefix, routes, renderFault };
}

/** The pages of the standard door. */
export const oauthPages = (): readonly Door[] => [
  pageDoor(
    ENDPOINTS.authorization_endpoint,
    (routes) => routes.get("/", authorize).post("/", authorizeByForm),
    limitOpenings,
  ),
  pageDoor(SIGN_IN_PATH, (routes) => {
    routes.post("/", limitSends, limitOpenings, takeSignIn);
    routes.post(SIGNED_PATH, limitOpenings, takePasskey);
    routes.get("/:id", limitOpenings, showSignInState);
    routes.post("/:id", limitGuesses, limitOpenings, takeSignInCode);
    routes.post("/:id/again", limitSends, limitOpenings, sendSignInCodeAgain);
  }),
  pageDoor(PHONE_SIGN_IN, (routes) => routes.get("/", signInForPhone), limitOpenings),
  pageDoor(PASSKEYS_PATH, (routes) => {
    routes.get("/", limitOpenings, showPasskeys);
    routes.post("/begin", limitOpenings, beginPasskey);
    routes.post("/", limitOpenings, takeNewPasskey);
    routes.post("/remove", limitOpenings, removePasskey);
  }),
  pageDoor(VERIFICATION_PAGE, (routes) => {
    routes.get("/", limitOpenings, showDevicePage);
    routes.post("/", limitGuesses, limitOpenings, takeUserCode);
    routes.get("/:id", limitOpenings, showDeviceRequest);
    routes.post("/:id", limitGuesses, limitOpenings, decideDeviceRequest);
  }),
  pageDoor(CONSENT_PATH, (routes) => routes.post("/", takeConsent), limitOpenings),
  pageDoor(SESSIONS_PATH, (routes) => routes.get("/", showSessions).post("/", takeSessions), limitOpenings),
  pageDoor(
    ENDPOINTS.end_session_endpoint,
    (routes) => routes.get("/", logout).post("/", logoutByForm).post(ANSWER, takeSignOut),
    limitOpenings,
  ),
];
