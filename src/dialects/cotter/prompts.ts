import { type UserId, userSubject } from "../../core/ids.ts";
import type { Prompt } from "../../core/inbox/state.ts";
import type { Services } from "../../core/ports/services.ts";

/** This wire can ask for no number, claim or unlock and knows no device of a prompt: such belong to other doors (settled question 19). */
const canShow = ({ demands }: Prompt): boolean =>
  !demands.matchCode && !demands.claim && !demands.unlock && demands.device === undefined;

/** The newest prompt that this wire can show. */
export async function livePromptFor(
  powers: Pick<Services, "inboxes">,
  userId: UserId,
): Promise<Prompt | undefined> {
  const { prompts } = await powers.inboxes.view(userSubject(userId));
  return prompts.find(canShow);
}

/** The prompt of a respond number, decided ones included, when this wire can answer it. */
export async function promptOfNumber(
  powers: Pick<Services, "inboxes">,
  userId: UserId,
  number: number,
): Promise<Prompt | undefined> {
  const prompt = await powers.inboxes.find(userSubject(userId), number);
  return prompt && canShow(prompt) ? prompt : undefined;
}
