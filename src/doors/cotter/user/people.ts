import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import { parseUserId, type UserId, userSubject } from "../../../core/ids.ts";
import type { SignUp } from "../../../core/inbox/state.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { readIdentifier, spellingsOf } from "../../../core/user/identifier.ts";
import { viewOf } from "../../../core/user/name-view.ts";
import { signedUp } from "../../../core/user/sign-up.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { offeredSignUp } from "./enrolment-key.ts";

/** The user of a text, which may be an id, the app's own name or an identifier (Cotter fact 2). */
export async function personOf(c: Context<AppEnv>, text: string): Promise<UserRecord | undefined> {
  return text === "" ? undefined : await services(c).users.byAnyName(viewOf(c.get("client")), text);
}

/**
 * A user by one of their names, or somebody whose sign-up waits for its first device: only the id that their own caller was told leads
 * there.
 */
export type Arriving = { readonly record: UserRecord; readonly name: string; readonly signUp?: SignUp };

/** The user whom an address names, and by which reading of its text. */
export const knownOf = (c: Context<AppEnv>, given: string): Promise<Arriving | undefined> =>
  firstOf(spellingsOf(given), async (name) => {
    const record = await personOf(c, name);
    return record && { record, name };
  });

/** The same, with sign-ups that this client's callers have begun. */
export const arrivingAt = (c: Context<AppEnv>, given: string): Promise<Arriving | undefined> =>
  firstOf(spellingsOf(given), (name) => arrivingOf(c, name));

async function firstOf(
  names: readonly string[],
  find: (name: string) => Promise<Arriving | undefined>,
): Promise<Arriving | undefined> {
  for (const name of names) {
    const found = await find(name);
    if (found) return found;
  }
  return undefined;
}

/** The user of a text as it stands in a body, with sign-ups that this client's callers have begun. */
export async function arrivingOf(c: Context<AppEnv>, name: string): Promise<Arriving | undefined> {
  const record = await personOf(c, name);
  if (record) return { record, name };
  const id = parseUserId(name) ?? offeredSignUp(c);
  const signUp = id && (await services(c).inboxes.signUpOf(userSubject(id)));
  if (!id || signUp?.clientId !== c.get("client").id || !goesBy(signUp, id, name)) return undefined;
  return { record: signedUp(id, signUp), name, signUp };
}

/** Whether the text is one of the names that this sign-up was begun with. */
function goesBy({ externalId, identifiers }: SignUp, id: UserId, text: string): boolean {
  const read = readIdentifier(text);
  const isNamed = identifiers.some(({ kind, normal }) => kind === read?.kind && normal === read.normal);
  return parseUserId(text) === id || text === externalId || isNamed;
}

/** What starts by this name are counted under: one for all its spellings that find the same, and told to nobody. */
export const markOfName = (
  { handles }: Pick<Services, "handles">,
  { realm }: Pick<Client, "realm">,
  name: string,
): Promise<string> =>
  handles.pepper(["start-by-name", realm], parseUserId(name) ?? readIdentifier(name)?.normal ?? name);

/** What a body names the user by: `client_user_id`, else `user_id`; either field may hold either kind of name (Cotter fact 2). */
export const nameIn = (body: {
  readonly client_user_id: string | undefined;
  readonly user_id: string | undefined;
}): string => body.client_user_id || body.user_id || "";
