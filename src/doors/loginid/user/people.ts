import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import { parseUserId } from "../../../core/ids.ts";
import type { NonceUse } from "../../../core/ports/clients.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { readIdentifier } from "../../../core/user/identifier.ts";
import { viewOf } from "../../../core/user/name-view.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { namesOther, type ServiceCall } from "../service-token.ts";

export type Named = { readonly user_id?: string | undefined; readonly username?: string | undefined };

/**
 * The user of a `user_id` or a `username` (LoginID §0.11). A username is the client's own word first, then what is proven or the
 * operator's; what only an anonymous call has claimed finds nobody here. Under a service token a `user_id` may be a username too, as the
 * vendor's guide has it; what has the form of an id is an id, so that nobody's name stands in for one.
 */
export async function findPerson(
  powers: Pick<Services, "users">,
  client: Client,
  { user_id, username }: Named,
  hasToken = false,
): Promise<UserRecord | undefined> {
  const id = parseUserId(user_id ?? "");
  if (id || (user_id !== undefined && !hasToken)) return id && (await powers.users.byId(id, client.realm));
  const read = readIdentifier(user_id ?? username ?? "");
  return read && (await powers.users.byIdentifier(viewOf(client), read, { first: "own" }));
}

/** The user whom a call names. A refusal spends the nonce: a token is good for one answer only. */
export async function personOf(
  c: Context<AppEnv>,
  call: ServiceCall,
  named: Named,
  options: { readonly active?: boolean } = {},
): Promise<Result<UserRecord, Refusal>> {
  const record = await findPerson(services(c), call.client, named, true);
  if (!record) return no(await spent(c, call.nonce, { code: "unknown_user" }));
  if (namesOther(call, record)) {
    return no(await spent(c, call.nonce, { code: "not_allowed", detail: "the token is for another person" }));
  }
  if (options.active && record.user.status === "locked") {
    return no(await spent(c, call.nonce, { code: "user_locked" }));
  }
  return ok(record);
}

/** The refusal, once the nonce is spent; a nonce that was spent before is what is wrong then. */
export const spent = async (c: Context<AppEnv>, nonce: NonceUse, refusal: Refusal): Promise<Refusal> =>
  (await services(c).nonces.spend(nonce)) ? refusal : { code: "replayed" };
