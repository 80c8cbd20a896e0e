import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { AppEnv } from "./context.ts";

export type DoorCors = {
  /**
   * Whether a page of this origin may read the answer. A preflight carries none of the headers that a door knows its client by:
   * a door may let every preflight through and decide at the call itself.
   */
  readonly origins: (c: Context<AppEnv>, origin: string) => boolean | Promise<boolean>;
  readonly credentials: boolean;
  readonly methods: readonly string[];
  readonly headers: readonly string[];
};

const PREFLIGHT_SECONDS = 600;

/** CORS of a door: echoes an allowed origin and never says `*`; `Vary: Origin` on every answer. */
export function doorCors(options: DoorCors): MiddlewareHandler<AppEnv> {
  return cors({
    origin: async (origin, c) => (origin !== "" && (await options.origins(c, origin)) ? origin : null),
    credentials: options.credentials,
    allowMethods: [...options.methods],
    allowHeaders: [...options.headers],
    maxAge: PREFLIGHT_SECONDS,
  });
}
