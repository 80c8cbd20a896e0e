import { waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { makeApp } from "../../../src/app.ts";
import type { ChallengeId } from "../../../src/core/ids.ts";
import type { QueueMessage } from "../../../src/core/message/queue.ts";
import type { Message } from "../../../src/core/ports/deliveries.ts";
import type { Services } from "../../../src/core/ports/services.ts";
import { ok } from "../../../src/core/result.ts";
import { parseEnv } from "../../../src/env.ts";
import { wiring } from "../../../src/wiring.ts";
import { newContext } from "./contexts.ts";
import type { Deployment } from "./cotter.ts";
import type { PageDeployment } from "./page.ts";

const ORIGIN = "http://localhost:8787";
const app = makeApp();

/** The services whose calls may be met by something else in between. */
const WATCHED = [
  "users",
  "devices",
  "records",
  "challenges",
  "inboxes",
  "userCodes",
  "authenticators",
  "actions",
  "clients",
  "nonces",
] as const;

/** Arithmetic of the challenges: nothing can come in between. */
const AT_ONCE: ReadonlySet<string> = new Set(["fresh", "named", "parse"]);

const SHORT_WAIT = 150;

/** Calls whose outcome a client's being disabled changes: what is read of clients, and what is written because of one. */
const OF_CLIENT: ReadonlySet<string> = new Set([
  ...["find", "fresh", "findBySecret", "secretsOf"].map((method) => `clients.${method}`),
  ...["finish", "note"].map((method) => `records.${method}`),
  ...["insert", "insertFirst", "insertOwn", "replace", "rekind"].map((method) => `devices.${method}`),
  ...["insert", "insertWithDevice", "update"].map((method) => `users.${method}`),
  ...["insert", "issue"].map((method) => `userCodes.${method}`),
  ...["enrol", "enrolFirst", "put"].map((method) => `authenticators.${method}`),
  ...["begin", "succeed", "track"].map((method) => `actions.${method}`),
]);

/** Whether what is done to a user may change this call, or be changed by it: not what is a client's, a nonce or a count. */
const isOfPerson = (service: string, [subject]: readonly unknown[]): boolean =>
  service === "inboxes" ? String(subject).startsWith("user:") : service !== "clients" && service !== "nonces";

/** A moment of a flow. `person` and `client`: whether an act on one of them is another thing in front of the call that comes next than behind it. */
export type Point = {
  readonly name: string;
  /** Which request it is of. */
  readonly request: number;
  readonly person: boolean;
  readonly client: boolean;
};

const parsed = parseEnv({ ...env });
if (!parsed.ok) throw new Error(`bad test environment: ${parsed.error.join(", ")}`);
/** One isolate for every stage of a file: it remembers clients, as an isolate does. */
const whole = wiring(parsed.value, newContext());

export type Stage = Deployment &
  PageDeployment & {
    /** The points that were reached, in order: before and after every call, and behind every answer. */
    readonly points: readonly Point[];
    /** The challenges that were begun. */
    readonly begun: ReadonlySet<ChallengeId>;
    /** Does `act` to its end when this point is reached; every other call waits meanwhile. */
    at(point: string, act: () => Promise<void>): void;
    /** What was answered with a fault: method and path. */
    readonly faults: readonly string[];
    /** Whether the act is over. */
    acted(): boolean;
  };

/** The whole Worker over the real bindings, with a numbered point before and after every call of its services. */
export function stage(): Stage {
  const points: Point[] = [];
  const begun = new Set<ChallengeId>();
  const faults: string[] = [];
  const messages: Message[] = [];
  const queued: QueueMessage[] = [];
  let wanted: { readonly point: string; readonly act: () => Promise<void> } | undefined;
  let acting: Promise<void> | undefined;
  let acted = false;
  let requests = 0;

  const reach = async (request: number, call: string, of = { person: true, client: true }): Promise<void> => {
    const name = `${request}: ${call}`;
    points.push({ name, request, ...of });
    if (wanted?.point === name) {
      const { act } = wanted;
      wanted = undefined;
      acting = act().then(() => {
        acted = true;
        acting = undefined;
      });
    }
    await acting;
  };

  const watch = <T extends object>(service: T, name: string, number: number): T => {
    const counts: Record<string, number> = {};
    return new Proxy(service, {
      get(target, method) {
        const real: unknown = Reflect.get(target, method, target);
        if (typeof real !== "function" || typeof method !== "string" || AT_ONCE.has(method)) return real;
        return async (...given: unknown[]) => {
          counts[method] = (counts[method] ?? 0) + 1;
          const call = `${name}.${method} ${counts[method]}`;
          const client = OF_CLIENT.has(`${name}.${method}`);
          await reach(number, `${call} before`, { person: isOfPerson(name, given), client });
          if (method === "open" || method === "openSettled") {
            begun.add((given[0] as { readonly id: ChallengeId }).id);
          }
          // Where an act has left nothing to wait for, nobody need wait for long.
          if (method === "wait") given[1] = Math.min(Number(given[1]), SHORT_WAIT);
          try {
            return await real.apply(target, given);
          } finally {
            await reach(number, `${call} after`);
          }
        };
      },
    });
  };

  const held = {
    deliveries: {
      send: async (message: Message) => {
        messages.push(message);
        return ok("sent" as const);
      },
      attempt: async () => ({ kind: "sent" as const }),
      stateOf: async () => "sent" as const,
    },
    actionWebhooks: { send: async () => ({ kind: "sent" as const }) },
    events: { send: async (message: QueueMessage) => void queued.push(message) },
  };

  const wire = (number: number) => {
    const context = newContext();
    const jobs: (() => Promise<unknown>)[] = [];
    const watched = Object.fromEntries(
      WATCHED.map((name) => [name, watch(whole[name], name, number)]),
    ) as Pick<Services, (typeof WATCHED)[number]>;
    const services: Services = {
      ...whole,
      ...held,
      ...watched,
      // What outlives an answer is begun behind it, one after the other.
      background: (work) => void jobs.push(typeof work === "function" ? work : () => work),
    };
    const settle = async () => {
      for (let job = jobs.shift(); job; job = jobs.shift()) await job().catch(() => undefined);
      await waitOnExecutionContext(context);
      await reach(number, "answered");
    };
    return { context, services, settle };
  };

  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const { context, services, settle } = wire(++requests);
    const request = new Request(`${ORIGIN}${path}`, { redirect: "manual", ...init });
    const answer = await app.fetch(request, ok(services), context);
    await settle();
    if (answer.status >= 500) faults.push(`${answer.status} ${init.method ?? "GET"} ${path}`);
    return answer;
  };

  return {
    points,
    begun,
    faults,
    messages,
    queued,
    services: { ...whole, ...held },
    at: (point, act) => {
      wanted = { point, act };
    },
    acted: () => acted,
    last: () => {
      const message = messages.at(-1);
      if (!message) throw new Error("nothing was sent");
      return message;
    },
    ask,
    async call(method, path, body, headers = {}) {
      const answer = await ask(path, {
        method,
        headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, body: text === "" ? {} : JSON.parse(text), headers: answer.headers };
    },
    settled: async () => undefined,
  };
}
