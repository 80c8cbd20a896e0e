import { auditEvent, type Requester } from "../audit/record.ts";
import type { Client } from "../client/client.ts";
import { newUserId, type Realm, type UserId, userSubject } from "../ids.ts";
import type { SignUp } from "../inbox/state.ts";
import { PAGE_SIZE, type Page, pageOf } from "../page.ts";
import type { Services } from "../ports/services.ts";
import { ANY_REALM, type NewUser, type UserRecord } from "../ports/users.ts";
import type { Refusal, RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { type ReadIdentifier, readIdentifier } from "./identifier.ts";
import { viewOf } from "./name-view.ts";
import { signedUp } from "./sign-up.ts";
import { endDisplaced } from "./weaker-holders.ts";

export type UserDraft = Pick<NewUser, "realm" | "externalId" | "identifiers">;

/**
 * Makes a user of the operator's word, or of a backend's: who gave a name is said with it. A verified one takes it from anonymous claimers,
 * whose sessions end. Refused: a name that is taken.
 */
export async function createUser(
  powers: Pick<Services, "users" | "events" | "clock" | "chance">,
  draft: UserDraft,
  by: Requester,
): Promise<Result<UserRecord, RefusalOf<"user_exists" | "client_disabled">>> {
  const id = newUserId(powers.chance.uuid());
  // Which names count as proven on this word, as `PATCH` says of its own.
  const verified = draft.identifiers.flatMap(({ kind, verifiedAt }) =>
    verifiedAt === undefined ? [] : kind,
  );
  const data = verified.length === 0 ? undefined : { verified };
  const event = auditEvent(powers, { type: "user.created", userId: id, data, ...by });
  const made = await powers.users.insert({ ...draft, id }, event, event.at);
  if (made.ok) await endDisplaced(powers, made.value.displaced ?? [], by);
  return made;
}

export type Registration = {
  readonly client: Client;
  /** The app's own name for the user. */
  readonly externalId?: string;
  readonly identifiers: readonly string[];
  /** Where the user's inbox should live. */
  readonly hint?: string;
};

/**
 * Begins the sign-up of a user whom nobody has verified, under a new id that is told to this caller alone. Until their first device is
 * enrolled there is no such user in any door, no name is taken, and nothing is written but the inbox that forgets it
 * (docs/decisions/0035). Refused: a text that is no name, and a name that somebody goes by already as far as this client may know.
 */
export async function registerUser(
  powers: Pick<Services, "users" | "inboxes" | "clock" | "chance">,
  asked: Registration,
): Promise<Result<UserRecord, Refusal>> {
  const { client, externalId } = asked;
  const read = asked.identifiers.map(readIdentifier);
  if (read.some((identifier) => identifier === undefined)) {
    return no({ code: "malformed", detail: "identifier" });
  }
  const identifiers = distinct(read.filter((identifier) => identifier !== undefined));
  const names = [...asked.identifiers, ...(externalId === undefined ? [] : [externalId])];
  const view = viewOf(client);
  const holders = await Promise.all(names.map((name) => powers.users.byAnyName(view, name)));
  if (holders.some((holder) => holder !== undefined)) return no({ code: "user_exists", field: "identifier" });
  const id = newUserId(powers.chance.uuid());
  const signUp: SignUp = {
    realm: client.realm,
    clientId: client.id,
    ...(externalId === undefined ? {} : { externalId }),
    identifiers,
    at: powers.clock.now(),
  };
  await powers.inboxes.beginSignUp(userSubject(id), signUp, asked.hint);
  return ok(signedUp(id, signUp));
}

/** One identifier in two spellings is one: its key would take the second for another user's. */
const distinct = (identifiers: readonly ReadIdentifier[]): readonly ReadIdentifier[] => [
  ...new Map(
    identifiers.map((identifier) => [`${identifier.kind} ${identifier.normal}`, identifier]),
  ).values(),
];

/** Which users to list: the one of a name, or everybody page by page. */
export type UserQuery = { readonly realm?: Realm | undefined } & (
  | { readonly identifier: string }
  | { readonly externalId: string }
  | { readonly after: UserId | undefined }
);

/** Users in the order of their ids, of one realm or of all; with a name, everybody who has it by anybody's word. */
export async function listUsers(
  powers: Pick<Services, "users">,
  query: UserQuery,
): Promise<Page<UserRecord>> {
  const { users } = powers;
  const within = query.realm ?? ANY_REALM;
  if ("after" in query) {
    return pageOf(await users.page(within, query.after, PAGE_SIZE + 1), (record) => record.user.id);
  }
  if ("externalId" in query) return { rows: await users.named(within, { externalId: query.externalId }) };
  const identifier = readIdentifier(query.identifier);
  return { rows: identifier === undefined ? [] : await users.named(within, { identifier }) };
}
