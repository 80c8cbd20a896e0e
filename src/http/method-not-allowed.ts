import type { Hono, MiddlewareHandler } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { AppEnv } from "./context.ts";
import type { RenderFault } from "./door.ts";

/**
 * A known path with another method is 405 with `Allow` (RFC 9110 §15.5.6), in the door's own shape. Goes first into the door's
 * routes: `routes.use(refuseOtherMethods(routes, renderFault))`.
 */
export function refuseOtherMethods(
  routes: Hono<AppEnv>,
  renderFault: RenderFault,
): MiddlewareHandler<AppEnv> {
  return methodNotAllowed<AppEnv>({
    app: routes,
    onMethodNotAllowed: async (c, methods) => {
      const answer = await renderFault(c, 405);
      const headers = new Headers(answer.headers);
      headers.set("Allow", methods.join(", "));
      return new Response(answer.body, { status: 405, headers });
    },
  });
}
