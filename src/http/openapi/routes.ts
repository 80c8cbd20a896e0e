import * as z from "zod";
import examples from "./examples.json" with { type: "json" };
import { answers, type DoorDescription } from "./operation.ts";
import { instant, jwks, problemAnswer } from "./parts.ts";

const health = z.object({
  status: z.literal("ok"),
  environment: z
    .string()
    .optional()
    .describe("Told to the bearer of the admin token alone, as is what follows."),
  issuer: z.url().optional(),
  sends: z.array(z.string()).optional().describe("Channels that carry messages."),
  notes: z.array(z.string()).optional().describe("What is not configured, in words."),
});

const wait = z
  .object({
    id: z.string(),
    state: z.enum(["pending", "claimed", "approved", "denied", "expired", "cancelled", "redeemed"]),
    expires_at: instant,
  })
  .meta({ id: "WaitState" });

const receipt = z.object({
  id: z.string(),
  state: z.enum(["approved", "denied", "expired", "cancelled", "redeemed"]),
  decision: z.enum(["approve", "deny"]),
  decided_at: instant,
  receipt: z.string().describe("A JWS of type `receipt+jwt`, by a key of the key set (docs/receipts.md)."),
});

const message = z.object({
  id: z.string(),
  channel: z.enum(["email", "sms", "whatsapp", "push"]),
  to: z.string(),
  subject: z.string().optional(),
  text: z.string(),
  code: z.string().optional(),
  link: z.string().optional(),
  at: z.int().describe("Milliseconds since 1970."),
});

const client = z
  .string()
  .optional()
  .describe("The client of the challenge, as `socket_uri` names it; it only saves a look.");

/** Routes that belong to no door. */
export const commonDescription: DoorDescription = {
  tag: "Waiting and status",
  about:
    "Waiting for the result of a challenge (docs/waiting.md), the public keys, and whether the service is up.",
  security: [],
  error: problemAnswer,
  examples,
  operations: {
    "GET /challenges/:id/wait": {
      id: "waitForChallenge",
      summary: "Wait until a challenge is decided",
      description:
        "Answers when the state leaves `pending` and `claimed`, or after `timeout` seconds: 1 to 120, 25 when it is missing. `Prefer: wait=25` says the same. It tells no token and no user.",
      security: ["waiterHandle"],
      query: z.object({ client }),
      answers: answers(wait, "How the challenge stands."),
      errors: [400, 401, 403, 404, 405],
    },
    "GET /challenges/:id/socket": {
      id: "openChallengeSocket",
      summary: "Open a WebSocket that tells how a challenge stands",
      description:
        "One text frame on open and on every change, with the members of the wait. The last one has `type` `settled`; then the socket closes with 1000. `ping` is answered `pong`. A browser offers the sub-protocols `countersign.v1` and `countersign.handle.<handle>`.",
      security: ["waiterHandle"],
      query: z.object({ client }),
      answers: { 101: { description: "The socket is open." } },
      errors: [401, 403, 404, 405, 426],
    },
    "GET /challenges/:id/receipt": {
      id: "getReceipt",
      summary: "Read the signed record of a decision",
      description:
        "By the client's secret (HTTP Basic), or by the waiter's handle once the tokens were collected: then without what was asked and signed. An event's number of Cotter's wire is not enough. 409: nobody has decided; `state` says how it stands.",
      security: ["waiterHandle", "clientSecret"],
      answers: answers(receipt, "Who decided what, and when, with the device's own signature."),
      errors: [401, 403, 404, 405, 409],
    },
    "GET /healthz": {
      id: "getHealth",
      summary: "Whether the database and the signing keys can be used",
      answers: {
        ...answers(health, "The service is up."),
        503: {
          description: "The service cannot be used now.",
          schema: z.object({ status: z.literal("unavailable"), reason: z.string() }),
        },
      },
    },
    "GET /.well-known/jwks.json": {
      id: "getKeys",
      summary: "Public keys that tokens are verified with",
      answers: {
        200: { description: "A key set (RFC 7517 §5).", schema: jwks, headers: ["Cache-Control"] },
      },
    },
    "GET /dev/outbox": {
      id: "listOutbox",
      summary: "Messages that were not sent, in development",
      description: "404 wherever messages are really sent.",
      query: z.object({ to: z.string().describe("The address, as it was given.") }),
      answers: answers(z.object({ messages: z.array(message) }), "The newest first, at most 50."),
      errors: [400, 404],
    },
  },
  excluded: {
    "GET /": "a page",
    "GET /demo/*": "pages and files of the demo, in development only",
    "POST /demo/*": "the demo's own call, in development only",
    "GET /docs/api": "the reference page, in development only",
    "GET /docs/api.css": "its style",
    "GET /app/*": "the hosted page",
    "POST /app/*": "forms of the hosted page",
    "GET /login/*": "the hosted page, framed",
    "POST /login/*": "forms of the hosted page, framed",
    "GET /signup/*": "the hosted page, framed",
    "POST /signup/*": "forms of the hosted page, framed",
  },
};
