import type { Services } from "../../../core/ports/services.ts";
import type { EventWire } from "../translate.ts";
import { eventStatement } from "./signing-input.ts";

/** To be asked before a commit whose answer is a stated event: throws where none could be signed. */
export const readyToState = async (powers: Pick<Services, "keyring">): Promise<void> => {
  await powers.keyring.ready("statement");
};

/** Adds the server's Ed25519 signature to an event; 64 bytes always, or an SDK's validate() throws (Cotter §6). */
export async function stated(
  powers: Pick<Services, "keyring">,
  event: EventWire,
): Promise<EventWire & { readonly signature: string }> {
  return { ...event, signature: await powers.keyring.signStatement(eventStatement(event)) };
}
