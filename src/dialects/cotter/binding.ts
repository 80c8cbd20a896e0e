import type { Context } from "hono";
import { own } from "../../core/own.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";

/** Names the caller for whom a first-device window is open: a digest of address and user agent (settled question 22). */
export function bindingOf(c: Context<AppEnv>): Promise<string> {
  const { ip, userAgent } = originOf(c);
  return services(c).handles.digest(["enrolment", ip ?? "", userAgent ?? ""]);
}

/** Cloudflare's location hints by the edge's continent codes; Antarctica is served from Oceania. */
const HINTS: Readonly<Record<string, string>> = {
  AF: "afr",
  AN: "oc",
  AS: "apac",
  EU: "weur",
  NA: "enam",
  OC: "oc",
  SA: "sam",
};

/** Where a new person's inbox should live: near the phone that enrols. */
export function placeHint(request: Request): { hint?: string } {
  const continent = request.cf?.continent;
  const hint = typeof continent === "string" ? own(HINTS, continent) : undefined;
  return hint === undefined ? {} : { hint };
}
