import type { ChallengeId, DeviceId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";

/**
 * What a device brings with its answer to show that it saw the waiting screen: the value of the QR code that it scanned while that was live, or
 * the code that was typed, under our MAC for this challenge and device. Nothing is kept of it; it ends with the challenge.
 */
export type Seen = { readonly by: "frame" | "code"; readonly value: string };

type Of = { readonly challengeId: ChallengeId; readonly deviceId: DeviceId };

const TEXT = /^(frame|code)\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{43})$/;

const macOf = ({ handles }: Pick<Services, "handles">, { challengeId, deviceId }: Of, { by, value }: Seen) =>
  handles.pepper(["approver-seen", by, challengeId, deviceId], value);

export const writeSeen = async (powers: Pick<Services, "handles">, of: Of, seen: Seen): Promise<string> =>
  `${seen.by}.${seen.value}.${await macOf(powers, of, seen)}`;

/** What this text shows for this challenge and device; undefined: nothing. */
export async function readSeen(
  powers: Pick<Services, "handles" | "secrets">,
  of: Of,
  text: string | undefined,
): Promise<Seen | undefined> {
  const [, by, value, mac] = TEXT.exec(text ?? "") ?? [];
  if (value === undefined || mac === undefined) return undefined;
  const seen: Seen = { by: by === "frame" ? "frame" : "code", value };
  return (await powers.secrets.equal(mac, await macOf(powers, of, seen))) ? seen : undefined;
}
