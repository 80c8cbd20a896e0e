import { textOfBase64 } from "../../../core/base64.ts";
import type { DeviceKey, KeyAlgorithm } from "../../../core/device/device.ts";
import { own } from "../../../core/own.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, type Result } from "../../../core/result.ts";

/** Names of key kinds on this wire; iOS writes `ECDSA` in its QR text where it means `EC` (Cotter §5). */
const ALGORITHMS: Readonly<Record<string, KeyAlgorithm>> = {
  ED25519: "Ed25519",
  EC: "EC",
  ECDSA: "EC",
  RSA: "RSA",
};

/** Reads a key that is to be enrolled: its algorithm must be named and its encoding canonical. */
export async function readNewKey(
  powers: Pick<Services, "proofs">,
  text: string,
  algorithm: string | undefined,
): Promise<Result<DeviceKey, RefusalOf<"bad_key">>> {
  const named = own(ALGORITHMS, algorithm ?? "");
  return named ? powers.proofs.readKey(text, named) : no({ code: "bad_key", detail: "unknown algorithm" });
}

/** Finds which key a text is, whatever algorithm the request claims: the enrolled row decides (iOS sends none). */
export async function identifyKey(
  powers: Pick<Services, "proofs">,
  text: string,
): Promise<DeviceKey | undefined> {
  for (const algorithm of ["Ed25519", "EC", "RSA"] as const) {
    const key = await powers.proofs.readKey(text, algorithm);
    if (key.ok) return key.value;
  }
  return undefined;
}

/**
 * Finds which key an address names, in its path or in its query: base64 over the ASCII of the key text, or the key text itself. A `+` may
 * have come as a blank, which no key text has.
 */
export async function identifyKeyOf(
  powers: Pick<Services, "proofs">,
  given: string,
): Promise<DeviceKey | undefined> {
  const text = given.replaceAll(" ", "+");
  const inner = keyOfPath(text);
  const wrapped = inner === undefined ? undefined : await identifyKey(powers, inner);
  return wrapped ?? (await identifyKey(powers, text));
}

/** The key text inside an address: base64 over its ASCII, either alphabet, padding optional (Cotter §3.1). */
export function keyOfPath(segment: string): string | undefined {
  const bare = segment.replaceAll("=", "");
  return bare === "" || bare.length > 4_096 ? undefined : textOfBase64(bare);
}
