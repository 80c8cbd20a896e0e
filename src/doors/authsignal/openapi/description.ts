import { answers, type DoorDescription, type Operation } from "../../../http/openapi/operation.ts";
import * as shape from "./answers.ts";
import examples from "./examples.json" with { type: "json" };
import { pageOperations } from "./page.ts";
import { phoneOperations } from "./phone.ts";

const usual = [400, 401];

const backendOperations: Readonly<Record<string, Operation>> = {
  "POST /v1/users/:user/actions/:action": {
    id: "authsignalTrack",
    summary: "Track an action",
    answers: answers(shape.tracked, "How the action stands, and the token for the user's page."),
    errors: [...usual, 403],
  },
  "GET /v1/users/:user/actions/:action/:key": {
    id: "authsignalGetAction",
    summary: "How an action stands",
    answers: answers(shape.action, "The action."),
    errors: [...usual, 404],
  },
  "PATCH /v1/users/:user/actions/:action/:key": {
    id: "authsignalUpdateAction",
    summary: "Change an action's state",
    answers: answers(shape.changedAction, "The state."),
    errors: [...usual, 404],
  },
  "GET /v1/users/:user/actions": {
    id: "authsignalListActions",
    summary: "List a user's actions",
    answers: answers(shape.actions, "The newest first."),
    errors: usual,
  },
  "POST /v1/validate": {
    id: "authsignalValidate",
    summary: "What a token says of its action",
    answers: answers(shape.validated, "The result; one that is not good is an answer, and no error."),
    errors: usual,
  },
  "GET /v1/users": {
    id: "authsignalQueryUsers",
    summary: "Find users",
    answers: answers(shape.users, "A page of users."),
    errors: usual,
  },
  "GET /v1/users/:user": {
    id: "authsignalGetUser",
    summary: "Read a user",
    answers: answers(shape.user, "The user; one who is not enrolled where nobody is called so."),
    errors: usual,
  },
  "PATCH /v1/users/:user": {
    id: "authsignalUpdateUser",
    summary: "Change a user, or make one",
    answers: answers(shape.changedUser, "The members that were sent."),
    errors: [...usual, 409],
  },
  "POST /v1/users/:user": {
    id: "authsignalUpdateUserByPost",
    summary: "Change a user, for SDKs that cannot PATCH",
    answers: answers(shape.changedUser, "The members that were sent."),
    errors: [...usual, 404, 409],
  },
  "DELETE /v1/users/:user": {
    id: "authsignalDeleteUser",
    summary: "Delete a user",
    answers: answers(shape.empty, "Done."),
    errors: [...usual, 403],
  },
  "GET /v1/users/:user/authenticators": {
    id: "authsignalListAuthenticators",
    summary: "List a user's ways to meet actions",
    answers: answers(shape.authenticators, "The ways."),
    errors: usual,
  },
  "POST /v1/users/:user/authenticators": {
    id: "authsignalEnrolVerified",
    summary: "Enrol an address that the backend has seen proven",
    answers: answers(shape.enrolledByBackend, "The way."),
    errors: usual,
  },
  "DELETE /v1/users/:user/authenticators/:id": {
    id: "authsignalRemoveAuthenticator",
    summary: "Remove a way to meet actions",
    answers: answers(shape.empty, "Done, whether or not it was there."),
    errors: usual,
  },
  "POST /v1/challenge": {
    id: "authsignalSendCode",
    summary: "Send a code from a backend",
    answers: answers(shape.backendCode, "The challenge."),
    errors: [...usual, 403, 502],
  },
  "POST /v1/verify": {
    id: "authsignalVerifyCode",
    summary: "Give back a code from a backend",
    answers: answers(shape.verifiedCode, "Whether it is right. One that is not is an answer, and no error."),
    errors: usual,
  },
  "POST /v1/claim": {
    id: "authsignalClaimCode",
    summary: "Say whose a code is that was given back",
    answers: answers(shape.claimedCode, "The result."),
    errors: usual,
  },
  "GET /v1/challenges": {
    id: "authsignalGetCode",
    summary: "Find a code that a backend has sent",
    answers: answers(shape.heldCode, "The code's challenge; empty where there is none."),
    errors: usual,
  },
};

/** The Authsignal door (docs/wire/authsignal.md). */
export const authsignalDescription: DoorDescription = {
  tag: "Authsignal",
  about:
    "The wire of Authsignal's SDKs, for apps that move over (docs/authsignal.md). Success is always 200.",
  security: ["tenantSecret"],
  error: {
    description: "The call was refused, or the service cannot answer it now.",
    schema: shape.failure,
    headers: ["Retry-After"],
  },
  examples,
  operations: { ...backendOperations, ...pageOperations, ...phoneOperations },
  excluded: {
    "GET /v1/v1/challenges": "the same as /v1/challenges, for an SDK that writes the base path twice",
    "POST /v1/:challenges{challenges.*}": "the same as GET /v1/challenges, for SDKs that post it",
    "POST /v1/users/authenticators": "always 404: passkeys by the dozen, which this door does not take",
    "GET /v1/ui": "a line of text: there is no hosted page for actions",
    "GET /v1/link/:id": "the page of a link in a letter",
    "POST /v1/link/:id": "its form",
    "GET /ws-v1-challenge/*": "a WebSocket with a protocol of its own (docs/wire/authsignal.md)",
    "GET /api-ws/*": "the same socket, where another base path leads",
    "GET /:above{.+}/api-ws/*": "the same socket, where another base path leads",
  },
};
