import { answers, type DoorDescription, NO_CONTENT } from "../../../http/openapi/operation.ts";
import { problemAnswer } from "../../../http/openapi/parts.ts";
import * as shape from "./answers.ts";
import examples from "./examples.json" with { type: "json" };

const ofClient = [400, 401, 404];
const ofUser = [401, 404];

/** The admin API (docs/admin-api.md). */
export const adminDescription: DoorDescription = {
  tag: "Admin",
  about: "The operator's API: clients, users, devices, grants, the audit trail and keys (docs/admin-api.md).",
  security: ["adminToken"],
  error: problemAnswer,
  examples,
  operations: {
    "POST /admin/clients": {
      id: "createClient",
      summary: "Create a client",
      answers: answers(
        shape.newClient,
        "The client. A confidential one comes with its secret, shown this once.",
        201,
      ),
      errors: [400, 401, 409, 422],
    },
    "GET /admin/clients": {
      id: "listClients",
      summary: "List clients",
      answers: answers(shape.clients, "A page of clients."),
      errors: [400, 401],
    },
    "GET /admin/clients/:client_id": {
      id: "getClient",
      summary: "Read a client",
      answers: answers(shape.client, "The client."),
      errors: ofClient,
    },
    "PATCH /admin/clients/:client_id": {
      id: "updateClient",
      summary: "Change a client",
      description: "A setting that is null goes back to its default.",
      answers: answers(shape.client, "The client as it is now."),
      errors: [...ofClient, 422],
    },
    "DELETE /admin/clients/:client_id": {
      id: "disableClient",
      summary: "Disable a client",
      answers: NO_CONTENT,
      errors: ofClient,
    },
    "POST /admin/clients/:client_id/secret": {
      id: "rotateClientSecret",
      summary: "Make a new client secret",
      answers: answers(shape.newSecret, "The new secret, shown this once."),
      errors: [...ofClient, 422],
    },
    "POST /admin/users": {
      id: "createUser",
      summary: "Create a user",
      description: "`username`, `email` or `phone` is needed.",
      answers: answers(shape.user, "The user.", 201),
      errors: [400, 401, 409],
    },
    "GET /admin/users": {
      id: "listUsers",
      summary: "List or find users",
      description: "At most one of `identifier`, `external_id` and `after`.",
      answers: answers(shape.users, "A page of users."),
      errors: [400, 401],
    },
    "GET /admin/users/:user_id": {
      id: "getUser",
      summary: "Read a user",
      answers: answers(shape.user, "The user."),
      errors: ofUser,
    },
    "PATCH /admin/users/:user_id": {
      id: "updateUser",
      summary: "Change, lock or unlock a user",
      answers: answers(shape.user, "The user as they are now."),
      errors: [400, 409, 422, ...ofUser],
    },
    "DELETE /admin/users/:user_id": {
      id: "deleteUser",
      summary: "Delete a user",
      answers: NO_CONTENT,
      errors: ofUser,
    },
    "GET /admin/users/:user_id/devices": {
      id: "listUserDevices",
      summary: "List a user's devices",
      answers: answers(shape.devices, "Live devices, or all of them with `revoked=true`."),
      errors: [400, ...ofUser],
    },
    "DELETE /admin/users/:user_id/devices/:device_id": {
      id: "revokeDevice",
      summary: "Remove a device",
      answers: NO_CONTENT,
      errors: ofUser,
    },
    "GET /admin/users/:user_id/authenticators": {
      id: "listUserAuthenticators",
      summary: "List the addresses by which a user meets actions",
      answers: answers(shape.authenticators, "The addresses."),
      errors: ofUser,
    },
    "DELETE /admin/users/:user_id/authenticators/:id": {
      id: "removeUserAuthenticator",
      summary: "Remove an address by which a user meets actions",
      answers: NO_CONTENT,
      errors: ofUser,
    },
    "GET /admin/users/:user_id/grants": {
      id: "listGrants",
      summary: "List where a user is signed in",
      answers: answers(shape.grants, "A page of grants."),
      errors: [400, ...ofUser],
    },
    "DELETE /admin/users/:user_id/grants/:grant_id": {
      id: "revokeGrant",
      summary: "End one grant",
      answers: NO_CONTENT,
      errors: ofUser,
    },
    "DELETE /admin/users/:user_id/grants": {
      id: "revokeGrants",
      summary: "Sign a user out everywhere",
      answers: { ...NO_CONTENT, 202: { description: "There are more than one call ends. Repeat it." } },
      errors: ofUser,
    },
    "GET /admin/users/:user_id/export": {
      id: "exportUser",
      summary: "Export what is held about a user",
      answers: answers(shape.personalData, "A page of rows, by the table that holds them."),
      errors: [400, ...ofUser],
    },
    "POST /admin/users/:user_id/erasure": {
      id: "eraseUser",
      summary: "Erase what is held about a user",
      answers: answers(shape.erasure, "How much was erased."),
      errors: [400, ...ofUser],
    },
    "GET /admin/audit": {
      id: "listAuditEvents",
      summary: "List audit events, newest first",
      answers: answers(shape.events, "A page of events."),
      errors: [400, 401],
    },
    "GET /admin/keys": {
      id: "listSigningKeys",
      summary: "List signing keys",
      answers: answers(shape.keys, "Each key's id and times, never its bytes."),
      errors: [401],
    },
    "POST /admin/keys/rotate": {
      id: "rotateSigningKeys",
      summary: "Make a new signing key",
      answers: answers(shape.key, "The new key.", 201),
      errors: [400, 401],
    },
  },
};
