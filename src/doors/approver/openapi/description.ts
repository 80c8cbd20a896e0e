import * as z from "zod";
import { answers, type DoorDescription, NO_CONTENT } from "../../../http/openapi/operation.ts";
import { problemAnswer } from "../../../http/openapi/parts.ts";
import * as shape from "./answers.ts";
import examples from "./examples.json" with { type: "json" };

const act = "Signed by the device: the body carries the signature, and the second at which it was made.";

/** The door of the devices that answer (docs/approver.md). */
export const approverDescription: DoorDescription = {
  tag: "Approver",
  about:
    "The devices that approve: enrolment, requests that wait, decisions, and the user's devices (docs/approver.md).",
  security: ["deviceSession"],
  error: problemAnswer,
  examples,
  operations: {
    "GET /approver/config": {
      id: "getApproverConfig",
      summary: "What a page or app has to know of this deployment",
      security: [],
      answers: answers(shape.config, "The deployment."),
      errors: [405],
    },
    "POST /approver/sessions/begin": {
      id: "beginDeviceSession",
      summary: "Get a challenge that a passkey signs to open a session",
      security: [],
      answers: answers(shape.begunSession, "The challenge, good for five minutes."),
      errors: [400, 404],
    },
    "POST /approver/sessions": {
      id: "openDeviceSession",
      summary: "Open a session of a device",
      security: ["deviceProof"],
      answers: answers(shape.session, "The token that goes with the key of the proof.", 201),
      errors: [400, 401, 403],
    },
    "POST /approver/enrolments/begin": {
      id: "beginEnrolment",
      summary: "Begin to add a device, by a ticket",
      security: [],
      answers: answers(shape.begunEnrolment, "What the device signs."),
      errors: [400, 403, 410],
    },
    "POST /approver/enrolments": {
      id: "enrolDevice",
      summary: "Add a device",
      security: ["deviceProof"],
      answers: answers(shape.session, "The device and its first session.", 201),
      errors: [400, 401, 403, 409, 410, 422],
    },
    "GET /approver/prompts": {
      id: "listPrompts",
      summary: "List what waits for this device's user",
      answers: answers(shape.prompts, "The newest first, and what was kept from the user."),
      errors: [401],
    },
    "GET /approver/prompts/:id": {
      id: "getPromptState",
      summary: "How a request stands that this device was shown",
      answers: answers(shape.standing, "The state."),
      errors: [401, 404],
    },
    "GET /approver/socket": {
      id: "openDeviceSocket",
      summary: "Open a WebSocket that tells how many requests wait",
      description:
        "A browser offers the sub-protocols `countersign.v1`, `countersign.token.<token>` and `countersign.proof.<proof>`.",
      answers: { 101: { description: "The socket is open." } },
      errors: [401, 426],
    },
    "POST /approver/prompts/:id/decision": {
      id: "decidePrompt",
      summary: "Approve or deny a request",
      description:
        "The device signs the prompt's `payload` with `decision` and the other members of this body, in canonical JSON (RFC 8785).",
      answers: answers(shape.decided, "The decision stands."),
      errors: [400, 401, 403, 404, 409, 410, 422],
    },
    "POST /approver/scans": {
      id: "scanCode",
      summary: "Bring what a waiting screen shows, as a QR code or a code to type",
      answers: answers(shape.scanned, "The request behind it, and the proof that the screen was seen."),
      errors: [400, 401, 403, 404, 409, 410],
    },
    "GET /approver/devices": {
      id: "listOwnDevices",
      summary: "List the user's devices",
      answers: answers(shape.devices, "The devices."),
      errors: [401],
    },
    "PATCH /approver/devices/:id": {
      id: "renameDevice",
      summary: "Rename a device",
      answers: answers(shape.device, "The device."),
      errors: [400, 401, 404],
    },
    "POST /approver/devices/:id/removal": {
      id: "removeDevice",
      summary: "Remove a device",
      description: act,
      answers: NO_CONTENT,
      errors: [400, 401, 403, 404],
    },
    "POST /approver/tickets": {
      id: "letInDevice",
      summary: "Get leave to add one more device",
      description: act,
      answers: answers(
        shape.ticket,
        "The ticket, and the address that a QR code shows. Good for two minutes.",
        201,
      ),
      errors: [400, 401, 403],
    },
    "GET /approver/recovery-codes": {
      id: "countRecoveryCodes",
      summary: "How many recovery codes are left",
      answers: answers(shape.codesLeft, "The number."),
      errors: [401],
    },
    "POST /approver/recovery-codes": {
      id: "makeRecoveryCodes",
      summary: "Make ten new recovery codes",
      description: act,
      answers: answers(shape.newCodes, "The codes, shown this once. All before are no longer good.", 201),
      errors: [400, 401, 403],
    },
    "PUT /approver/push-subscription": {
      id: "subscribePush",
      summary: "Say how this device is woken",
      answers: NO_CONTENT,
      errors: [400, 401, 422],
    },
    "GET /approver/push-subscription": {
      id: "getPushSubscription",
      summary: "A digest of what this device is woken at",
      answers: answers(shape.subscription, "Empty where it is not woken."),
      errors: [401],
    },
    "DELETE /approver/push-subscription": {
      id: "unsubscribePush",
      summary: "Wake this device no more",
      answers: NO_CONTENT,
      errors: [401],
    },
    "GET /approver/activity": {
      id: "listActivity",
      summary: "What happened to this user's account, newest first",
      query: z.object({ after: z.string().optional().describe("`next` of the page before.") }),
      answers: answers(shape.activity, "A page of events."),
      errors: [401],
    },
  },
  excluded: { "GET /phone/undo/*": "a page", "POST /phone/undo/*": "the form of that page" },
};
