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
    /** What the request looked like to the edge, once somebody has asked: `originOf`. */
    origin: Origin | undefined;
    /** The client that asks: set by a door's own check, before any route that reads it. */
    client: Client;
    /** The client whose one-use token the request carries, once the token was found good. */
    tokenClient: Client;
  };
};

/** The services of this request. `get`: `c.var` is a new copy of all that the context holds, each time. */
export const services = (c: Context<AppEnv>): Services => c.get("services");

/** What this request looked like to the edge. */
export function originOf(c: Context<AppEnv>): Origin {
  const known = c.get("origin");
  if (known !== undefined) return known;
  const read = readOrigin(c.req.raw);
  c.set("origin", read);
  return read;
}

/** The address alone, for who counts addresses. */
export const ipOf = (c: Context<AppEnv>): string | undefined => readIp(c.req.raw);

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
function pointOf(cf: Request["cf"]): Pick<Origin, "latitude" | "longitude"> {
  const [latitude, longitude] = [degrees(cf?.latitude, 90), degrees(cf?.longitude, 180)];
  return latitude === undefined || longitude === undefined ? {} : { latitude, longitude };
}

function readIp({ headers }: Request): string | undefined {
  const ip = headers.get("CF-Connecting-IP");
  return ip !== null && IP.test(ip) ? ip : undefined;
}

/**
 * Reads ip, city, country, place and user agent of a request. The address is the edge's own word (`CF-Connecting-IP`);
 * `X-Forwarded-For` is the caller's and is never read. What is missing or malformed stays unknown.
 */
export function readOrigin(request: Request): Origin {
  const ip = readIp(request);
  const { cf } = request;
  const country = cf?.country;
  const city = typeof cf?.city === "string" ? oneLine(cf.city, CITY_LIMIT) : "";
  const userAgent = request.headers.get("User-Agent")?.slice(0, USER_AGENT_LIMIT);
  return {
    ...(ip !== undefined && { ip }),
    ...(typeof country === "string" && COUNTRY.test(country) && { country }),
    ...(city && { city }),
    ...pointOf(cf),
    ...(userAgent && { userAgent }),
  };
}
