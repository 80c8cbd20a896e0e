import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { AppEnv } from "./context.ts";

const LONGEST = 8_192;
const FORM = /^application\/x-www-form-urlencoded\b/i;

/** Stops reading at the limit, also where no length was sent. Its answer is not used: each page has its own. */
const limited = bodyLimit({ maxSize: LONGEST, onError: (c) => c.body(null, 413) });

/** The fields of a posted form, each once; undefined for anything else, or a body of more than 8 KiB. */
export async function readForm(
  c: Context<AppEnv>,
): Promise<Readonly<Partial<Record<string, string>>> | undefined> {
  if (!FORM.test(c.req.header("Content-Type") ?? "")) return undefined;
  let bytes: ArrayBuffer | undefined;
  await limited(c, async () => {
    bytes = await c.req.arrayBuffer();
  });
  if (bytes === undefined) return undefined;
  const pairs = [...new URLSearchParams(new TextDecoder().decode(bytes))];
  const fields = Object.fromEntries(pairs);
  return Object.keys(fields).length === pairs.length ? fields : undefined;
}
