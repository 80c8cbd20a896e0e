import { createMiddleware } from "hono/factory";
import { changeHeaders } from "./answer-headers.ts";
import type { AppEnv } from "./context.ts";

/** Names each request by a UUID of our own, in the log and in `X-Request-Id`; a caller's choice is not taken. */
export const requestId = createMiddleware<AppEnv>(async function requestId(c, next) {
  const id = crypto.randomUUID();
  c.set("requestId", id);
  await next();
  changeHeaders(c, (headers) => headers.set("X-Request-Id", id));
});
