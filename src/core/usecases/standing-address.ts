import type { Authenticator } from "../action/authenticator.ts";
import type { Client } from "../client/client.ts";
import type { UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { ReadIdentifier } from "../user/identifier.ts";
import { isShared } from "./claimed-name.ts";
import { identifierIdOf } from "./code-subject.ts";

/** The id of a user's authenticator of this address, were it enrolled now: no two users who share a number have the same. */
export const authenticatorIdOf = (
  powers: Pick<Services, "handles">,
  client: Pick<Client, "settings">,
  userId: UserId,
  identifier: ReadIdentifier,
): Promise<string> => identifierIdOf(powers, identifier, isShared(client, identifier) ? userId : undefined);

/** The user's authenticator of this address that stands, also one from when the client let users share numbers, or did not yet. */
export async function standingAddress(
  powers: Pick<Services, "authenticators" | "handles">,
  userId: UserId,
  identifier: ReadIdentifier,
  client: Pick<Client, "settings">,
): Promise<Authenticator | undefined> {
  const shared = isShared(client, identifier);
  const find = async (own: boolean) =>
    await powers.authenticators.find(
      userId,
      await identifierIdOf(powers, identifier, own ? userId : undefined),
    );
  return (await find(shared)) ?? (identifier.kind === "phone" ? await find(!shared) : undefined);
}
