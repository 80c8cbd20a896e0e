import { isOpenClientId } from "../../core/ids.ts";
import type { Services } from "../../core/ports/services.ts";
import { makeOpenClients } from "./open-client/open-clients.ts";
import { type OpenVariables, rulesOf } from "./open-client/rules.ts";

type Powers = Parameters<typeof makeOpenClients>[0] & Pick<Services, "clients">;

/** The ports that this door adds to a deployment (`wiring.ts`): `clients` then finds those that nobody registered, by the id of theirs. */
export function oauthPorts(
  variables: OpenVariables,
  powers: Powers,
): Pick<Services, "openClients" | "clients"> {
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
