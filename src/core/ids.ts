declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Public id of a challenge: the 64 hex digits of its object's id. Carries no authority. */
export type ChallengeId = Branded<"ChallengeId">;
/** Id of a grant: the id of the challenge that gave birth to it. */
export type GrantId = ChallengeId;
export type ClientId = Branded<"ClientId">;
/** One namespace of users: users, names and devices of two realms never meet. */
export type Realm = Branded<"Realm">;
export type UserId = Branded<"UserId">;
export type DeviceId = Branded<"DeviceId">;

/** The key under which an inbox object is found: a user, an identifier before there is a user, or a client. */
export type SubjectKey = Branded<"SubjectKey">;

const HEX_64 = /^[0-9a-f]{64}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NAME = /^[A-Za-z0-9_.~-]{1,128}$/;
/** Ids in the field are base64url, some with its padding (LoginID §1). `.` and `..` are no name in a path: such a client could not be called. */
const CLIENT = /^(?=.{1,128}$)(?!\.{1,2}$)[A-Za-z0-9_.~-]+={0,2}$/;

/** The address of a document, or `dcr:` and what a client says of itself with a MAC: neither is an id that a client can be registered by. */
const OPEN_CLIENT = /^(?:https?:\/\/[\x21-\x7e]{1,500}|dcr:[A-Za-z0-9_-]{2,900}\.[A-Za-z0-9_-]{43})$/;

const parser =
  <T extends string>(pattern: RegExp, normal: (text: string) => string = (text) => text) =>
  (text: string): T | undefined =>
    pattern.test(text) ? (normal(text) as T) : undefined;

/** Parses a challenge id; the object namespace still decides whether it is one of its own. */
export const parseChallengeId = parser<ChallengeId>(HEX_64);
/** Parses a client id: letters, digits and `-_.~`, then at most two `=`; 128 characters in all. No spelling stands for another. */
export const parseClientId = parser<ClientId>(CLIENT);
/**
 * Parses the id of a client that nobody registered, at the door that takes such clients. Everywhere else `parseClientId` is asked, so none of
 * them gets through (docs/decisions/0083).
 */
export const parseOpenClientId = parser<ClientId>(OPEN_CLIENT);
/** Whether a client with this id was registered by nobody. */
export const isOpenClientId = (id: ClientId): boolean => id.includes(":");
/** Parses the name of a realm: letters, digits and `-_.~`, at most 128 characters. */
export const parseRealm = parser<Realm>(NAME);
/** The realm of every client that names none. */
export const MAIN = "main" as Realm;
/** Parses a user id: a UUID, read without regard to case. */
export const parseUserId = parser<UserId>(UUID, (text) => text.toLowerCase());
/** Parses a device id: a UUID, read without regard to case. */
export const parseDeviceId = parser<DeviceId>(UUID, (text) => text.toLowerCase());

/** The inbox of a user. */
export const userSubject = (id: UserId): SubjectKey => `user:${id}` as SubjectKey;
/** Whoever likes has as many open clients as they like: for all counts they are one. No other id has a colon. */
const countedAs = (id: ClientId): string => (isOpenClientId(id) ? ":open" : id);
/** The counters of a client: its letters, and the starts of callers with its secret. */
export const clientSubject = (id: ClientId): SubjectKey => `client:${countedAs(id)}` as SubjectKey;
/** The counters of the starts that others make at a client: strangers, and browsers that are known here. No client id has a slash. */
export const startsSubject = (id: ClientId, by: "strangers" | "browsers"): SubjectKey =>
  `client:${countedAs(id)}/${by}` as SubjectKey;
/** The counters of texts to a range of numbers or a country. */
export const textsSubject = (name: string): SubjectKey => `texts:${name}` as SubjectKey;
/** The counters of guesses at codes that are nobody's yet: of a network, or of all. */
export const guessesSubject = (of: string): SubjectKey => `guesses:${of}` as SubjectKey;
/** The counters of an identifier that may have no user yet; `mac` is the keyed hash of its counting form. */
export const identifierSubject = (mac: string): SubjectKey => `identifier:${mac}` as SubjectKey;

/** Brands a fresh UUID as the id of a new user or device. */
export const newUserId = (uuid: string): UserId => uuid as UserId;
export const newDeviceId = (uuid: string): DeviceId => uuid as DeviceId;

/** Who approves while nobody is named: the nil UUID (RFC 9562 §5.9), which is no user's. */
export const NOBODY = "00000000-0000-0000-0000-000000000000" as UserId;
