import { fromBase64Url, toBase64Url } from "../../core/base64.ts";
import {
  type DeviceId,
  parseDeviceId,
  parseRealm,
  parseUserId,
  type Realm,
  type UserId,
} from "../../core/ids.ts";
import type { Services } from "../../core/ports/services.ts";
import { DAY, type Instant, type Millis, SECOND } from "../../core/time.ts";

/** How long a device may list what waits before it shows itself again. */
export const SESSION: Millis = 30 * DAY;

/** Whose calls they are. The token is good only beside proofs of the key that it names (RFC 9449). */
export type PhoneSession = {
  readonly deviceId: DeviceId;
  readonly userId: UserId;
  readonly realm: Realm;
  /** Thumbprint of the key that signs each call (RFC 7638). */
  readonly jkt: string;
  /** Whole seconds, in milliseconds. */
  readonly began: Instant;
};

const BASE = 36;
const TEXT =
  /^([0-9a-f-]{36})\.([0-9a-f-]{36})\.([A-Za-z0-9_-]{1,172})\.([0-9a-z]{1,9})\.([A-Za-z0-9_-]{43})$/;

type Parts = Omit<PhoneSession, "jkt"> & { readonly began: Instant };

const seconds = (began: Instant): string => Math.floor(began / SECOND).toString(BASE);

const macOf = ({ handles }: Pick<Services, "handles">, session: PhoneSession): Promise<string> =>
  handles.pepper(
    ["approver-session", session.deviceId, session.userId, session.realm, session.jkt],
    seconds(session.began),
  );

/** A token that carries what it says under our MAC: nothing is kept of it. */
export async function writeSession(
  powers: Pick<Services, "handles">,
  session: PhoneSession,
): Promise<string> {
  const realm = toBase64Url(new TextEncoder().encode(session.realm));
  const mac = await macOf(powers, session);
  return [session.deviceId, session.userId, realm, seconds(session.began), mac].join(".");
}

/** The session of a token that was made for the key of this thumbprint, and is not over; undefined for any other. */
export async function readSession(
  powers: Pick<Services, "handles" | "secrets" | "clock">,
  token: string,
  jkt: string,
): Promise<PhoneSession | undefined> {
  const [, device = "", user = "", realm = "", began = "", mac = ""] = TEXT.exec(token) ?? [];
  const parts = partsOf(device, user, realm, began);
  if (!parts || powers.clock.now() >= parts.began + SESSION) return undefined;
  const session = { ...parts, jkt };
  return (await powers.secrets.equal(mac, await macOf(powers, session))) ? session : undefined;
}

function partsOf(device: string, user: string, realmText: string, began: string): Parts | undefined {
  const bytes = fromBase64Url(realmText);
  const realm = bytes && parseRealm(new TextDecoder().decode(bytes));
  const [deviceId, userId] = [parseDeviceId(device), parseUserId(user)];
  if (realm === undefined || deviceId === undefined || userId === undefined) return undefined;
  return { deviceId, userId, realm, began: Number.parseInt(began, BASE) * SECOND };
}
