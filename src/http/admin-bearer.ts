import type { Context } from "hono";
import { type AppEnv, services } from "./context.ts";

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/**
 * What a call brings as the admin's token (RFC 6750 §2.1): `none`, a `wrong` one, or the `admin`'s. Never the admin's where there is no
 * token.
 */
export async function adminBearer(c: Context<AppEnv>): Promise<"none" | "wrong" | "admin"> {
  const { config, secrets } = services(c);
  const token = BEARER.exec(c.req.header("Authorization") ?? "")?.[1];
  if (token === undefined) return "none";
  return config.adminToken && (await secrets.equal(token, config.adminToken)) ? "admin" : "wrong";
}
