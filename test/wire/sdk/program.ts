/** What a runtime does with the library: it stands alone, so that Node, a page and a Worker run the same lines. */
import type { Client, ClientOptions, CountersignError, Prompt, Session, TokenStorage } from "countersign";

export type Act = "signIn" | "deviceLogin" | "requestApproval" | "session" | "refresh" | "signOut";

export type Order = {
  readonly options: Omit<ClientOptions, "dpop" | "storage" | "fetch" | "WebSocket">;
  /** By long-poll alone. */
  readonly noSocket?: boolean;
  readonly dpop?: boolean;
  /** One after the other, by one client, until one of them fails. */
  readonly acts: readonly Act[];
  /** So many clients over one storage do the last act at the same time. */
  readonly clients?: number;
  readonly identifier?: string;
  /** Keeps the session where every tab of a page finds it. */
  readonly shared?: boolean;
  /** When the signal fires: before the call, at once after it, or at the first prompt. Else `abort` of the runtime does it. */
  readonly abort?: "before" | "after" | "prompt";
  /** Which call of `onPrompt` throws; counted from 1. */
  readonly throwsAt?: number;
  readonly waits?: Readonly<Record<string, number>>;
};

export type Failure = {
  readonly name: string;
  readonly code?: string;
  readonly error?: string;
  readonly status?: number;
  readonly retryAfter?: number;
  readonly message: string;
  /** Everything that an error's reader can get at. */
  readonly shown: string;
};

export type Outcome = {
  readonly sessions: readonly (Session | undefined)[];
  readonly failures: readonly Failure[];
  readonly kept: string | undefined;
  /** What came to the console. */
  readonly printed: readonly string[];
};

export type Events = { prompt(prompt: Prompt): void; onAbort(abort: () => void): void };

type Library = {
  createClient(options: ClientOptions): Client;
  newDpopKeys(): Promise<CryptoKeyPair>;
  memoryStorage(): TokenStorage;
  webStorage(storage: Storage): TokenStorage;
};

/** An error with all its members and causes, whoever can see them. */
function shownOf(error: unknown, depth = 0): string {
  if (typeof error !== "object" || error === null || depth > 6) return String(error);
  const members = Object.getOwnPropertyNames(error).map(
    (name) => `${name}: ${shownOf(Reflect.get(error, name), depth + 1)}`,
  );
  return `${String(error)} {${members.join("; ")}} ${JSON.stringify(error)}`;
}

function failureOf(error: unknown): Failure {
  const { name, code, error: theirs, status, retryAfter, message } = error as CountersignError;
  const known = { name, code, error: theirs, status, retryAfter, message };
  return { ...(JSON.parse(JSON.stringify(known)) as typeof known), shown: shownOf(error) } as Failure;
}

/** Keeps what the console is told while it stands. */
function overhear(): { readonly printed: string[]; stop(): void } {
  const printed: string[] = [];
  const names = ["log", "info", "warn", "error", "debug"] as const;
  const before = names.map((name) => console[name]);
  for (const name of names)
    console[name] = (...words: unknown[]) => void printed.push(words.map(shownOf).join(" "));
  const stop = () => {
    for (const [at, name] of names.entries()) Reflect.set(console, name, before[at]);
  };
  return { printed, stop };
}

async function perform(client: Client, act: Act, order: Order, events: Events): Promise<Session | undefined> {
  let prompts = 0;
  const control = new AbortController();
  events.onAbort(() => control.abort());
  const options = {
    signal: control.signal,
    onPrompt: (prompt: Prompt) => {
      events.prompt(prompt);
      if (order.abort === "prompt") control.abort();
      prompts += 1;
      if (order.throwsAt === prompts) throw new RangeError("no screen");
    },
  };
  if (order.abort === "before") control.abort();
  if (order.abort === "after") queueMicrotask(() => control.abort());
  switch (act) {
    case "signIn":
      return await client.signIn(order.identifier ?? "", options);
    case "deviceLogin":
      return await client.deviceLogin(options);
    case "requestApproval":
      return await client.requestApproval({ user: order.identifier ?? "" }, options);
    case "session":
      return await client.session();
    case "refresh":
      return await client.refresh();
    case "signOut":
      await client.signOut();
      return undefined;
  }
}

/** Carries out an order; a failure is a part of the outcome. */
export async function carryOut(
  { createClient, newDpopKeys, memoryStorage, webStorage }: Library,
  order: Order,
  events: Events,
): Promise<Outcome> {
  const storage = order.shared ? webStorage(localStorage) : memoryStorage();
  const { printed, stop } = overhear();
  const sessions: (Session | undefined)[] = [];
  const failures: Failure[] = [];
  const attempt = async (work: () => Promise<Session | undefined>) => {
    try {
      sessions.push(await work());
    } catch (error) {
      failures.push(failureOf(error));
    }
  };
  try {
    const options = {
      ...order.options,
      ...(order.noSocket ? { WebSocket: null } : {}),
      ...(order.dpop ? { dpop: await newDpopKeys() } : {}),
      waits: order.waits,
      storage,
    } as ClientOptions;
    const client = createClient(options);
    const last = order.acts.at(-1);
    for (const act of order.acts.slice(0, -1)) {
      if (failures.length === 0) await attempt(() => perform(client, act, order, events));
    }
    const others = Array.from({ length: (order.clients ?? 1) - 1 }, () => createClient(options));
    if (last !== undefined && failures.length === 0) {
      await Promise.all([client, ...others].map((one) => attempt(() => perform(one, last, order, events))));
    }
  } catch (error) {
    failures.push(failureOf(error));
  } finally {
    stop();
  }
  return { sessions, failures, kept: await storage.get(), printed };
}
