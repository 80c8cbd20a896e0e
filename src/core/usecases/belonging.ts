import type { ClientId, GrantId, UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import { belongsTo } from "../user/belongs-to.ts";
import { verifiedCodes } from "./enrolled-methods.ts";

type Powers = Pick<Services, "devices" | "authenticators" | "records">;

/** Whose this person is for a client, and what that was read from. */
export async function belongingOf(powers: Powers, client: ClientId, record: UserRecord) {
  const { id } = record.user;
  const [devices, rows, signedInAt] = await Promise.all([
    powers.devices.ofUser(id),
    powers.authenticators.ofUser(id),
    clientsSignedIn(powers, client, id),
  ]);
  const held = { devices, addresses: verifiedCodes(rows), signedInAt };
  return { belongs: belongsTo(client, { ...record, ...held }), held };
}

/** The clients at which the person has a session; whatever comes behind another client's is not read any more. */
async function clientsSignedIn(
  { records }: Powers,
  client: ClientId,
  userId: UserId,
): Promise<readonly ClientId[]> {
  let after: GrantId | undefined;
  for (;;) {
    const page = await records.grantsOfUser(userId, after === undefined ? {} : { after });
    const others = page.filter(({ clientId }) => clientId !== client).map(({ clientId }) => clientId);
    const last = page.at(-1);
    if (others.length > 0 || last === undefined) return others;
    after = last.id;
  }
}
