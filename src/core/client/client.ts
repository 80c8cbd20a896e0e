import type { Asker } from "../challenge/approvers.ts";
import { type ClientId, MAIN, type Realm } from "../ids.ts";
import type { Instant } from "../time.ts";
import type { ClientSettings } from "./settings.ts";

export type ClientKind = "confidential" | "public";

export const GRANT_TYPES = [
  "authorization_code",
  "refresh_token",
  "urn:ietf:params:oauth:grant-type:device_code",
  "urn:openid:params:grant-type:ciba",
] as const;
export type GrantType = (typeof GRANT_TYPES)[number];

/** An application that asks. Its secret is kept elsewhere and never leaves the store with it. */
export type Client = {
  readonly id: ClientId;
  /** Whose users it asks; fixed when it is made. */
  readonly realm: Realm;
  readonly name: string;
  readonly kind: ClientKind;
  readonly redirectUris: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly grantTypes: readonly GrantType[];
  /** PEM (SPKI) texts: keys that verify the client's service tokens and `private_key_jwt`. */
  readonly publicKeys: readonly string[];
  readonly webhookUrl?: string;
  readonly notificationEndpoint?: string;
  readonly settings: ClientSettings;
  /** Of a client that nobody registered: it belongs to whoever made it up. */
  readonly open?: OpenClient;
  readonly disabledAt?: Instant;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
};

/** What a client that nobody registered is known by. */
export type OpenClient = {
  /** Its own word, for the consent page alone; may be empty. */
  readonly name: string;
  /** Where the document about it is. */
  readonly host?: string;
};

/** Whether a browser page of this origin may call for the client. `*` allows every origin. */
export const allowsOrigin = (client: Client, origin: string): boolean =>
  client.allowedOrigins.includes("*") || client.allowedOrigins.includes(origin);

/** The client as one that asks devices. */
export const askerOf = ({ id, realm, settings }: Client): Asker => ({
  clientId: id,
  ...(realm === MAIN ? {} : { realm }),
  ...(settings.approve_through === undefined ? {} : { approvers: settings.approve_through }),
});
