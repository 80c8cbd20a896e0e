import { waitOnExecutionContext } from "cloudflare:test";
import type { ClientId, SubjectKey } from "../../../src/core/ids.ts";
import type { QueueMessage } from "../../../src/core/message/queue.ts";
import type { Message } from "../../../src/core/ports/deliveries.ts";
import worker from "../../../src/worker.ts";
import { variedKey } from "../../fakes/signing-keys.ts";
import { envWith, servicesOf } from "./app.ts";
import { newContext } from "./contexts.ts";
import { fresh } from "./cotter.ts";
import { type PageDeployment, pageDeployment } from "./page.ts";

export type Mail = {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly from: { readonly name: string; readonly email: string };
};

/** As a deployment has them that faces the world: no published key, limits on, mail by the Email binding. */
export const PRODUCTION = {
  ENVIRONMENT: "production",
  ISSUER: "https://sign.example",
  KEY_ENCRYPTION_KEY: `1:${variedKey(11)}`,
  HANDLE_KEY: `1:${variedKey(12)}`,
  PEPPER: variedKey(13),
  ADMIN_TOKEN: "an-admin-token-of-its-own-and-long",
  IP_LIMITS: "on",
  ALLOW_PRIVATE_CALLBACKS: "false",
  DELIVERY: "send",
  EMAIL_BY: "cloudflare",
  EMAIL_FROM: "no-reply@sign.example",
  SMS_BY: "webhook",
  SMS_COUNTRIES: "DE",
  DELIVERY_WEBHOOK_URL: "https://sender.example/in",
  DELIVERY_WEBHOOK_SECRET: "a-secret-of-the-sender-and-long-enough",
} as const;

/** The Worker as a production deployment has it: its queue and its Email binding are held by the test. */
export function sending(over: Readonly<Record<string, unknown>> = {}) {
  const mails: Mail[] = [];
  const queued: QueueMessage[] = [];
  let failure: Error | undefined;
  const raw = envWith({
    ...PRODUCTION,
    EMAIL: {
      send: async (mail: Mail) => {
        if (failure) throw failure;
        mails.push(mail);
      },
    },
    EVENTS: { send: async (message: QueueMessage) => void queued.push(structuredClone(message)) },
    ...over,
  });
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const context = newContext();
    const request = new Request(`${PRODUCTION.ISSUER}${path}`, { redirect: "manual", ...init });
    const answer = await worker.fetch(request as Parameters<typeof worker.fetch>[0], raw, context);
    await waitOnExecutionContext(context);
    return answer;
  };
  return {
    raw,
    mails,
    queued,
    ask,
    services: servicesOf(raw),
    /** For the page's own helpers. */
    page: { ...pageDeployment(), services: servicesOf(raw), ask } as PageDeployment,
    /** What the Email binding throws from now on; undefined: it takes mail. */
    fail: (code: string | undefined) => {
      failure = code === undefined ? undefined : Object.assign(new Error("no"), { code });
    },
    /** Brings the bodies to the Worker as the queue does; answers which were taken and after how long others come again. */
    async bring(bodies: readonly QueueMessage[], attempts = 1) {
      const taken: string[] = [];
      const again: number[] = [];
      const messages = bodies.map((body, index) => ({
        body,
        attempts,
        ack: () => void taken.push(String(index)),
        retry: ({ delaySeconds }: { delaySeconds: number }) => void again.push(delaySeconds),
      }));
      const batch = { messages } as unknown as Parameters<typeof worker.queue>[0];
      await worker.queue(batch, raw, newContext());
      return { taken: taken.sort(), again };
    },
    /** The messages that wait in the queue, taken out of it. */
    waiting: () => {
      const all = queued.splice(0);
      return all.filter((message) => message.kind === "deliver");
    },
  };
}

/** A message of its own to an address of its own. */
export function aMessage(over: Partial<Message> = {}): Message {
  const name = fresh("m");
  return {
    id: name,
    channel: "email",
    to: `${name}@example.com`,
    template: "one_time_code",
    locale: "en",
    brand: { name: "Shop" },
    clientId: fresh("client") as ClientId,
    subject: `identifier:${name}` as SubjectKey,
    code: "493027",
    expiresAt: Date.now() + 600_000,
    ...over,
  };
}
