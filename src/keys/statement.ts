import type { DeviceKey } from "../core/device/device.ts";
import { headerOf, signedBy } from "./compact-jws.ts";
import { importDeviceKey } from "./device-keys.ts";
import { sameBytes } from "./spki.ts";

/** What a device of our page signs is longer than a token: all that was shown is in it. */
const LENGTH_LIMIT = 32_768;

/** Whether this P-256 key has signed exactly this text, under a header that says so and nothing else (T24, T26, T27). */
export async function isStatement(key: DeviceKey, jws: string, kid: string, text: string): Promise<boolean> {
  const header = key.algorithm === "EC" ? headerOf(jws, LENGTH_LIMIT) : undefined;
  if (header === undefined) return false;
  const { alg, kid: named, typ, ...more } = header;
  const isOurs = alg === "ES256" && named === kid && typ === "countersign+jws";
  if (!isOurs || Object.keys(more).length > 0) return false;
  const payload = await signedBy(jws, await importDeviceKey(key), "ES256");
  return payload !== undefined && sameBytes(payload, new TextEncoder().encode(text));
}
