import type { Context } from "hono";
import type { UserRecord } from "../../core/ports/users.ts";
import { type AppEnv, services } from "../../http/context.ts";

/** The person whom a body names: `client_user_id`, else `user_id`; either field may hold either kind of name (Cotter fact 2). */
export async function namedPerson(
  c: Context<AppEnv>,
  body: { readonly client_user_id: string | undefined; readonly user_id: string | undefined },
): Promise<{ readonly text: string; readonly record: UserRecord } | undefined> {
  const text = body.client_user_id || body.user_id;
  if (!text) return undefined;
  const record = await services(c).users.byAnyName(text);
  return record ? { text, record } : undefined;
}

/** iOS sends a phone number's `+` unescaped, so it arrives as a blank (Cotter §3.1 row 2). */
export const plusRestored = (text: string): string => (text.startsWith(" ") ? `+${text.slice(1)}` : text);
