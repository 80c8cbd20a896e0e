import { own } from "../../../core/own.ts";

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

/** Where a new user's inbox should live: near the phone that enrols. */
export function placeHint(request: Request): { hint?: string } {
  const continent = request.cf?.continent;
  const hint = typeof continent === "string" ? own(HINTS, continent) : undefined;
  return hint === undefined ? {} : { hint };
}
