import type { Client } from "../../../core/client/client.ts";
import { identifierIdOf } from "../../../core/code/subject.ts";
import type { UserId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Authenticator } from "../../../core/user/authenticator.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import { isShared } from "../../../core/user/weaker-holders.ts";

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
