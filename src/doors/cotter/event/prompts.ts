import { admits } from "../../../core/challenge/approvers.ts";
import type { Client } from "../../../core/client/client.ts";
import { type UserId, userSubject } from "../../../core/ids.ts";
import { isPlain, type Named } from "../../../core/inbox/named.ts";
import type { Prompt } from "../../../core/inbox/state.ts";
import type { Services } from "../../../core/ports/services.ts";
import { DETAILS, kindsOfEvent, promptEventName } from "../translate.ts";

/** A prompt that this wire can show to the app that calls, and the event name that says what it asks. */
export type Shown = { readonly prompt: Prompt; readonly event: string };

/**
 * What this wire can say of a prompt to an app of this client; undefined where it waits for a door that can. Its `issuer` says who
 * asks; it has no place for details, and can ask for no number, claim, unlock or certain device.
 */
export function shownTo(client: Pick<Client, "id" | "realm">, prompt: Prompt): Shown | undefined {
  const event = promptEventName(prompt);
  const isTheirs = admits(prompt, { clientId: client.id, realm: client.realm });
  return isTheirs && isPlain(prompt, DETAILS) && event !== undefined ? { prompt, event } : undefined;
}

/** What a device's answer says of the prompt that it was shown. */
export type Echo = { readonly issuer: string; readonly event: string; readonly timestamp: string };

/**
 * The prompt of a respond number, if this wire can show it to this client's apps. The echo must be the prompt's own: a device signs what was
 * shown (Cotter §10.6). As `issuer` some SDKs sign the one that they were shown, which is who asks, and the others the id of their own app.
 */
export const namedBy = ({ id, realm }: Pick<Client, "id" | "realm">, number: number, echo: Echo): Named => ({
  number,
  app: { clientId: id, realm },
  ...(echo.issuer === id ? {} : { asker: echo.issuer }),
  second: echo.timestamp,
  unsaid: DETAILS,
  kinds: kindsOfEvent(echo.event),
});

/** The newest prompt that this wire can show to this client's apps. */
export async function livePromptFor(
  powers: Pick<Services, "inboxes">,
  client: Client,
  userId: UserId,
): Promise<Shown | undefined> {
  const { prompts } = await powers.inboxes.view(userSubject(userId));
  for (const prompt of prompts) {
    const shown = shownTo(client, prompt);
    if (shown) return shown;
  }
  return undefined;
}
