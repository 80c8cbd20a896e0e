import * as z from "zod";
import { answers, type DoorDescription } from "../../../http/openapi/operation.ts";
import { jwks } from "../../../http/openapi/parts.ts";
import * as shape from "./answers.ts";
import examples from "./examples.json" with { type: "json" };

const oauth_token = z.enum(["true", "false"]).optional().describe("`true` asks for tokens.");
const method = z.string().describe("`TRUSTED_DEVICE`.");
const keySet = { 200: { description: "A key set.", schema: jwks, headers: ["Cache-Control"] } } as const;

/** The Cotter door (docs/wire/cotter.md). */
export const cotterDescription: DoorDescription = {
  tag: "Cotter",
  about:
    "The wire of Cotter's SDKs, for apps that move over (docs/cotter.md). Every call names its app by `API_KEY_ID`.",
  security: ["apiKeyId"],
  error: {
    description: "The call was refused, or the service cannot answer it now.",
    schema: shape.failure,
    headers: ["Retry-After"],
  },
  examples,
  operations: {
    "POST /api/v0/user/create": {
      id: "cotterCreateUser",
      summary: "Create a user, or begin a sign-up",
      answers: answers(shape.user, "The user."),
      errors: [400, 401, 403, 409],
    },
    "GET /api/v0/user": {
      id: "cotterFindUser",
      summary: "Find a user by an identifier",
      query: z.object({ identifier: z.string() }),
      answers: answers(shape.user, "The user; one whose id is zeros where nobody is called so."),
      errors: [400, 401],
    },
    "GET /api/v0/user/methods": {
      id: "cotterIsKeyEnrolled",
      summary: "Whether a key can answer for a user",
      query: z.object({ cotter_user_id: z.string(), method, public_key: z.string() }),
      answers: answers(shape.enrolled, "Whether it can."),
      errors: [401],
    },
    "PUT /api/v0/user/methods": {
      id: "cotterChangeMethod",
      summary: "Enrol the first device of a user, or remove one by its key",
      query: z.object({ cotter_user_id: z.string(), oauth_token }),
      answers: answers(shape.userWithTokens, "The user as they are now."),
      errors: [400, 401, 403, 404, 409],
    },
    "GET /api/v0/user/enrolled/any/:user/:method": {
      id: "cotterHasDevice",
      summary: "Whether any device can answer for a user",
      answers: answers(shape.enrolled, "Whether one can."),
      errors: [401],
    },
    "GET /api/v0/user/enrolled/:user/:method/:key": {
      id: "cotterIsKeyEnrolledByPath",
      summary: "Whether a key can answer for a user, by the path",
      answers: answers(shape.enrolled, "Whether it can."),
      errors: [401],
    },
    "GET /api/v0/user/:user": {
      id: "cotterGetUser",
      summary: "Read a user",
      answers: answers(shape.user, "The user."),
      errors: [401, 404],
    },
    "PUT /api/v0/user/:user": {
      id: "cotterChangeMethodByPath",
      summary: "Enrol the first device of a user, or remove one by its key, by the path",
      query: z.object({ oauth_token }),
      answers: answers(shape.userWithTokens, "The user as they are now."),
      errors: [400, 401, 403, 404, 409],
    },
    "POST /api/v0/event/create_pending": {
      id: "cotterAsk",
      summary: "Ask a user's trusted device to let this one in",
      answers: answers(shape.pendingEvent, "The event, with its secret number and where to wait."),
      errors: [400, 401, 403, 404],
    },
    "GET /api/v0/event/get/:event_id": {
      id: "cotterPoll",
      summary: "Poll an event, and take its tokens",
      query: z.object({ oauth_token }),
      path: { event_id: z.string().describe("The secret number of the start.") },
      answers: answers(shape.eventWithTokens, "The event; with its tokens once, when it is approved."),
      errors: [400, 401, 403, 404],
    },
    "GET /api/v0/event/new/:user": {
      id: "cotterNewestEvent",
      summary: "What waits for a user",
      answers: answers(shape.event.nullable(), "One event, or null."),
      errors: [401],
    },
    "GET /api/v0/event/new": {
      id: "cotterNewestEventByQuery",
      summary: "What waits for a user, by the query",
      query: z.object({ cotter_user_id: z.string().optional(), client_user_id: z.string().optional() }),
      answers: answers(shape.event.nullable(), "One event, or null."),
      errors: [401],
    },
    "POST /api/v0/event/respond/:event_id": {
      id: "cotterRespond",
      summary: "Approve or reject an event, signed by a trusted device",
      path: { event_id: z.string().describe("The public number of the prompt.") },
      answers: answers(shape.event, "The event."),
      errors: [400, 401, 403, 404, 409],
    },
    "POST /api/v0/event/create": {
      id: "cotterCreateApproved",
      summary: "Sign in by this trusted device, or enrol another one",
      query: z.object({ oauth_token }),
      answers: answers(shape.eventWithTokens, "The event, approved."),
      errors: [400, 401, 403, 404, 409],
    },
    "POST /api/v0/token": {
      id: "cotterRefresh",
      summary: "Refresh the tokens",
      answers: answers(shape.bundle, "New tokens."),
      errors: [400, 401],
    },
    "POST /api/v0/token/:api_key_id": {
      id: "cotterRefreshByPath",
      summary: "Refresh the tokens, with the app's id in the path",
      security: [],
      answers: answers(shape.bundle, "New tokens."),
      errors: [400, 401],
    },
    "DELETE /api/v0/token/:api_key_id": {
      id: "cotterSignOut",
      summary: "Sign out",
      security: [],
      answers: answers(shape.signedOut, "Done, whatever token was named."),
      errors: [400, 401],
    },
    "POST /api/v0/token/custom": {
      id: "cotterCustomClaims",
      summary: "Custom claims, which this server does not offer",
      answers: { 403: { description: "Always refused.", schema: shape.failure } },
      errors: [401],
    },
    "POST /api/v0/verify/get_identity": {
      id: "cotterGetIdentity",
      summary: "Exchange the authorization code of the hosted page",
      answers: answers(shape.identity, "A signed identity, tokens, and the user."),
      errors: [400, 401, 403],
    },
    "GET /api/v0/token/jwks": {
      id: "cotterKeys",
      summary: "Public keys that tokens are verified with",
      security: [],
      answers: keySet,
      errors: [405],
    },
    "GET /api/v0/keys/ed25519": {
      id: "cotterStatementKey",
      summary: "The public key that events are verified with",
      security: [],
      answers: answers(shape.statementKey, "Raw Ed25519 in base64."),
      errors: [405],
    },
    "POST /verify": {
      id: "cotterVerifyToken",
      summary: "Check an access token, for back ends without a JWT library",
      security: ["apiKeyId", "clientName"],
      answers: {
        ...answers(shape.verdict, "The verdict, whatever the token."),
        400: { description: "The body is not right.", schema: shape.verdict },
        429: { description: "Too many requests.", schema: shape.verdict, headers: ["Retry-After"] },
        500: { description: "Something went wrong.", schema: shape.verdict },
        503: {
          description: "The service cannot be used now.",
          schema: shape.verdict,
          headers: ["Retry-After"],
        },
      },
    },
    "GET /screening/form": {
      id: "cotterScreeningForm",
      summary: "What the web form asks before it sends anything",
      answers: {
        ...answers(shape.form, "Every client's form passes."),
        401: { description: "No such client.", schema: shape.form },
        429: { description: "Too many requests.", schema: shape.form, headers: ["Retry-After"] },
        500: { description: "Something went wrong.", schema: shape.form },
        503: { description: "The service cannot be used now.", schema: shape.form, headers: ["Retry-After"] },
      },
    },
  },
};
