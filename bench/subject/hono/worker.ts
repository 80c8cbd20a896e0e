/** What the same runtime does with next to nothing in it: a route of Hono's, and one row written in an object. */
import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";

type Env = { readonly ROWS: DurableObjectNamespace<RowObject> };

/** Writes one row in its own file, as an object of ours does. */
export class RowObject extends DurableObject {
  write(): void {
    this.ctx.storage.kv.put("row", { at: Date.now() });
  }
}

const app = new Hono<{ Bindings: Env }>();
const BODY = {
  keys: Array.from({ length: 2 }, (_, kid) => ({ kid, kty: "EC", crv: "P-256", x: "x".repeat(43) })),
};
app.get("/json", (c) => c.json(BODY));
app.post("/write/:name", async (c) => {
  await c.env.ROWS.getByName(c.req.param("name")).write();
  return c.json({});
});

// biome-ignore lint/style/noDefaultExport: the platform's way in
export default app;
