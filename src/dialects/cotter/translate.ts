import type { Json, JsonObject } from "../../core/challenge/state.ts";
import type { Client } from "../../core/client/client.ts";
import type { Device } from "../../core/device/device.ts";
import type { Prompt } from "../../core/inbox/state.ts";
import type { Snapshot } from "../../core/ports/rooms.ts";
import type { UserRecord } from "../../core/ports/users.ts";
import { type Instant, toSeconds } from "../../core/time.ts";
import { isTrusted } from "../../core/user/user.ts";
import { EVENT_NAME } from "./schema.ts";
import { ENROL_EVENT, METHOD } from "./signing-input.ts";

const ZERO_UUID = "00000000-0000-0000-0000-000000000000";
const ZERO_TIME = "0001-01-01T00:00:00Z";
/** What SDKs send and show when an address or place is not known. */
const UNKNOWN = "unknown";
/** What a person is told of a sign-in whose own name is nobody's promise, or that has none. */
export const LOGIN = "LOGIN";

const iso = (at: Instant): string => new Date(at).toISOString();

/** The app's own name for the person, else the same UUID: never empty for a real user (Cotter fact 2). */
export const clientUserIdOf = ({ user }: UserRecord): string => user.externalId ?? user.id;

/** The person's first identifier, or the empty text. */
export const identifierOf = ({ identifiers }: UserRecord): string => identifiers[0]?.value ?? "";

/** A user as the SDKs read it (Cotter §4.1); `issuer` is the asking client. */
export function userWire(record: UserRecord, client: Client, devices: readonly Device[]) {
  const { user } = record;
  const enrolled = devices.length > 0;
  return {
    ID: user.id,
    created_at: iso(user.createdAt),
    updated_at: iso(user.updatedAt),
    update_at: iso(user.updatedAt),
    deleted_at: ZERO_TIME,
    issuer: client.id,
    client_user_id: clientUserIdOf(record),
    enrolled: enrolled ? [METHOD] : [],
    default_method: enrolled ? METHOD : null,
    identifier: identifierOf(record),
    identifiers: null,
  };
}

/** What an unknown identifier gets, with 200: with 404 the SDKs never open the browser (Cotter fact 1). */
export const zeroUser = (client: Client) => ({
  ID: ZERO_UUID,
  created_at: ZERO_TIME,
  updated_at: ZERO_TIME,
  update_at: ZERO_TIME,
  deleted_at: ZERO_TIME,
  issuer: client.id,
  client_user_id: "",
  enrolled: [],
  default_method: null,
  identifier: "",
  identifiers: null,
});

/** What tokens say about the person; kept with the grant, so that refreshing reads no table. */
export const subjectOf = (record: UserRecord): JsonObject => ({
  client_user_id: clientUserIdOf(record),
  identifier: identifierOf(record),
  identifier_verified: record.identifiers[0] !== undefined && isTrusted(record.identifiers[0]),
});

/** What a challenge keeps for this door's later answers. `sent` is the name that the asking side hears, where its person is told another. */
export const eventContext = (record: UserRecord, event: string, sent: string = event): JsonObject => ({
  event,
  ...(sent === event ? {} : { sent_event: sent }),
  user_id: record.user.id,
  client_user_id: clientUserIdOf(record),
});

export type EventWire = {
  readonly ID: number;
  readonly CreatedAt: string;
  readonly UpdatedAt: string;
  readonly DeletedAt: string;
  readonly user_id: string;
  readonly client_user_id: string;
  readonly issuer: string;
  readonly event: string;
  readonly ip: string;
  readonly location: string;
  readonly timestamp: string;
  readonly method: string;
  readonly new: boolean;
  readonly approved: boolean;
};

const word = (context: JsonObject, name: string, fallback: string): string => {
  const value = context[name];
  return typeof value === "string" ? value : fallback;
};

/** An event as its waiter sees it: by the secret number, with the second the prompt was given (Cotter §4.2-4.4). */
export function waiterEvent(snapshot: Snapshot, number: number, second?: number): EventWire {
  const { spec, view } = snapshot;
  const pending = view.state === "pending" || view.state === "claimed";
  return {
    ID: number,
    CreatedAt: iso(spec.createdAt),
    UpdatedAt: iso(snapshot.timeline.at(-1)?.at ?? spec.createdAt),
    DeletedAt: ZERO_TIME,
    user_id: word(spec.context, "user_id", ZERO_UUID),
    client_user_id: word(spec.context, "client_user_id", ""),
    issuer: spec.clientId,
    event: word(spec.context, "sent_event", word(spec.context, "event", LOGIN)),
    ip: spec.origin.ip ?? UNKNOWN,
    location: spec.origin.country ?? UNKNOWN,
    timestamp: String(second ?? toSeconds(spec.createdAt)),
    method: METHOD,
    new: pending,
    approved: view.state === "approved" || view.state === "redeemed",
  };
}

/** What a prompt of whichever door asks, as this wire's event name; undefined where no name says it. The device signs it. */
export function promptEventName(prompt: Prompt): string | undefined {
  const name = askedBy(prompt);
  return typeof name === "string" && EVENT_NAME.test(name) && !name.includes(ENROL_EVENT) ? name : undefined;
}

/** Each door says in `event` how this wire should call it; a sign-in is one without that word too. */
function askedBy({ door, purpose, context }: Prompt): Json | undefined {
  const isSignIn = door !== "authsignal" && purpose === "sign_in";
  return context.event ?? (isSignIn ? LOGIN : undefined);
}

/**
 * A prompt as the approving device sees it: by the public respond number, for the client that calls (Cotter §10.2). Where the request
 * comes from is told only to whoever may know it.
 */
export function promptEvent(
  { prompt, event }: { readonly prompt: Prompt; readonly event: string },
  record: UserRecord,
  client: Client,
  told: { readonly answer?: { readonly approved: boolean; readonly at: Instant }; readonly place: boolean },
): EventWire {
  const { answer } = told;
  const { ip, country } = told.place ? prompt.origin : {};
  return {
    ID: prompt.respondNumber,
    CreatedAt: iso(prompt.startedAt),
    UpdatedAt: iso(answer?.at ?? prompt.startedAt),
    DeletedAt: ZERO_TIME,
    user_id: record.user.id,
    client_user_id: clientUserIdOf(record),
    issuer: client.id,
    event,
    ip: ip ?? UNKNOWN,
    location: country ?? UNKNOWN,
    timestamp: String(prompt.signingSecond),
    method: METHOD,
    new: answer === undefined,
    approved: answer?.approved ?? false,
  };
}
