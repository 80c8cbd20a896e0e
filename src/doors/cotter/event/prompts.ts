import { admits } from "../../../core/challenge/approvers.ts";
import type { Client } from "../../../core/client/client.ts";
import { type UserId, userSubject } from "../../../core/ids.ts";
import { asksMore } from "../../../core/inbox/prompts.ts";
import type { Prompt } from "../../../core/inbox/state.ts";
import type { Services } from "../../../core/ports/services.ts";
import { promptEventName } from "../translate.ts";

/** A prompt that this wire can show to the app that calls, and the event name that says what it asks. */
export type Shown = { readonly prompt: Prompt; readonly event: string };

/**
 * What this wire can say of a prompt to an app of this client; undefined where it waits for a door that can. Its `issuer` says who
 * asks; it has no place for details, and can ask for no number, claim, unlock or certain device.
 */
export function shownTo(client: Pick<Client, "id" | "realm">, prompt: Prompt): Shown | undefined {
  const { demands, context } = prompt;
  const isPlain = !demands.matchCode && !demands.claim && !demands.unlock && demands.device === undefined;
  const hasDetails = asksMore(prompt) || context.custom !== undefined || context.custom_in_row;
  const event = promptEventName(prompt);
  const isTheirs = admits(prompt, { clientId: client.id, realm: client.realm });
  return isTheirs && isPlain && !hasDetails && event !== undefined ? { prompt, event } : undefined;
}

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

/** The prompt of a respond number, decided ones included, when this wire can show it to this client's apps. */
export async function promptOfNumber(
  powers: Pick<Services, "inboxes">,
  client: Client,
  userId: UserId,
  number: number,
): Promise<Shown | undefined> {
  const prompt = await powers.inboxes.find(userSubject(userId), number);
  return prompt && shownTo(client, prompt);
}
