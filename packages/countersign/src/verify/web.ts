import type { Answer } from "./guard.ts";
import type { IncomingCall } from "./verify.ts";

/** A call as the web's own `Request` has it. */
export const callOf = ({ headers, method, url }: Request): IncomingCall => ({
  authorization: headers.get("Authorization"),
  dpop: headers.get("DPoP"),
  method,
  url,
});

export const responseOf = ({ status, headers, body }: Answer): Response =>
  Response.json(body, { status, headers });
