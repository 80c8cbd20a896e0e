import { type ClientId, MAIN, parseRealm, type Realm } from "../ids.ts";
import type { Clients } from "../ports/clients.ts";
import type { Client } from "./client.ts";

/** No client can be registered by an id that begins so, and none that nobody registered has one. */
const MARK = "@phone";

/** The client that stands for the phone page of a realm, where somebody signs in to add a phone. */
export const ownClientId = (realm: Realm): ClientId =>
  (realm === MAIN ? MARK : `${MARK}.${realm}`) as ClientId;

function realmOf(id: ClientId): Realm | undefined {
  if (id === MARK) return MAIN;
  return id.startsWith(`${MARK}.`) ? parseRealm(id.slice(MARK.length + 1)) : undefined;
}

export const isOwnClientId = (id: ClientId): boolean => realmOf(id) !== undefined;

/**
 * That client. It asks devices that our own pages have let in and no other, knows nobody by a backend's word, and has no tokens
 * (docs/decisions/0087).
 */
export const ownClient = (realm: Realm, name: string): Client => ({
  id: ownClientId(realm),
  realm,
  name,
  kind: "public",
  redirectUris: [],
  allowedOrigins: [],
  grantTypes: [],
  publicKeys: [],
  settings: {},
  createdAt: 0,
  updatedAt: 0,
});

/** The clients of a deployment with the ones of its own pages, which stand in no table. */
export const withOwnClients = (clients: Clients, name: string): Clients => ({
  ...clients,
  async find(id) {
    const realm = realmOf(id);
    return realm === undefined ? await clients.find(id) : ownClient(realm, name);
  },
});
