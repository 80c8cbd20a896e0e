import { no } from "../../../core/result.ts";
import { wrong } from "../errors.ts";
import type { Exchange } from "./exchange.ts";
import { poll } from "./poll.ts";

/** `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4). */
export const deviceCode: Exchange = async (c, call) => {
  const handle = call.form.device_code;
  return handle === undefined
    ? no(wrong("invalid_request", "device_code is missing"))
    : await poll(c, call, { handle, kind: "device_code" });
};
