import type { Client } from "../../../core/client/client.ts";
import type { ChallengeId } from "../../../core/ids.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";

/** Event ids are JSON integers: 53 random bits, or 31 for Android's native client (Cotter §10.1). */
const WIDE = Number.MAX_SAFE_INTEGER;
const NARROW = 2 ** 31 - 1;

export type DrawnEvent = { readonly number: number; readonly id: ChallengeId; readonly waiterProof: string };

/** Draws an event id. The number is the waiter's secret handle: it names the object and is stored nowhere. */
export async function drawEvent(
  powers: Pick<Services, "challenges" | "handles" | "chance">,
  client: Client,
  narrow: boolean,
): Promise<DrawnEvent> {
  return await eventOf(powers, client, powers.chance.number(narrow ? NARROW : WIDE));
}

async function eventOf(
  powers: Pick<Services, "challenges" | "handles">,
  client: Client,
  number: number,
): Promise<DrawnEvent> {
  const [name = ""] = await powers.handles.numberNames("cotter", client.id, String(number));
  const id = powers.challenges.named(name);
  return { number, id, waiterProof: await waiterProofOf(powers, client, String(number)) };
}

/**
 * Draws the event id of a request that a device has signed, from its signing input: the identical request draws the same ones, so that
 * its repetition finds the event of the first. Keyed, so that nobody else can tell the number.
 */
export async function drawSignedEvent(
  powers: Pick<Services, "challenges" | "handles">,
  client: Client,
  signed: { readonly digest: string; readonly narrow: boolean; readonly turn: number },
): Promise<DrawnEvent> {
  const mac = await powers.handles.pepper(["signed-event", client.id, String(signed.turn)], signed.digest);
  const drawn = BigInt(`0x${Uint8Array.fromBase64(mac.slice(0, 12), { alphabet: "base64url" }).toHex()}`);
  const number = 1 + Number(drawn % BigInt(signed.narrow ? NARROW : WIDE));
  return await eventOf(powers, client, number);
}

/** What the holder of an event id proves when it collects the tokens. */
export const waiterProofOf = (
  powers: Pick<Services, "handles">,
  client: Client,
  number: string,
): Promise<string> => powers.handles.waiterProof(["cotter", client.id, number]);

/** The ids that the event of a number may have, the likeliest first: one for each handle key. */
export const idsOf = async (
  powers: Pick<Services, "challenges" | "handles">,
  client: Client,
  number: string,
): Promise<readonly ChallengeId[]> =>
  (await powers.handles.numberNames("cotter", client.id, number)).map((name) =>
    powers.challenges.named(name),
  );

/** The event of a number, for the client that started it; another client's guess reaches another object. */
export async function findEvent(
  powers: Pick<Services, "challenges" | "handles">,
  client: Client,
  number: string,
): Promise<Snapshot | undefined> {
  for (const id of await idsOf(powers, client, number)) {
    const snapshot = await powers.challenges.read(id);
    if (snapshot) return snapshot;
  }
  return undefined;
}

/** Reads an event id of the path: decimal digits of a safe positive integer, without a leading zero. */
export function readNumber(text: string): number | undefined {
  const value = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
