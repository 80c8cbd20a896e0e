import type { ClientSettings } from "../../../src/core/client/settings.ts";
import type { DoorEvent, QueueMessage } from "../../../src/core/message/queue.ts";
import type { Message } from "../../../src/core/ports/deliveries.ts";
import type { Services } from "../../../src/core/ports/services.ts";
import type { WebhookOutcome } from "../../../src/core/ports/webhooks.ts";
import { ok } from "../../../src/core/result.ts";
import { newTenant, server, type Tenant, track, validate } from "./authsignal.ts";
import { type Answer, deployment, fresh, type Json } from "./cotter.ts";

export const WRONG = { isVerified: false, failureReason: "CODE_INVALID_OR_EXPIRED" };
export const EXHAUSTED = { isVerified: false, failureReason: "MAX_ATTEMPTS_EXCEEDED" };

export const mail = (): string => `${fresh("jo")}@example.com`;
export const number = (): string => `+64272${String(Math.floor(Math.random() * 1e6)).padStart(6, "0")}`;

/** Ways to send a code: the word, the member that holds an address, and an address. */
export const WAYS = [
  { word: "EMAIL_OTP", member: "email", address: mail, channel: "email" },
  { word: "SMS", member: "phoneNumber", address: number, channel: "sms" },
  { word: "WHATSAPP", member: "phoneNumber", address: number, channel: "whatsapp" },
] as const;

/** A backend over the whole Worker: its calls, what was sent, queued, told and logged. */
export async function backend(
  settings: ClientSettings = {},
  options: {
    readonly outcome?: (event: DoorEvent) => WebhookOutcome;
    readonly change?: (services: Services) => Partial<Services>;
  } = {},
) {
  const messages: Message[] = [];
  const queued: QueueMessage[] = [];
  const told: DoorEvent[] = [];
  const logged: string[] = [];
  const at = deployment({}, (services) => ({
    events: { send: async (message) => void queued.push(message) },
    log: (level, message, fields) => void logged.push(JSON.stringify([level, message, fields])),
    deliveries: {
      ...services.deliveries,
      send: async (message) => {
        messages.push(message);
        return ok("sent" as const);
      },
    },
    actionWebhooks: {
      send: async (_target, event) => {
        told.push(event);
        return options.outcome?.(event) ?? { kind: "sent" };
      },
    },
    ...options.change?.(services),
  }));
  const tenant = await newTenant(at, settings, { webhookUrl: "https://hook.example/in" });
  const call = (method: string, path: string, body?: unknown, as: Tenant = tenant): Promise<Answer> =>
    server(at, as, method, path, body);
  return {
    ...{ at, tenant, messages, queued, told, logged, call },
    lastCode: () => messages.at(-1)?.code ?? "",
    challenge: (body: Json, as?: Tenant) => call("POST", "/challenge", body, as),
    verify: (challengeId: unknown, verificationCode: string, as?: Tenant) =>
      call("POST", "/verify", { challengeId, verificationCode }, as),
    claim: (challengeId: unknown, userId: string, more: Json = {}, as?: Tenant) =>
      call("POST", "/claim", { challengeId, userId, ...more }, as),
    get: (asked: Record<string, string>, as?: Tenant) =>
      call("GET", `/challenges?${new URLSearchParams(asked)}`, undefined, as),
    track: (user: string, action: string, body?: Json) => track(at, tenant, user, action, body),
    validate: (body: Json) => validate(at, tenant, body),
    /** A user whose address the backend has seen proven. */
    enrolled: async (word = "EMAIL_OTP", member = "email", address = mail()) => {
      const user = fresh("u");
      const added = await call("POST", `/users/${user}/authenticators`, {
        verificationMethod: word,
        [member]: address,
      });
      const { userAuthenticatorId: id } = added.body.authenticator as Json;
      return { user, address, id: String(id) };
    },
    state: async (user: string, action: string, key: unknown) =>
      (await call("GET", `/users/${user}/actions/${action}/${key}`)).body.state,
  };
}

export type Backend = Awaited<ReturnType<typeof backend>>;

export const wrongFor = (code: string): string => (code === "000000" ? "111111" : "000000");
