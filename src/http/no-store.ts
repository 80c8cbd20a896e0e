import { createMiddleware } from "hono/factory";
import { changeHeaders } from "./answer-headers.ts";
import type { AppEnv } from "./context.ts";

/** Every answer of these routes is for its caller alone (T92): `Cache-Control: no-store`. */
export const noStore = createMiddleware<AppEnv>(async function noStore(c, next) {
  await next();
  // The headers of an upgrade cannot be changed (settled question 37).
  if (c.res.status !== 101) changeHeaders(c, (headers) => headers.set("Cache-Control", "no-store"));
});
