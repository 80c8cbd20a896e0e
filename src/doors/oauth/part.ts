import { isOpenClientId } from "../../core/ids.ts";
import type { DoorRules, Services } from "../../core/ports/services.ts";
import { ok } from "../../core/result.ts";
import { makePings, pingOf } from "./ciba/ping.ts";
import { findByUserCode } from "./device/verification.ts";
import { hearEnded, tellLogout } from "./logout/back-channel.ts";
import { makeOpenClients } from "./open-client/open-clients.ts";
import { type OpenVariables, rulesOf } from "./open-client/rules.ts";
import { requestOf } from "./request.ts";

/** What this door says where core does something for every door. */
export const oauthRules: DoorRules = {
  door: "oauth",
  /** What waits for a user is found by its prompt; a code ends with its session, or when it is redeemed (docs/decisions/0081). */
  underWay: async () => [],
  closedBy: async () => undefined,
  /** A CIBA request is its client's own call. */
  says: ({ context }) => (requestOf({ door: "oauth", context })?.kind === "ciba" ? { unseen: true } : {}),
  async ofTypedCode(powers, { user, code, ip }) {
    const found = await findByUserCode(powers, { user, typed: code, ip });
    return found.ok ? ok(found.value.snapshot) : found;
  },
  settled: pingOf,
  tell: async ({ pings }, { client, event }, attempts) => await pings.send(client, event, attempts),
  grantEnded: hearEnded,
  tellEnded: tellLogout,
};

type OpenPowers = Parameters<typeof makeOpenClients>[0] & Pick<Services, "clients">;
type Powers = Parameters<typeof makePings>[0] & OpenPowers;

/** The ports that this door adds to a deployment (`wiring.ts`). */
export const oauthPorts = (
  variables: OpenVariables,
  powers: Powers,
): Pick<Services, "pings" | "openClients" | "clients"> => ({
  pings: makePings(powers),
  ...openPorts(variables, powers),
});

/** Where the operator lets in clients that nobody registered, `clients` finds them too, by the ids that they have. */
function openPorts(variables: OpenVariables, powers: OpenPowers): Pick<Services, "openClients" | "clients"> {
  const { clients } = powers;
  const rules = rulesOf(variables);
  const openClients = rules && makeOpenClients(powers, rules);
  if (openClients === undefined) return { openClients, clients };
  return {
    openClients,
    clients: {
      ...clients,
      async find(id) {
        if (!isOpenClientId(id)) return await clients.find(id);
        const found = await openClients.find(id);
        return found.kind === "client" ? found.client : undefined;
      },
    },
  };
}
