import { limitChecks, limitReads, type RefuseBusy } from "../../http/read-limits.ts";
import { namedClient } from "./client.ts";
import { refuse } from "./errors.ts";

const busy: RefuseBusy = (c, retryAt) => refuse(c, { code: "too_many", scope: "ip", retryAt });

/** In front of what anybody may ask who knows an API_KEY_ID; what a device has signed needs tables to be told. */
export const limitCalls = limitReads(busy);

/** In front of what brings an event number, a refresh token or an authorization code: each is told by its object. */
export const limitSecrets = limitChecks(busy, namedClient);
