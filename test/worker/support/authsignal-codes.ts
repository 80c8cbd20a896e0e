import type { ClientSettings } from "../../../src/core/client/settings.ts";
import type { DoorEvent, QueueMessage } from "../../../src/core/message/queue.ts";
import type { Message } from "../../../src/core/ports/deliveries.ts";
import type { Services } from "../../../src/core/ports/services.ts";
import type { WebhookOutcome } from "../../../src/core/ports/webhooks.ts";
import { ok } from "../../../src/core/result.ts";
import { bearer, newTenant, type Tenant, track } from "./authsignal.ts";
import { type Answer, type Deployment, deployment, fresh, type Json } from "./cotter.ts";

export const WRONG = { isVerified: false, failureReason: "CODE_INVALID_OR_EXPIRED" };

/** The fifth wrong code of a challenge, and every code after it. */
export const EXHAUSTED = { isVerified: false, failureReason: "MAX_ATTEMPTS_EXCEEDED" };

export const number = () => `+64272${String(Math.floor(Math.random() * 1e6)).padStart(6, "0")}`;

/** The two kinds of address, as the browser SDK's addresses and members name them (Authsignal §9.2). */
export const WAYS = [
  {
    path: "email-otp",
    member: "email",
    word: "EMAIL_OTP",
    event: "email.created",
    channel: "email",
    address: () => `${fresh("jo")}@example.com`,
  },
  { path: "sms", member: "phoneNumber", word: "SMS", event: "sms.created", channel: "sms", address: number },
] as const;
export type Way = (typeof WAYS)[number];

export type Scene = {
  readonly at: Deployment;
  /** What the delivery room was handed, oldest first. */
  readonly messages: readonly Message[];
  /** What clients' webhooks were told at once. */
  readonly told: readonly DoorEvent[];
  readonly queued: readonly QueueMessage[];
  /** The code that was handed over last. */
  code(): string;
  wrong(): string;
  /** A call of a page that holds this token. */
  page(token: unknown, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
};

/** A deployment whose messages, webhooks and queue are held by the test. */
export function scene(
  outcome: (event: DoorEvent) => WebhookOutcome = () => ({ kind: "sent" }),
  change: (services: Services) => Partial<Services> = () => ({}),
  over: Record<string, unknown> = {},
): Scene {
  const messages: Message[] = [];
  const told: DoorEvent[] = [];
  const queued: QueueMessage[] = [];
  const at = deployment(over, (services) => {
    const held = {
      ...services,
      deliveries: {
        ...services.deliveries,
        send: async (message: Message) => {
          messages.push(message);
          return ok("sent" as const);
        },
      },
      actionWebhooks: {
        send: async (_target: unknown, event: DoorEvent) => {
          told.push(event);
          return outcome(event);
        },
      },
      events: { send: async (message: QueueMessage) => void queued.push(message) },
    };
    return { ...held, ...change(held) };
  });
  const code = () => messages.at(-1)?.code ?? "";
  return {
    at,
    messages,
    told,
    queued,
    code,
    wrong: () => (code() === "000000" ? "111111" : "000000"),
    page: (token, path, body, headers = {}) =>
      at.call("POST", `/v1/client${path}`, body, { ...bearer(token), ...headers }),
  };
}

export const tokenOf = async (
  at: Deployment,
  tenant: Tenant,
  user: string,
  action: string,
  body: Json = {},
) => (await track(at, tenant, user, action, body)).body.token;

/** A user of a fresh tenant who has enrolled one address over the wire. */
export async function enrolled(
  here: Scene,
  way: Way,
  settings: ClientSettings = {},
  to: string = way.address(),
  at?: Tenant,
) {
  const tenant = at ?? (await newTenant(here.at, settings, { webhookUrl: "https://hook.example/in" }));
  const user = fresh("u");
  const token = await tokenOf(here.at, tenant, user, "enrol");
  const begun = await here.page(token, `/user-authenticators/${way.path}`, { [way.member]: to });
  const done = await here.page(token, `/verify/${way.path}`, { verificationCode: here.code() });
  return { tenant, user, to, token, id: String(begun.body.userAuthenticatorId), begun, done };
}
