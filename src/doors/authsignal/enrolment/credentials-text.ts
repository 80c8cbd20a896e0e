import { textOfBase64 } from "../../../core/base64.ts";
import type { DeviceKey } from "../../../core/device/device.ts";
import type { Services } from "../../../core/ports/services.ts";

/** A P-256 SPKI as the SDKs write it: 124 characters with this beginning (§6.2). */
const KEY_TEXT = /^MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE[A-Za-z0-9+/]{86}==$/;

/**
 * The key text of a query: base64 over the text once more, iOS in base64url without padding, Android in standard base64; the bare
 * text is taken too (§6.2).
 */
export function keyTextOfQuery(value: string): string | undefined {
  // A `+` that nobody escaped arrives as a blank.
  const raw = value.replaceAll(" ", "+");
  if (KEY_TEXT.test(raw)) return raw;
  const decoded = textOfBase64(raw);
  return decoded !== undefined && KEY_TEXT.test(decoded) ? decoded : undefined;
}

/** The key of a text, for looking up: what is no key at all is nobody's. */
export async function lookupKey(
  powers: Pick<Services, "proofs">,
  text: string | undefined,
): Promise<DeviceKey | undefined> {
  if (text === undefined) return undefined;
  const key = await powers.proofs.readKey(text, "EC");
  return key.ok ? key.value : undefined;
}
