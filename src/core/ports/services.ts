import type { ChallengeSpec, Door, Json } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import type { ChallengeId, UserId } from "../ids.ts";
import type { DoorEvent, EndedGrant } from "../message/queue.ts";
import type { Refusal } from "../refusal.ts";
import type { Result } from "../result.ts";
import type { User } from "../user/user.ts";
import type { Authenticators } from "./authenticators.ts";
import type { Challenges, Snapshot } from "./challenges.ts";
import type { Clients, Nonces } from "./clients.ts";
import type { Deliveries, Outbox } from "./deliveries.ts";
import type {
  Background,
  Chance,
  Clock,
  Config,
  Documents,
  Events,
  Files,
  Health,
  IpLimits,
  Log,
  Phones,
} from "./edge.ts";
import type { Inboxes } from "./inboxes.ts";
import type { ClientAssertions, ClientTokens, DpopProofs, Keyring, TokenVerifier } from "./keys.ts";
import type { PersonalData } from "./personal-data.ts";
import type { Pushes } from "./pushes.ts";
import type { Devices, Records, UserCodes } from "./records.ts";
import type { RecoveryCodes } from "./recovery-codes.ts";
import type { ClientSecrets, Handles, Proofs, Sealing } from "./secrets.ts";
import type { Users } from "./users.ts";
import type { Webhooks } from "./webhooks.ts";

/**
 * Ports of single doors. A door adds its own by declaration merging, in its `ports.ts`, and the wiring then has to give them; core names
 * none of them. Without any door this is empty.
 */
// biome-ignore lint/suspicious/noEmptyInterface: doors add to it
export interface DoorPorts {}

/** What a door has to say where core does something for every door. */
export type DoorRules = {
  readonly door: Door;
  /** Challenges that are under way for a user and that nothing in core leads to, newest first. */
  readonly underWay: (powers: DoorPowers, userId: UserId) => Promise<readonly ChallengeId[]>;
  /** Who has closed what this challenge would meet; undefined while it is open. Asked before anybody approves. */
  readonly closedBy: (powers: DoorPowers, asked: Asked, userId: UserId) => Promise<string | undefined>;
  /** The door's own words about what is asked, for whoever answers on a page of ours; none where its context has none. */
  readonly says?: (asked: Pick<ChallengeSpec, "context">) => Said;
  /** The challenge of a code that a waiting screen shows, for whoever types it; the guess is counted. */
  readonly ofTypedCode?: (powers: TypedPowers, typed: Typed) => Promise<Result<Snapshot, Refusal>>;
  /** Whom to tell, and what, once a challenge of this door has left `pending`; asked when it has, and perhaps again. */
  readonly settled?: (ended: Pick<Snapshot, "spec" | "view" | "timeline">) => DoorEvent | undefined;
  /** Tells a client of an event in the door's own form. Answers seconds until it should be tried again, if it should. */
  readonly tell?: (powers: DoorPowers, told: ToldEvent, attempts: number) => Promise<number | undefined>;
  /**
   * Hears that a grant of whatever door has ended, otherwise than by its client's own word. What its client is told leaves through the queue, as
   * `tell_ended`. The same grant may be heard of twice.
   */
  readonly grantEnded?: (powers: HearPowers, ended: EndedGrant) => Promise<void>;
  /** Tells the client of such a grant. Answers seconds until it should be tried again, if it should. */
  readonly tellEnded?: (
    powers: TellPowers,
    ended: EndedGrant,
    attempts: number,
  ) => Promise<number | undefined>;
};

/** What a door's own words about a challenge come to where a page of ours shows it. */
export type Said = {
  /** What is asked, as the door or its client calls it. */
  readonly action?: string;
  /** JSON that is shown line by line. */
  readonly details?: readonly Json[];
  /** More is asked than can be shown, so that it is approved elsewhere. */
  readonly more?: true;
  /** A backend has called: where its user is, and by what device, is not in the call. */
  readonly unseen?: true;
  /** The device that asks, by that backend's word. */
  readonly userAgent?: string;
};

type Asked = Pick<ChallengeSpec, "door" | "clientId" | "context">;
/** Who types a code that a waiting screen shows. */
export type Typed = { readonly user: User; readonly code: string; readonly ip?: string };
export type TypedPowers = Pick<
  Services,
  "challenges" | "clients" | "inboxes" | "handles" | "limits" | "clock" | "events" | "background" | "log"
>;
type ToldEvent = { readonly client: Client; readonly event: DoorEvent };
export type DoorPowers = Pick<Services, keyof DoorPorts | "clock">;
export type HearPowers = Pick<Services, "clients" | "challenges" | "events">;
export type TellPowers = Pick<
  Services,
  "clients" | "keyring" | "handles" | "webhooks" | "config" | "clock" | "log"
>;

/** Everything a use-case may be given; each names the part it needs. */
export type Services = DoorPorts & {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly config: Config;
  readonly challenges: Challenges;
  readonly inboxes: Inboxes;
  readonly clients: Clients;
  readonly users: Users;
  readonly devices: Devices;
  readonly records: Records;
  readonly held: PersonalData;
  readonly userCodes: UserCodes;
  readonly recoveryCodes: RecoveryCodes;
  readonly authenticators: Authenticators;
  readonly nonces: Nonces;
  readonly keyring: Keyring;
  readonly verifier: TokenVerifier;
  readonly clientTokens: ClientTokens;
  readonly clientAssertions: ClientAssertions;
  readonly dpop: DpopProofs;
  readonly handles: Handles;
  readonly secrets: ClientSecrets;
  readonly sealing: Sealing;
  readonly proofs: Proofs;
  readonly phones: Phones;
  readonly events: Events;
  readonly webhooks: Webhooks;
  readonly documents: Documents;
  readonly deliveries: Deliveries;
  readonly pushes: Pushes;
  /** In development only. */
  readonly outbox?: Outbox;
  /** The files of the demo and of the phone page in it; in development only. */
  readonly demoFiles?: Files;
  readonly limits: IpLimits;
  readonly health: Health;
  /** What the doors of this deployment add. */
  readonly doors: readonly DoorRules[];
  readonly background: Background;
  readonly log: Log;
};
