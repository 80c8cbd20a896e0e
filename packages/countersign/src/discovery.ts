import { CountersignError } from "./errors.ts";
import type { Caller, How, Json } from "./http.ts";
import type { Settings } from "./settings.ts";

export type Endpoint =
  | "token_endpoint"
  | "revocation_endpoint"
  | "device_authorization_endpoint"
  | "backchannel_authentication_endpoint";

export type Discovery = { endpoint(name: Endpoint, how?: How): Promise<string> };

/** Whether an address lies at this server. Secrets go nowhere else, whatever an answer says. */
export const isAt = (issuer: string, url: unknown): url is string =>
  typeof url === "string" && url.startsWith(`${issuer}/`);

/**
 * Reads the server's metadata once (OpenID Connect Discovery, section 4); a failed try is none. Its issuer must be the one that was asked,
 * and its endpoints lie there: who can change that one file must not get secrets and tokens by it.
 */
export function makeDiscovery(caller: Caller, { issuer, waits }: Settings): Discovery {
  // Kept when it is there: a call that is still reading ends with the signal of its own caller.
  let known: Json | undefined;

  async function read(how: How): Promise<Json> {
    const found = await caller.read(`${issuer}/.well-known/openid-configuration`, {
      ...how,
      repeatUntil: Date.now() + waits.repeat / 2,
    });
    if (found.issuer !== issuer) throw wrong(`its issuer is ${String(found.issuer).slice(0, 100)}`);
    return found;
  }
  const wrong = (what: string) =>
    new CountersignError("invalid_argument", `The server at ${issuer} is another one: ${what}`);

  return {
    async endpoint(name, how = {}) {
      known ??= await read(how);
      const url = known[name];
      if (url === undefined) throw new CountersignError("refused", `The server has no ${name}`);
      if (!isAt(issuer, url)) throw wrong(`its ${name} is elsewhere`);
      return url;
    },
  };
}
