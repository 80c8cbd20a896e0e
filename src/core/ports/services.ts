import type { Actions, Authenticators } from "./actions.ts";
import type { Chance, Clock } from "./chance.ts";
import type { Clients } from "./clients.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Background, Config, Events, Health, IpLimits, Log } from "./edge.ts";
import type { Inboxes } from "./inboxes.ts";
import type { Keyring, TokenVerifier } from "./keys.ts";
import type { Outbox } from "./outbox.ts";
import type { Phones } from "./phones.ts";
import type { Devices, Records, UserCodes } from "./records.ts";
import type { ChallengeRooms } from "./rooms.ts";
import type { ClientSecrets, Handles, Proofs } from "./secrets.ts";
import type { Users } from "./users.ts";
import type { Webhooks } from "./webhooks.ts";

/** Everything a use-case may be given; each names the part it needs. */
export type Services = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly config: Config;
  readonly rooms: ChallengeRooms;
  readonly inboxes: Inboxes;
  readonly clients: Clients;
  readonly users: Users;
  readonly devices: Devices;
  readonly records: Records;
  readonly userCodes: UserCodes;
  readonly actions: Actions;
  readonly authenticators: Authenticators;
  readonly keyring: Keyring;
  readonly verifier: TokenVerifier;
  readonly handles: Handles;
  readonly secrets: ClientSecrets;
  readonly proofs: Proofs;
  readonly phones: Phones;
  readonly events: Events;
  readonly webhooks: Webhooks;
  readonly deliveries: Deliveries;
  /** In development only. */
  readonly outbox?: Outbox;
  readonly limits: IpLimits;
  readonly health: Health;
  readonly background: Background;
  readonly log: Log;
};
