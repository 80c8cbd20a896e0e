import type { ClientId } from "../ids.ts";

/** Whose devices may answer for a client: those that it enrolled itself, also those of the listed clients, or every one. */
export type Approvers = "own" | "realm" | readonly ClientId[];

/** What asks: its own devices always may answer. */
export type Asker = { readonly clientId: ClientId; readonly approvers?: Approvers };

/** Whether a device that was enrolled through this client may answer for the asker; `own` where nothing is said. */
export function admits({ clientId, approvers = "own" }: Asker, through: ClientId): boolean {
  if (through === clientId || approvers === "realm") return true;
  return approvers !== "own" && approvers.includes(through);
}
