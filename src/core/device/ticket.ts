import type { ClientId, DeviceId, GrantId, Realm, UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import { type Instant, MINUTE, type Millis } from "../time.ts";

/** How long a device of the user's own lets another one in by a QR code. */
export const QR_TICKET: Millis = 2 * MINUTE;

/** Leave to add one device for a user: by a session in which they signed in a moment ago, or by a device that they have (T33). */
export type Ticket = {
  /** The id of the device that comes of it, so that one ticket makes one device, also once that was removed. */
  readonly id: string;
  readonly userId: UserId;
  readonly realm: Realm;
  /** The client through which the session began; of a device that lets another in, the client of our own pages. */
  readonly clientId: ClientId;
  /** The device that stands behind it; none where a code alone does. */
  readonly deviceId?: DeviceId;
  readonly sessionId?: GrantId;
  /** What began before the user's last end adds nothing. */
  readonly since: Instant;
  readonly until: Instant;
};

const PURPOSE = "enrolment-ticket";
const TEXT = /^([0-9a-f-]{36})\.([A-Za-z0-9_.:-]+)$/;

type Powers = Pick<Services, "sealing">;

/** The ticket as a text that says nothing and that nobody else can make; nothing is kept of it. */
export const writeTicket = async ({ sealing }: Powers, ticket: Ticket): Promise<string> =>
  `${ticket.id}.${await sealing.seal(JSON.stringify(ticket), PURPOSE, ticket.id)}`;

/** The ticket of such a text; undefined for any other, and for one whose time is over. */
export async function readTicket(
  { sealing, clock }: Powers & Pick<Services, "clock">,
  text: string,
): Promise<Ticket | undefined> {
  const [, id, sealed] = TEXT.exec(text) ?? [];
  if (id === undefined || sealed === undefined) return undefined;
  const opened = await sealing.open(sealed, PURPOSE, id);
  const ticket = opened === undefined ? undefined : (JSON.parse(opened) as Ticket);
  return ticket && clock.now() < ticket.until ? ticket : undefined;
}
