import type { Context } from "hono";

/**
 * Changes the headers of an answer that is made. `c.header` would build the answer anew for each name. `change` may be called twice: the
 * headers of an object's answer, or of an upgrade, refuse every change, and then it gets a copy's.
 */
export function changeHeaders(c: Context, change: (headers: Headers) => void): void {
  try {
    change(c.res.headers);
  } catch {
    const copy = new Response(c.res.body, c.res);
    // Without this the setter would put the old headers over the new.
    c.res = undefined;
    c.res = copy;
    change(copy.headers);
  }
}
