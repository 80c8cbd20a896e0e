import type { Client } from "../../../core/client/client.ts";
import { brandOf } from "../../../core/client/settings.ts";
import { isAlive } from "../../../core/grant/state.ts";
import type { UserId } from "../../../core/ids.ts";
import type { GrantListing } from "../../../core/message/queue.ts";
import type { Services } from "../../../core/ports/services.ts";
import { oneLine } from "../../../core/shown-text.ts";
import type { SessionRow } from "../../../pages/sign-in/sessions.tsx";
import { deviceName } from "../../../pages/verify/device.ts";
import { isSession } from "./session.ts";

/** Most grants that the page shows: each is read from its object. Whoever has more ends these first, or all. */
export const ROWS = 50;
const LONGEST_NAME = 60;

/** Where a person is signed in: what lives of their listed grants, through whichever door, the newest first. */
export async function rowsOf(powers: Services, userId: UserId): Promise<readonly SessionRow[]> {
  const listed = await powers.records.grantsOfUser(userId, { size: ROWS });
  const rows = await Promise.all(listed.map((listing) => rowOf(powers, listing)));
  return rows.filter((row) => row !== undefined).sort((a, b) => b.since - a.since);
}

/** Of a client that nobody registered what counts is where it is: on pages it has no name of its own choice. */
const nameOf = (client: Client): string => (client.open === undefined ? brandOf(client).name : client.name);

async function rowOf(powers: Services, { id, clientId }: GrantListing): Promise<SessionRow | undefined> {
  const [snapshot, client] = await Promise.all([powers.challenges.read(id), powers.clients.find(clientId)]);
  const grant = snapshot?.grant;
  if (!grant || !isAlive(grant, powers.clock.now())) return undefined;
  const { city, country, userAgent } = snapshot.spec.origin;
  const place = [city, country].filter((part) => part !== undefined).join(", ");
  const device = deviceName(userAgent);
  return {
    id,
    app: client ? nameOf(client) : oneLine(clientId, LONGEST_NAME),
    ...(place === "" ? {} : { place }),
    ...(device === undefined ? {} : { device }),
    since: grant.createdAt,
    ...(grant.rotatedAt > grant.createdAt ? { last: grant.rotatedAt } : {}),
    kind: isSession(snapshot) ? "browser" : "app",
  };
}
