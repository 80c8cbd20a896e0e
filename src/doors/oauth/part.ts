import type { DoorRules, Services } from "../../core/ports/services.ts";
import { makePings, pingOf } from "./ciba/ping.ts";
import { hearEnded, tellLogout } from "./logout/back-channel.ts";

/** What this door says where core does something for every door. */
export const oauthRules: DoorRules = {
  door: "oauth",
  /** What waits for a user is found by its prompt; a code ends with its session, or when it is redeemed (docs/decisions/0081). */
  underWay: async () => [],
  closedBy: async () => undefined,
  settled: pingOf,
  tell: async ({ pings }, { client, event }, attempts) => await pings.send(client, event, attempts),
  grantEnded: hearEnded,
  tellEnded: tellLogout,
};

/** The ports that this door adds to a deployment (`wiring.ts`). */
export const oauthPorts = (powers: Parameters<typeof makePings>[0]): Pick<Services, "pings"> => ({
  pings: makePings(powers),
});
