import type { Context } from "hono";
import type { AppEnv } from "./context.ts";

const LONGEST = 8_192;
const FORM = /^application\/x-www-form-urlencoded\b/i;

/** The fields of a posted form, each once; undefined for anything else, or a body of more than 8 KiB. */
export async function readForm(
  c: Context<AppEnv>,
): Promise<Readonly<Partial<Record<string, string>>> | undefined> {
  if (!FORM.test(c.req.header("Content-Type") ?? "")) return undefined;
  if (Number(c.req.header("Content-Length") ?? 0) > LONGEST) return undefined;
  const bytes = await c.req.arrayBuffer();
  if (bytes.byteLength > LONGEST) return undefined;
  const pairs = [...new URLSearchParams(new TextDecoder().decode(bytes))];
  const fields = Object.fromEntries(pairs);
  return Object.keys(fields).length === pairs.length ? fields : undefined;
}
