import { Hono } from "hono";
import { type AppEnv, services } from "./context.ts";
import { noStore } from "./no-store.ts";
import { problem } from "./problem.ts";
import { busy, limitReads } from "./read-limits.ts";

const SHOWN = 50;

const limited = limitReads(busy);

/** `GET /dev/outbox?to=` (docs/delivery.md, "The development outbox"): 404 wherever messages are really sent. */
export function devOutboxRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/dev/outbox", noStore, limited, async (c) => {
    const { outbox } = services(c);
    if (outbox === undefined) return c.notFound();
    const to = c.req.query("to")?.trim();
    if (!to) return problem(c, 400, { detail: "to: name the address, ?to=<address>" });
    const messages = await outbox.newest(to, SHOWN);
    return c.json({ messages });
  });
  return routes;
}
