import type { ChallengeSpec, Json, JsonObject } from "../../../core/challenge/state.ts";
import type { UserId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import { viewOf } from "../../../core/user/name-view.ts";
import type { Holder } from "../enrolment/credentials.ts";

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

/**
 * The user's custom data as a credential is shown it: the word of the client that enrolled it, or of one that this lists in `names_from`.
 * Whoever asks, and whatever client the call's header names, have no say in it.
 */
export async function userCustomFor(
  powers: Pick<Services, "authenticators" | "clients">,
  { client, device }: Pick<Holder, "client" | "device">,
): Promise<JsonObject | undefined> {
  const own = client.id === device.clientId ? client : await powers.clients.find(device.clientId);
  return own && (await powers.authenticators.profile(device.userId, viewOf(own))).custom;
}
