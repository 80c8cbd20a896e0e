import type { DoorRules } from "../../core/ports/services.ts";
import { hearEnded, tellLogout } from "./logout/back-channel.ts";

/** What this door says where core does something for every door. */
export const oauthRules: DoorRules = {
  door: "oauth",
  /** A sign-in is found by its prompt; a code ends with its session, or when it is redeemed (docs/decisions/0081). */
  underWay: async () => [],
  closedBy: async () => undefined,
  grantEnded: hearEnded,
  tellEnded: tellLogout,
};
