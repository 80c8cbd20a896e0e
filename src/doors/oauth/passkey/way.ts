import type { Context } from "hono";
import { type Bound, beginCeremony, CEREMONY, ownRpId } from "../../../core/device/ceremony.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import type { PasskeyWay } from "../../../pages/sign-in/sign-in.tsx";
import type { Place } from "../session/place.ts";

/** What a sign-in by passkey is bound to. */
export const boundTo = (browser: string, { client, place }: Place): Bound => ({
  kind: "sign_in",
  browser,
  about: [client.id, place],
});

/** What the sign-in page needs to ask for a passkey; undefined where this deployment has no name that passkeys could belong to. */
export async function passkeyWay(
  c: Context<AppEnv>,
  browser: string,
  at: Place,
): Promise<Omit<PasskeyWay, "action" | "refused"> | undefined> {
  const rpId = ownRpId(services(c));
  if (rpId === undefined) return undefined;
  const { challenge } = await beginCeremony(services(c), boundTo(browser, at));
  return { challenge, rpId, left: CEREMONY, again: at.place };
}
