import type { Grant } from "../../core/grant/state.ts";
import type { OAuthSubject } from "./request.ts";

/** How an approval was made, the weakest first. A stronger one satisfies who asks for a weaker one. */
export const ACR_VALUES = [
  // A code sent to an address was entered. Never counts as a second factor.
  "urn:signin:acr:identifier",
  // An enrolled device signed the approval.
  "urn:signin:acr:device",
  // The same, and the number on the waiting screen was typed there.
  "urn:signin:acr:device-match",
  // The same, with the device's own unlock.
  "urn:signin:acr:device-match-uv",
] as const;
export type Acr = (typeof ACR_VALUES)[number];

/**
 * A passkey that signed on our own page. Its two screens are one, so that there is no number to compare: it signs for this page in this browser
 * and for no other, and only behind the device's own unlock (docs/decisions/0085).
 */
export const PASSKEY_ACR: Acr = "urn:signin:acr:device-match-uv";

/** What an approval reaches: `amr` as RFC 8176 names the methods. */
export function acrOf(approval: {
  readonly byDevice: boolean;
  readonly matched: boolean;
  readonly amr: readonly string[];
}): Acr {
  const { byDevice, matched, amr } = approval;
  if (!byDevice) return "urn:signin:acr:identifier";
  // RFC 8176: the number was typed on our own page, or the screen's code scanned there.
  if (!matched && !amr.includes("mca")) return "urn:signin:acr:device";
  return amr.includes("user") ? "urn:signin:acr:device-match-uv" : "urn:signin:acr:device-match";
}

/** The same of a grant: as its request has fixed it, else by what approved it. */
export function acrOfGrant({ deviceId, amr, subject }: Grant): string {
  const { acr, matched = false } = subject as OAuthSubject;
  return acr ?? acrOf({ byDevice: deviceId !== undefined, matched, amr });
}
