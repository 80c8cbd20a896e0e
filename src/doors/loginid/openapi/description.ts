import * as z from "zod";
import { answers, type DoorDescription, NO_CONTENT } from "../../../http/openapi/operation.ts";
import { CODE_TYPES } from "../schema.ts";
import * as shape from "./answers.ts";
import examples from "./examples.json" with { type: "json" };

const type = { type: z.enum(CODE_TYPES) };
const usual = [400, 401, 403, 404];
const AT_ROOT = "the same route as under /api/native, for SDKs whose base has no path";
const BARE = "A public client brings no token; its pages are known by their origin.";

/** The LoginID door (docs/wire/loginid.md). */
export const loginidDescription: DoorDescription = {
  tag: "LoginID",
  about:
    "The wire of LoginID's SDKs, for apps that move over (docs/loginid.md). Each route stands at the root too, without `/api/native`.",
  security: ["serviceToken"],
  error: {
    description: "The call was refused, or the service cannot answer it now.",
    schema: shape.failure,
    headers: ["Retry-After"],
  },
  examples,
  operations: {
    "POST /api/native/manage/users/retrieve": {
      id: "loginidFindUser",
      summary: "Find a user by their name",
      answers: answers(shape.profile, "The user."),
      errors: usual,
    },
    "POST /api/native/manage/users": {
      id: "loginidCreateUser",
      summary: "Create a user",
      answers: answers(shape.profile, "The user."),
      errors: [400, 401],
    },
    "POST /api/native/manage/users/delete": {
      id: "loginidDeleteUserByName",
      summary: "Delete a user by their name",
      answers: NO_CONTENT,
      errors: usual,
    },
    "DELETE /api/native/manage/users/:user_id": {
      id: "loginidDeleteUser",
      summary: "Delete a user",
      answers: NO_CONTENT,
      errors: [401, 403, 404],
    },
    "PUT /api/native/manage/users/:user_id/activate": {
      id: "loginidActivateUser",
      summary: "Unlock a user",
      answers: answers(shape.profile, "The user."),
      errors: [401, 403, 404],
    },
    "PUT /api/native/manage/users/:user_id/deactivate": {
      id: "loginidDeactivateUser",
      summary: "Lock a user",
      answers: answers(shape.profile, "The user."),
      errors: [401, 403, 404],
    },
    "POST /api/native/codes/:type/generate": {
      id: "loginidGenerateCode",
      summary: "Get a code that a user carries to a device where they are signed in",
      path: type,
      answers: answers(shape.code, "The code."),
      errors: usual,
    },
    "POST /api/native/codes/:type/authorize": {
      id: "loginidAuthorizeCode",
      summary: "Approve a code that a user has carried over",
      path: type,
      answers: answers(shape.authorized, "The code is approved."),
      errors: usual,
    },
    "POST /api/native/codes/:type/invalidate-all": {
      id: "loginidEndCodes",
      summary: "End all codes of a user",
      path: type,
      answers: answers(shape.ended, "Done."),
      errors: usual,
    },
    "POST /api/native/codes/:type/generate/fido2/init": {
      id: "loginidBeginOwnCode",
      summary: "Get what a passkey signs for a code of its user's own",
      description: BARE,
      security: ["serviceToken", "clientName"],
      path: type,
      answers: answers(shape.request, "For `navigator.credentials.get`."),
      errors: usual,
    },
    "POST /api/native/codes/:type/generate/fido2/complete": {
      id: "loginidFinishOwnCode",
      summary: "Sign in by a passkey, and get a code",
      security: ["clientName"],
      path: type,
      answers: answers(shape.resultWithCode, "The signed-in result, and the code."),
      errors: usual,
    },
    "POST /api/native/authenticate/code/wait": {
      id: "loginidWait",
      summary: "Wait until a code is approved, and take the result",
      description: BARE,
      security: ["serviceToken", "clientName"],
      answers: answers(shape.result, "The signed-in result, once."),
      errors: usual,
    },
    "GET /api/native/credentials": {
      id: "loginidListCredentials",
      summary: "List a user's devices",
      query: z.object({ user_id: z.string().optional(), username: z.string().optional() }),
      answers: answers(shape.credentials, "The devices."),
      errors: usual,
    },
    "POST /api/native/credentials/list": {
      id: "loginidListCredentialsByBody",
      summary: "List a user's devices, by a body",
      answers: answers(shape.credentials, "The devices."),
      errors: usual,
    },
    "POST /api/native/credentials/rename": {
      id: "loginidRenameCredential",
      summary: "Rename a device",
      answers: answers(shape.oneCredential, "The device."),
      errors: usual,
    },
    "POST /api/native/credentials/revoke": {
      id: "loginidRevokeCredential",
      summary: "Remove a device",
      answers: answers(shape.oneCredential, "The device."),
      errors: usual,
    },
    "POST /api/native/credentials/fido2/init/code": {
      id: "loginidBeginPasskey",
      summary: "Begin to add a passkey, by an approved code",
      description: BARE,
      security: ["serviceToken", "clientName"],
      answers: answers(shape.creation, "For `navigator.credentials.create`."),
      errors: usual,
    },
    "POST /api/native/credentials/fido2/init/force": {
      id: "loginidForcePasskey",
      summary: "Begin to add a passkey without a code, for a backend that may",
      answers: answers(shape.creation, "For `navigator.credentials.create`."),
      errors: usual,
    },
    "POST /api/native/credentials/fido2/complete": {
      id: "loginidFinishPasskey",
      summary: "Add a passkey",
      security: ["clientName"],
      answers: answers(shape.result, "The signed-in result."),
      errors: usual,
    },
    "GET /api/native/certs": {
      id: "loginidCertificate",
      summary: "The public key of a `kid`, the current one without it",
      security: [],
      query: z.object({ kid: z.string().optional() }),
      answers: {
        200: {
          description: "The key as PEM text (SPKI).",
          schema: z.string(),
          type: "text/plain",
          headers: ["Cache-Control"],
        },
      },
      errors: [404],
    },
  },
  excluded: Object.fromEntries(
    [
      ...["POST /manage", "PUT /manage", "DELETE /manage", "POST /codes", "POST /authenticate"],
      ...["GET /credentials", "POST /credentials", "GET /certs"],
    ].map((name) => [`${name}/*`, AT_ROOT]),
  ),
};
