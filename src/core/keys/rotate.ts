import { auditEvent, type Requester, recordEvent } from "../audit/record.ts";
import type { Services } from "../ports/services.ts";
import type { ListedKey, TokenLane } from "./key.ts";

type Powers = Pick<Services, "keyring" | "records" | "events" | "clock" | "chance">;

/** Begins a new signing key of the lane: `standard` and `rs256` sign with it after the published overlap, `cotter` at once. */
export async function rotateKeys(powers: Powers, lane: TokenLane, by: Requester): Promise<ListedKey> {
  const key = await powers.keyring.rotate(lane);
  await recordEvent(powers, auditEvent(powers, { type: "key.rotated", data: { lane, kid: key.kid }, ...by }));
  return key;
}
