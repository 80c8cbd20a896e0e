import type { DoorRules, Services } from "../../core/ports/services.ts";
import { makePings, pingOf } from "./ciba/ping.ts";

/** What this door says where core does something for every door. */
export const oauthRules: DoorRules = {
  door: "oauth",
  /** A prompt leads to what is asked by CIBA; what a code leads to ends when it would be redeemed. */
  underWay: async () => [],
  closedBy: async () => undefined,
  settled: pingOf,
  tell: async ({ pings }, { client, event }, attempts) => await pings.send(client, event, attempts),
};

/** The ports that this door adds to a deployment (`wiring.ts`). */
export const oauthPorts = (powers: Parameters<typeof makePings>[0]): Pick<Services, "pings"> => ({
  pings: makePings(powers),
});
