import type { Client } from "../../../core/client/client.ts";
import type { ClientId } from "../../../core/ids.ts";
import type { OpenRules } from "./rules.ts";

/** `busy`: too much was asked for a client that is not known yet. `unreachable`: its server does not answer now. */
export type FoundClient =
  | { readonly kind: "client"; readonly client: Client }
  | { readonly kind: "none" | "busy" | "unreachable" };

/**
 * Clients that nobody registered: their id is the address of a document about them, or holds what they say of themselves
 * (docs/decisions/0083, 0084). Nothing of them is stored.
 */
export type OpenClients = {
  readonly rules: OpenRules;
  /** `mayFetch` is asked before a server is called that is not known yet. */
  find(id: ClientId, mayFetch?: () => Promise<boolean>): Promise<FoundClient>;
};

declare module "../../../core/ports/services.ts" {
  interface DoorPorts {
    /** Undefined while the operator has named no host for them. */
    readonly openClients: OpenClients | undefined;
  }
}
