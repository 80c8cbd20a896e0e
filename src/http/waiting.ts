import type { WaitMessage } from "@countersign/protocol/waiting";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import * as z from "zod";
import type { WaitView } from "../core/challenge/view.ts";
import { SECOND } from "../core/time.ts";
import { type AppEnv, services } from "./context.ts";
import { doorCors } from "./cors.ts";
import { noStore } from "./no-store.ts";
import { problem } from "./problem.ts";
import { query } from "./query.ts";
import { admit, unknown } from "./waiter-admission.ts";
import { offersOurProtocol, PROTOCOL } from "./waiter-handle.ts";

const DEFAULT_SECONDS = 25;
const LONGEST_SECONDS = 120;

/** A HEAD would wait like a GET and then say nothing. */
const onlyGet: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.method === "GET") return await next();
  return problem(c, 405, { detail: "Waiting is a GET.", headers: { Allow: "GET" } });
};

const onlyUpgrade: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.header("Upgrade")?.toLowerCase() === "websocket") return await next();
  return problem(c, 426, { detail: "This address takes a WebSocket.", headers: { Upgrade: "websocket" } });
};

const waitQuery = z.object({
  timeout: z
    .string()
    .regex(/^\d{1,4}$/)
    .optional(),
});

/** `timeout=25`, else `Prefer: wait=25` (RFC 7240 §4.3), in seconds; undefined: outside of what is allowed. */
function seconds(asked: string | undefined, prefer: string | undefined): number | undefined {
  const preferred =
    prefer === undefined ? undefined : /(?:^|,)\s*wait\s*=\s*"?([^",;\s]*)/i.exec(prefer)?.[1];
  const text = asked ?? preferred;
  const value = text === undefined ? DEFAULT_SECONDS : Number(text);
  return Number.isInteger(value) && value >= 1 && value <= LONGEST_SECONDS ? value : undefined;
}

const rendered = ({ id, state, expiresAt }: WaitView): WaitMessage => ({
  id,
  state,
  expires_at: new Date(expiresAt).toISOString(),
});

const refuseQuery = (c: Context<AppEnv>, refusal: { readonly detail: string }) =>
  problem(c, 400, { detail: refusal.detail });

/**
 * `GET /challenges/{id}/wait` and `/challenges/{id}/socket` (docs/waiting.md): by the waiter's handle, never by the URL, whose `client` only saves
 * a look; the answer says how the challenge stands, never a token or a user. A preflight shows no handle, so every origin passes it and is
 * judged at the call.
 */
export function waitingRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const preflight = doorCors({
    origins: (c) => c.req.method === "OPTIONS",
    credentials: false,
    methods: ["GET"],
    headers: ["Authorization", "Prefer"],
  });
  routes.use("/challenges/:id/wait", noStore, preflight, onlyGet);
  routes.use("/challenges/:id/socket", noStore, onlyGet, onlyUpgrade);

  routes.get("/challenges/:id/wait", query(waitQuery, refuseQuery), async (c) => {
    const admitted = await admit(c);
    if (admitted instanceof Response) return admitted;
    const timeout = seconds(c.req.valid("query").timeout, c.req.header("Prefer"));
    if (timeout === undefined) {
      return problem(c, 400, { detail: `The wait is 1 to ${LONGEST_SECONDS} seconds.` });
    }
    const view = await services(c).challenges.wait(admitted, timeout * SECOND);
    return view ? c.json(rendered(view)) : unknown(c);
  });

  routes.get("/challenges/:id/socket", async (c) => {
    const admitted = await admit(c);
    if (admitted instanceof Response) return admitted;
    const protocol = offersOurProtocol(c) ? PROTOCOL : undefined;
    return (await services(c).challenges.socket(admitted, protocol)) ?? unknown(c);
  });
  return routes;
}
