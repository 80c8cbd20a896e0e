import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { changeHeaders } from "./answer-headers.ts";
import type { AppEnv } from "./context.ts";

export type DoorCors = {
  /**
   * Whether a page of this origin may read the answer. Asked before the routes for a preflight, which carries none of the
   * headers that a door knows its client by; asked after them otherwise, when the door knows its client.
   */
  readonly origins: (c: Context<AppEnv>, origin: string) => boolean | Promise<boolean>;
  readonly credentials: boolean;
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  /** Headers of an answer that a page may read beside those that every page may (Fetch §3.3.5). */
  readonly expose?: readonly string[];
};

const PREFLIGHT_SECONDS = 600;

/** CORS of a door: echoes an allowed origin and never says `*`; `Vary: Origin` on every answer. */
export function doorCors(options: DoorCors): MiddlewareHandler<AppEnv> {
  const preflight = cors({
    origin: async (origin, c) => (origin !== "" && (await options.origins(c, origin)) ? origin : null),
    credentials: options.credentials,
    allowMethods: [...options.methods],
    allowHeaders: [...options.headers],
    maxAge: PREFLIGHT_SECONDS,
  });
  return async function doorCors(c, next) {
    if (c.req.method === "OPTIONS") return await preflight(c, next);
    await next();
    const origin = c.req.header("Origin");
    const isAllowed = origin !== undefined && (await options.origins(c, origin));
    changeHeaders(c, (headers) => {
      headers.append("Vary", "Origin");
      if (!isAllowed) return;
      headers.set("Access-Control-Allow-Origin", origin);
      if (options.credentials) headers.set("Access-Control-Allow-Credentials", "true");
      if (options.expose) headers.set("Access-Control-Expose-Headers", options.expose.join(", "));
    });
  };
}
