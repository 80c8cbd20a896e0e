import type { ChallengeSpec, Json } from "../../core/challenge/state.ts";
import type { UserId } from "../../core/ids.ts";
import type { Services } from "../../core/ports/services.ts";

/** The custom data of what is asked, whole: what is too long for a challenge stands in the row of its action. */
export async function detailsOf(
  { actions }: Pick<Services, "actions">,
  { clientId, context }: Pick<ChallengeSpec, "clientId" | "context">,
  userId: UserId,
): Promise<Json | undefined> {
  if (context.custom_in_row !== true) return context.custom;
  const key = { clientId, userId, code: String(context.action), idempotencyKey: String(context.idem) };
  return (await actions.find(key))?.context.custom;
}
