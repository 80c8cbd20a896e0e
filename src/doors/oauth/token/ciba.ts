import { no } from "../../../core/result.ts";
import { wrong } from "../errors.ts";
import type { Exchange } from "./exchange.ts";
import { poll } from "./poll.ts";

/** `urn:openid:params:grant-type:ciba` (CIBA Core, section 10.1); closed to public clients (T10). */
export const ciba: Exchange = async (c, call) => {
  if (call.client.kind === "public" || call.method === "none") {
    return no(wrong("unauthorized_client", "CIBA is for confidential clients"));
  }
  const handle = call.form.auth_req_id;
  return handle === undefined
    ? no(wrong("invalid_request", "auth_req_id is missing"))
    : await poll(c, call, { handle, kind: "auth_req_id" });
};
