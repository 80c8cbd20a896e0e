import type { DescribedAnswer, DoorDescription } from "../../../http/openapi/operation.ts";
import { answers } from "../../../http/openapi/operation.ts";
import * as shape from "./answers.ts";
import examples from "./examples.json" with { type: "json" };
import * as form from "./forms.ts";

const metadata = {
  200: { description: "The metadata.", schema: shape.metadata, headers: ["Cache-Control"] },
} as const;
const called = [400, 401];
const either = ["clientSecret", "clientName"] as const;
const page: DescribedAnswer = { description: "A page." };
const away: DescribedAnswer = {
  description: "Back to the client, or on to the next page.",
  headers: ["Location"],
};
const userinfo = {
  200: { description: "The claims that the scope opens.", schema: shape.userinfo },
  401: {
    description: "The token is missing or not good (RFC 6750 §3). Without any token there is no body.",
    schema: shape.failure,
    headers: ["WWW-Authenticate", "DPoP-Nonce"],
  },
} as const;

/** The standard door (docs/oauth.md). Its forms are read by hand, so they are described beside. */
export const oauthDescription: DoorDescription = {
  tag: "OAuth",
  about:
    "OAuth 2.0 and OpenID Connect: code flow, device grant, CIBA, refresh, revocation, introspection (docs/oauth.md).",
  security: either,
  error: {
    description: "The call was refused, or the service cannot answer it now (RFC 6749 §5.2).",
    schema: shape.failure,
    headers: ["Retry-After", "WWW-Authenticate", "DPoP-Nonce"],
  },
  examples,
  operations: {
    "GET /.well-known/openid-configuration": {
      id: "getOpenIdConfiguration",
      summary: "What this server is and can do (OpenID Connect Discovery)",
      security: [],
      answers: metadata,
      errors: [405],
    },
    "GET /.well-known/oauth-authorization-server": {
      id: "getServerMetadata",
      summary: "What this server is and can do (RFC 8414)",
      security: [],
      answers: metadata,
      errors: [405],
    },
    "GET /oauth/authorize": {
      id: "authorize",
      summary: "Sign a user in, by a browser (RFC 6749 §4.1)",
      security: [],
      query: form.authorize,
      answers: { 200: page, 303: away, 400: { description: "A page: the request is not right." } },
    },
    "POST /oauth/authorize": {
      id: "authorizeByForm",
      summary: "Sign a user in, by a browser's form",
      security: [],
      form: form.authorize,
      answers: { 200: page, 303: away, 400: { description: "A page: the request is not right." } },
    },
    "POST /oauth/par": {
      id: "pushAuthorizationRequest",
      summary: "Push an authorization request (RFC 9126)",
      form: form.pushed,
      answers: answers(shape.pushed, "The name of the request, good for one minute.", 201),
      errors: [...called, 413],
    },
    "POST /oauth/token": {
      id: "getTokens",
      summary: "Get tokens: by a code, a refresh token, a device code or a CIBA request",
      description:
        "A `DPoP` header binds the tokens to its key (RFC 9449). While a request is not decided, a poll is answered 400 `authorization_pending`, or `slow_down`.",
      form: form.token,
      answers: answers(shape.tokens, "The tokens."),
      errors: called,
    },
    "POST /oauth/revoke": {
      id: "revokeToken",
      summary: "End the grant of a token (RFC 7009)",
      form: form.oneToken,
      answers: { 200: { description: "Done, whatever token was named. There is no body." } },
      errors: called,
    },
    "POST /oauth/introspect": {
      id: "introspectToken",
      summary: "What a token says (RFC 7662)",
      security: ["clientSecret"],
      form: form.oneToken,
      answers: answers(
        shape.introspection,
        "The token's claims; `active` alone where it says nothing to this client.",
      ),
      errors: called,
    },
    "GET /oauth/userinfo": {
      id: "getUserinfo",
      summary: "Claims about the user of an access token",
      security: ["accessToken", "dpopToken"],
      answers: userinfo,
      errors: [400, 403],
    },
    "POST /oauth/userinfo": {
      id: "getUserinfoByForm",
      summary: "Claims about the user of an access token, by a form",
      security: ["accessToken", "dpopToken"],
      form: form.userinfo,
      answers: userinfo,
      errors: [400, 403],
    },
    "POST /oauth/device_authorization": {
      id: "startDeviceGrant",
      summary: "Start the device grant (RFC 8628)",
      form: form.device,
      answers: answers(shape.deviceCodes, "The codes, and where to wait."),
      errors: called,
    },
    "POST /oauth/bc-authorize": {
      id: "startBackchannelRequest",
      summary: "Ask a user on their device (CIBA)",
      security: ["clientSecret"],
      form: form.backchannel,
      answers: answers(shape.backchannel, "The request, and where to wait."),
      errors: [...called, 403],
    },
    "POST /oauth/register": {
      id: "registerOpenClient",
      summary: "Register a public client (RFC 7591)",
      description: "404 unless the operator lets clients register themselves.",
      security: [],
      answers: answers(shape.registered, "The client.", 201),
      errors: [400, 404],
    },
    "GET /oauth/logout": {
      id: "endSession",
      summary: "Sign a user out, by a browser (OpenID Connect RP-Initiated Logout)",
      security: [],
      query: form.logout,
      answers: { 200: page, 303: away, 400: { description: "A page: the request is not right." } },
    },
    "POST /oauth/logout": {
      id: "endSessionByForm",
      summary: "Sign a user out, by a browser's form",
      security: [],
      form: form.logout,
      answers: { 303: away, 400: { description: "A page: the request is not right." } },
    },
  },
  excluded: {
    "POST /oauth/consent/*": "the form of the consent page",
    "POST /oauth/logout/*": "the form of the sign-out page",
    "GET /oauth/device/*": "the page where a user types a code",
    "POST /oauth/device/*": "forms of that page",
    "GET /oauth/sign-in/*": "sign-in pages",
    "POST /oauth/sign-in/*": "forms of the sign-in pages",
    "GET /oauth/sessions/*": "the page of a user's sessions",
    "POST /oauth/sessions/*": "its form",
    "GET /oauth/passkeys/*": "the page where a passkey is added",
    "POST /oauth/passkeys/*": "calls of that page, with its cookie and form token",
    "GET /phone/sign-in": "the sign-in that leads to the phone page",
  },
};
