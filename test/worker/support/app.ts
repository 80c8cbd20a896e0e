import { env } from "cloudflare:workers";
import { type Env, readEnv } from "../../../src/env.ts";
import { wiring } from "../../../src/wiring.ts";
import worker from "../../../src/worker.ts";
import { newContext } from "./contexts.ts";

export const ORIGIN = "http://localhost:8787";

/** The test's environment with some bindings or variables replaced; undefined takes one away. */
export const envWith = (over: Readonly<Record<string, unknown>>): object => ({ ...env, ...over });

/** Asks the whole Worker, as the platform would; `raw` from `envWith` where a test needs another environment. */
export async function ask(path: string, init: RequestInit = {}, raw: object = env): Promise<Response> {
  const request = new Request(`${ORIGIN}${path}`, { redirect: "manual", ...init });
  return await worker.fetch(request as Parameters<typeof worker.fetch>[0], raw, newContext());
}

/** The services over an environment, for a test that arranges what a door would. */
export function servicesOf(raw: object = env) {
  const read = readEnv(raw);
  if (!read.ok) throw new Error(read.error.join(", "));
  return wiring(read.value, newContext());
}

/** A namespace that counts how often an object is reached for. */
export function counted(namespace: DurableObjectNamespace): {
  readonly namespace: Pick<Env["CHALLENGES"], "get" | "idFromName" | "idFromString" | "newUniqueId">;
  readonly woken: () => number;
} {
  let woken = 0;
  return {
    woken: () => woken,
    namespace: {
      get: (id, options) => {
        woken += 1;
        return namespace.get(id, options);
      },
      idFromName: (name) => namespace.idFromName(name),
      idFromString: (text) => namespace.idFromString(text),
      newUniqueId: () => namespace.newUniqueId(),
    },
  };
}
