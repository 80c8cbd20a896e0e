import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { AppEnv } from "./context.ts";

const LONGEST = 8_192;
const FORM = /^application\/x-www-form-urlencoded\b/i;
/** What decoders put where bytes are no UTF-8. */
const REPLACED = "\uFFFD";

/**
 * The fields of a posted form, each once; undefined for anything else: another content type, a body over the limit in bytes (8 KiB when
 * it is missing; reading stops there, also where no length was sent), bytes that are no UTF-8.
 */
export async function readForm(
  c: Context<AppEnv>,
  longest: number = LONGEST,
): Promise<Readonly<Partial<Record<string, string>>> | undefined> {
  if (!FORM.test(c.req.header("Content-Type") ?? "")) return undefined;
  let bytes: ArrayBuffer | undefined;
  // Its answer is not used: each page has its own.
  await bodyLimit({ maxSize: longest, onError: (context) => context.body(null, 413) })(c, async () => {
    bytes = await c.req.arrayBuffer();
  });
  if (bytes === undefined) return undefined;
  const pairs = [...new URLSearchParams(new TextDecoder().decode(bytes))];
  if (pairs.flat().some((text) => text.includes(REPLACED))) return undefined;
  const fields = Object.fromEntries(pairs);
  return Object.keys(fields).length === pairs.length ? fields : undefined;
}
