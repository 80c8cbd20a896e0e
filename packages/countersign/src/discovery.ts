import { CountersignError } from "./errors.ts";
import type { Caller, How, Json } from "./http.ts";

export type Endpoint =
  | "token_endpoint"
  | "revocation_endpoint"
  | "device_authorization_endpoint"
  | "backchannel_authentication_endpoint";

export type Discovery = { endpoint(name: Endpoint, how?: How): Promise<string> };

/** Reads the server's metadata once (OpenID Connect Discovery, section 4); a failed try is none. Its issuer must be the one that was asked. */
export function makeDiscovery(caller: Caller, issuer: string): Discovery {
  let kept: Promise<Json> | undefined;

  async function read(how: How): Promise<Json> {
    const found = await caller.read(`${issuer}/.well-known/openid-configuration`, {
      ...how,
      repeatUntil: Date.now() + 10_000,
    });
    if (found.issuer !== issuer) {
      throw new CountersignError(
        "invalid_argument",
        `The server there is ${String(found.issuer)}, not ${issuer}`,
      );
    }
    return found;
  }

  return {
    async endpoint(name, how = {}) {
      kept ??= read(how).catch((error: unknown) => {
        kept = undefined;
        throw error;
      });
      const url = (await kept)[name];
      if (typeof url !== "string") throw new CountersignError("refused", `The server has no ${name}`);
      return url;
    },
  };
}
