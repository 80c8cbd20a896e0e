import { auditEvent, type Requester, recordEvent } from "../audit/record.ts";
import type { Services } from "../ports/services.ts";
import type { ListedKey } from "./key.ts";

type Powers = Pick<Services, "keyring" | "records" | "events" | "clock" | "chance">;

/** Begins a new signing key of the lane: `standard` signs with it after the published overlap, `cotter` at once. */
export async function rotateKeys(
  powers: Powers,
  lane: "standard" | "cotter",
  by: Requester,
): Promise<ListedKey> {
  const key = await powers.keyring.rotate(lane);
  await recordEvent(powers, auditEvent(powers, { type: "key.rotated", data: { lane, kid: key.kid }, ...by }));
  return key;
}
