import { toBase64Url } from "../base64.ts";
import type { UserId } from "../ids.ts";
import type { Device, PasskeyState } from "./device.ts";

/** The passkeys that are taken, for `pubKeyCredParams` (WebAuthn §5.4), the preferred first: ES256, then RS256 for Windows (RFC 8812 §2). */
export const PASSKEY_PARAMETERS = [
  { type: "public-key", alg: -7 },
  { type: "public-key", alg: -257 },
] as const;

/** What an authenticator keeps of whose passkey it is (WebAuthn §5.4.3), base64url: the user's id, and nothing that names a person. */
export const userHandle = (id: UserId): string => toBase64Url(new TextEncoder().encode(id));

/** Whether a signature told something that has to be kept: a counter that counts, or another state of the backup. */
export const tellsNews = (device: Device, { signCount, backedUp }: PasskeyState): boolean =>
  signCount !== 0 || (device.signCount ?? 0) !== 0 || device.backedUp !== backedUp;
