import type { ClientSettings } from "../../core/client/settings.ts";
import { DAY, MINUTE, type Millis, SECOND } from "../../core/time.ts";

/** How long an authorization code can be exchanged (RFC 6749 §4.1.2). */
export const CODE_LIFETIME = 60 * SECOND;
/** How long a device code waits: ten minutes and never more (NIST SP 800-63B-4 §3.1.3). */
export const DEVICE_CODE_LIFETIME = 10 * MINUTE;
/** How long a CIBA request waits, unless the client's settings say otherwise, and the most that may be asked for. */
export const CIBA_LIFETIME = 180 * SECOND;
export const CIBA_LONGEST = 10 * MINUTE;

/** How long somebody who is asked on their phone has, as the client has set it. */
export const askedLifetime = ({ challenge_seconds: seconds }: ClientSettings): Millis =>
  Math.min((seconds ?? CIBA_LIFETIME / SECOND) * SECOND, CIBA_LONGEST);

/** How long an approval waits for the poll that collects it. */
export const REDEEM_WINDOW = 60 * SECOND;
/** How long the same poll gets the same tokens again, because answers are lost. An authorization code is good once. */
export const REPLAY_WINDOW = 30 * SECOND;
/** How far apart polls are to be (RFC 8628 §3.2, CIBA Core, section 7.3). */
export const INTERVAL = 5 * SECOND;
/** How long a browser stays signed in without being used. */
export const SESSION_LIFETIME = 14 * DAY;
