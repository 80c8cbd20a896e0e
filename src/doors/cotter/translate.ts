import type { Door, Json, JsonObject, Origin } from "../../core/challenge/state.ts";
import type { Client } from "../../core/client/client.ts";
import { answersFor } from "../../core/device/answers-for.ts";
import type { Device } from "../../core/device/device.ts";
import type { PromptKind } from "../../core/inbox/named.ts";
import type { Prompt } from "../../core/inbox/state.ts";
import type { Snapshot } from "../../core/ports/challenges.ts";
import type { UserRecord } from "../../core/ports/users.ts";
import { type Instant, toSeconds } from "../../core/time.ts";
import { readIdentifier } from "../../core/user/identifier.ts";
import { externalIdFor, namesFor, viewOf } from "../../core/user/name-view.ts";
import { EVENT_NAME } from "./schema.ts";
import { ENROL_EVENT, METHOD } from "./signed/signing-input.ts";

const ZERO_UUID = "00000000-0000-0000-0000-000000000000";
const ZERO_TIME = "0001-01-01T00:00:00Z";
/** What SDKs send and show when an address or place is not known. */
const UNKNOWN = "unknown";
/** What a user is told of a sign-in whose own name is nobody's promise, or that has none. */
export const LOGIN = "LOGIN";

const iso = (at: Instant): string => new Date(at).toISOString();

/**
 * What a caller has shown of the user: `everything` for the user themself and for whoever holds the client's secret; else the text that
 * they asked by, and no address is told but that one.
 */
export type Brought = "everything" | { readonly name: string };

/**
 * The app's own name for the user, for whoever brought it or everything; else the same UUID: never empty for a real user (Cotter fact 2).
 * Apps take addresses for names, so nobody else is told.
 */
export function clientUserIdOf(client: Client, { user }: UserRecord, brought: Brought): string {
  const externalId = externalIdFor(viewOf(client), user, true) ?? user.id;
  return brought === "everything" || brought.name === externalId ? externalId : user.id;
}

function identifierFor(client: Client, record: UserRecord, brought: Brought): string {
  const names = namesFor(viewOf(client), record, true);
  if (brought === "everything") return names[0]?.value ?? "";
  const asked = readIdentifier(brought.name);
  return names.some(({ kind, normal }) => kind === asked?.kind && normal === asked.normal)
    ? brought.name
    : "";
}

/** A user as the SDKs read it (Cotter §4.1); `issuer` is the asking client, and `enrolled` says whether a device can answer for it. */
export function userWire(record: UserRecord, client: Client, devices: readonly Device[], brought: Brought) {
  const { user } = record;
  const enrolled = devices.some((device) => answersFor(client, device));
  return {
    ID: user.id,
    created_at: iso(user.createdAt),
    updated_at: iso(user.updatedAt),
    update_at: iso(user.updatedAt),
    deleted_at: ZERO_TIME,
    issuer: client.id,
    client_user_id: clientUserIdOf(client, record, brought),
    enrolled: enrolled ? [METHOD] : [],
    default_method: enrolled ? METHOD : null,
    identifier: identifierFor(client, record, brought),
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

/**
 * What tokens say about the user; kept with the grant, so that refreshing reads no table. A name that only an anonymous call gave is no
 * `client_user_id` here: an app that looks users up by it would believe whoever made the call.
 */
export const subjectOf =
  (client: Client) =>
  (record: UserRecord): JsonObject => {
    const view = viewOf(client);
    const [first] = namesFor(view, record, true);
    return {
      client_user_id: externalIdFor(view, record.user) ?? record.user.id,
      identifier: first?.value ?? "",
      identifier_verified: first?.verifiedAt !== undefined,
    };
  };

/** What a challenge keeps for this door's later answers. `sent` is the name that the asking side hears, where its user is told another. */
export const eventContext = (
  client: Client,
  record: UserRecord,
  brought: Brought,
  event: string,
  sent: string = event,
): JsonObject => ({
  event,
  ...(sent === event ? {} : { sent_event: sent }),
  user_id: record.user.id,
  client_user_id: clientUserIdOf(client, record, brought),
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

/** The vendor's guide has a city here. */
const placeOf = ({ city, country }: Origin): string => city ?? country ?? UNKNOWN;

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
    location: placeOf(spec.origin),
    timestamp: String(second ?? toSeconds(spec.createdAt)),
    method: METHOD,
    new: pending,
    approved: view.state === "approved" || view.state === "redeemed",
  };
}

/** What a prompt of whichever door asks, as this wire's event name; undefined where no name says it. The device signs it. */
export function promptEventName(prompt: Prompt): string | undefined {
  const name = askedBy(prompt);
  return typeof name === "string" && isEventName(name) ? name : undefined;
}

/** Doors whose sign-ins are this wire's, also without a word in `event`. */
const SIGNING_IN: readonly Door[] = ["oauth", "cotter", "loginid", "approver", "page"];

/** Each door says in `event` how this wire should call it; a sign-in is one without that word too. */
function askedBy({ door, purpose, context }: Prompt): Json | undefined {
  const isSignIn = SIGNING_IN.includes(door) && purpose === "sign_in";
  return context.event ?? (isSignIn ? LOGIN : undefined);
}

/** Members of a prompt's context that an approver must read, and that this wire has no place for. */
export const DETAILS = ["custom", "custom_in_row"] as const;

/**
 * The prompts that `promptEventName` calls so, as the inbox compares them: its rules turned round. None where no prompt is called so.
 */
export function kindsOfEvent(event: string): readonly PromptKind[] {
  if (!isEventName(event)) return [];
  const unnamed = { purpose: "sign_in", doors: SIGNING_IN, context: { event: null } };
  return [{ context: { event } }, ...(event === LOGIN ? [unnamed] : [])];
}

const isEventName = (name: string): boolean => EVENT_NAME.test(name) && !name.includes(ENROL_EVENT);

/**
 * A prompt as the approving device sees it: by the public respond number (Cotter §10.2). Its `issuer` is the client that asks, also
 * where another one's app is shown it. Where the request comes from is told only to whoever may know it.
 */
export function promptEvent(
  { prompt, event }: { readonly prompt: Prompt; readonly event: string },
  record: UserRecord,
  client: Client,
  told: { readonly answer?: { readonly approved: boolean; readonly at: Instant }; readonly place: boolean },
  brought: Brought,
): EventWire {
  const { answer } = told;
  const origin = told.place ? prompt.origin : {};
  return {
    ID: prompt.respondNumber,
    CreatedAt: iso(prompt.startedAt),
    UpdatedAt: iso(answer?.at ?? prompt.startedAt),
    DeletedAt: ZERO_TIME,
    user_id: record.user.id,
    client_user_id: clientUserIdOf(client, record, brought),
    issuer: prompt.clientId,
    event,
    ip: origin.ip ?? UNKNOWN,
    location: placeOf(origin),
    timestamp: String(prompt.signingSecond),
    method: METHOD,
    new: answer === undefined,
    approved: answer?.approved ?? false,
  };
}
