import type { Context } from "hono";
import type { Origin } from "../core/challenge/state.ts";
import type { Client } from "../core/client/client.ts";
import type { Services } from "../core/ports/services.ts";
import { oneLine } from "../core/shown-text.ts";

/** What every route finds in its context. */
export type AppEnv = {
  Variables: {
    /** The powers of this request. */
    services: Services;
    requestId: string;
    /** What the request looked like to the edge. */
    origin: Origin;
    /** The client that asks: set by a door's own check, before any route that reads it. */
    client: Client;
    /** The client whose one-use token the request carries, once the token was found good. */
    tokenClient: Client;
  };
};

/** The services of this request. */
export const services = (c: Context<AppEnv>): Services => c.var.services;

/** What this request looked like to the edge. */
export const originOf = (c: Context<AppEnv>): Origin => c.var.origin;

const USER_AGENT_LIMIT = 256;
const CITY_LIMIT = 64;
const COUNTRY = /^(?!XX$)[A-Z][A-Z0-9]$/;
const IP = /^[0-9a-fA-F:.]{2,45}$/;

/** The time zone that the edge takes the reader to be in (IANA); nothing where it does not say one that is known. */
export function zoneOf(c: Context<AppEnv>): { readonly zone?: string } {
  const zone = c.req.raw.cf?.timezone;
  if (typeof zone !== "string") return {};
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return { zone };
  } catch {
    return {};
  }
}

/** An angle of the edge in degrees, to a tenth: nobody needs to know better where a user is. */
function degrees(value: unknown, most: number): number | undefined {
  const angle = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof angle !== "number" || !(Math.abs(angle) <= most)) return undefined;
  return Math.round(angle * 10) / 10;
}

/** One without the other is no place. */
function pointOf({ cf }: Request): Pick<Origin, "latitude" | "longitude"> {
  const [latitude, longitude] = [degrees(cf?.latitude, 90), degrees(cf?.longitude, 180)];
  return latitude === undefined || longitude === undefined ? {} : { latitude, longitude };
}

/**
 * Reads ip, city, country, place and user agent of a request. The address is the edge's own word (`CF-Connecting-IP`);
 * `X-Forwarded-For` is the caller's and is never read. What is missing or malformed stays unknown.
 */
export function readOrigin(request: Request): Origin {
  const ip = request.headers.get("CF-Connecting-IP") ?? "";
  const country = request.cf?.country;
  const city = typeof request.cf?.city === "string" ? oneLine(request.cf.city, CITY_LIMIT) : "";
  const userAgent = request.headers.get("User-Agent")?.slice(0, USER_AGENT_LIMIT);
  return {
    ...(IP.test(ip) && { ip }),
    ...(typeof country === "string" && COUNTRY.test(country) && { country }),
    ...(city && { city }),
    ...pointOf(request),
    ...(userAgent && { userAgent }),
  };
}
