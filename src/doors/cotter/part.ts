import type { DoorRules } from "../../core/ports/services.ts";

/** What this door says where core does something for every door. */
export const cotterRules: DoorRules = {
  door: "cotter",
  /** What waits for a user is found by its prompt. */
  underWay: async () => [],
  closedBy: async () => undefined,
  /** The event's name is one of the list that the client keeps. */
  says: ({ context: { event } }) => (typeof event === "string" ? { action: event } : {}),
};
