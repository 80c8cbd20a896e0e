import type { Context } from "hono";
import type { AppEnv } from "../../../http/context.ts";
import { given, type Parameters } from "../form.ts";
import { type Ask, readAsk } from "./ask.ts";
import { refuseAsk } from "./back.ts";

/** Each parameter by its first value, and the names of those that came again. */
export function fromQuery(query: URLSearchParams): {
  readonly parameters: Parameters;
  readonly repeated: readonly string[];
} {
  const names = [...new Set(query.keys())];
  return {
    parameters: given(Object.fromEntries(names.map((name) => [name, query.get(name) ?? ""]))),
    repeated: names.filter((name) => query.getAll(name).length > 1),
  };
}

/** The request that a page of ours came from, read anew: nothing that a browser brings back is believed. */
export async function askOfPlace(c: Context<AppEnv>, place: string): Promise<Ask | Response> {
  const { parameters, repeated } = fromQuery(new URL(place, "https://place").searchParams);
  const ask = await readAsk(c, parameters, repeated);
  return ask.ok ? ask.value : await refuseAsk(c, ask.error);
}
