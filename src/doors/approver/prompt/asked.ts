import type { Json, JsonObject } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import { isOwnClientId } from "../../../core/client/own-client.ts";
import { brandOf } from "../../../core/client/settings.ts";
import type { Prompt } from "../../../core/inbox/state.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { DoorRules, Said } from "../../../core/ports/services.ts";
import { oneLine } from "../../../core/shown-text.ts";
import { SECOND } from "../../../core/time.ts";
import { deviceName } from "../../../pages/verify/device.ts";

/** What stands before a device: a prompt of its inbox, or a challenge that it has claimed, which is in nobody's. */
export type Asked = Pick<
  Prompt,
  | "challengeId"
  | "door"
  | "clientId"
  | "purpose"
  | "bindingMessage"
  | "demands"
  | "approvers"
  | "realm"
  | "caller"
  | "origin"
  | "context"
  | "nonce"
  | "startedAt"
  | "expiresAt"
> & {
  /** The scope that its tokens will have, where the challenge says so. */
  readonly scope?: string;
  /** The code that the waiting screen shows, and that was typed. */
  readonly code?: string;
};

/** A claimed challenge as it stands before its claimer. */
export const askedOf = ({ spec }: Pick<Snapshot, "spec">, code: string): Asked => ({
  challengeId: spec.id,
  door: spec.door,
  clientId: spec.clientId,
  purpose: spec.purpose,
  ...(spec.bindingMessage === undefined ? {} : { bindingMessage: spec.bindingMessage }),
  demands: { matchCode: false, claim: true, unlock: false },
  ...(spec.approvers === undefined ? {} : { approvers: spec.approvers }),
  ...(spec.realm === undefined ? {} : { realm: spec.realm }),
  origin: spec.origin,
  context: spec.context,
  nonce: spec.nonce,
  startedAt: spec.createdAt,
  expiresAt: spec.expiresAt,
  scope: spec.scope,
  code,
});

/** Whoever signs in at our own page may add a phone there, which then approves for this user: that is what is asked. */
const ADD_PHONE = "add_phone";

const LONGEST_NAME = 80;
const LONGEST_PLACE = 80;

/** Of a client that nobody registered what counts is where it is: it has no name of its own choice here. */
export const nameOf = (client: Client): string =>
  oneLine(client.open === undefined ? brandOf(client).name : client.name, LONGEST_NAME);

/** The words of the request's own door about it. */
export const saidOf = ({ door, context }: Asked, doors: readonly DoorRules[]): Said =>
  doors.find((rules) => rules.door === door)?.says?.({ context }) ?? {};

/** JSON of a client, in what can be shown and signed: a lone surrogate is no character (RFC 8785 §3.2.2.2), and 1e999 no number, which JSON writes as null. */
function wellFormed(value: Json): Json {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map(wellFormed);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name.toWellFormed(), wellFormed(member)]),
  );
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/**
 * What is shown of a request, and signed with the answer: who asks, what for, from where and when. Every word is inert text, those of the client
 * in a place of their own (T13, T14).
 */
export function payloadOf(
  issuer: string,
  client: Client,
  asked: Asked,
  doors: readonly DoorRules[],
): JsonObject {
  const {
    challengeId,
    origin,
    context,
    bindingMessage,
    code,
    scope,
    startedAt,
    expiresAt,
    nonce = "",
  } = asked;
  const said = saidOf(asked, doors);
  const { city, country, userAgent } = said.unseen ? {} : origin;
  const place = [city, country].filter((part) => part !== undefined).join(", ");
  const device = deviceName(said.userAgent ?? userAgent);
  const details = [...(Array.isArray(context.details) ? context.details : []), ...(said.details ?? [])];
  return {
    v: 1,
    iss: issuer,
    id: challengeId,
    nonce,
    exp: Math.floor(expiresAt / SECOND),
    client: { id: client.id, name: nameOf(client) },
    purpose: isOwnClientId(client.id) ? ADD_PHONE : asked.purpose,
    shown: {
      at: Math.floor(startedAt / SECOND),
      ...(place === "" ? {} : { place: oneLine(place, LONGEST_PLACE) }),
      ...(device === undefined ? {} : { device }),
      ...(said.action === undefined ? {} : { action: oneLine(said.action, LONGEST_NAME) }),
      ...(bindingMessage === undefined ? {} : { message: bindingMessage }),
      ...(scope === undefined || scope === "" ? {} : { scope }),
      ...(code === undefined ? {} : { code }),
      ...(details.length === 0 ? {} : { details: details.map(wellFormed) }),
    },
  };
}
