import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import type { Device } from "../../../core/device/device.ts";
import { type ChallengeId, MAIN, userSubject } from "../../../core/ids.ts";
import type { Prompt } from "../../../core/inbox/state.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import type { PhoneCaller } from "../caller.ts";
import { type Asked, askedOf } from "./asked.ts";
import { standsBefore } from "./judge.ts";
import { readSeen, type Seen } from "./seen.ts";

/** A request that stands before a device, with all that is needed to show and to judge it. */
export type Found = {
  readonly asked: Asked;
  /** Of the user's inbox. */
  readonly prompt?: Prompt;
  /** Claimed by this device's user, and in nobody's inbox. */
  readonly claimed?: Snapshot;
  readonly client: Client;
  readonly others: readonly Device[];
  readonly seen?: Seen;
};

const UNKNOWN = { code: "unknown_challenge" } as const;

/**
 * The request of this id, if it stands before this device (T20, T106): a prompt of the user's inbox, decided and superseded ones too, so that
 * whoever is late is told why; or a challenge that this device has claimed by the code that it brings.
 */
export async function findAsked(
  c: Context<AppEnv>,
  { device }: PhoneCaller,
  id: ChallengeId,
  brought: string | undefined,
): Promise<Result<Found, RefusalOf<"unknown_challenge">>> {
  const powers = services(c);
  const seen = await readSeen(powers, { challengeId: id, deviceId: device.id }, brought);
  const [prompt, ever] = await Promise.all([
    powers.inboxes.find(userSubject(device.userId), id),
    powers.devices.ofUser(device.userId),
  ]);
  const claimed = !prompt && seen?.by === "code" ? await claimedBy(c, device, id) : undefined;
  const asked = prompt ?? (claimed && seen && askedOf(claimed, seen.value));
  if (!asked || !standsBefore(asked, device)) return no(UNKNOWN);
  const client = await powers.clients.find(asked.clientId);
  if (!client || client.disabledAt !== undefined) return no(UNKNOWN);
  return ok({
    asked,
    client,
    others: ever.filter((other) => other.id !== device.id),
    ...(prompt ? { prompt } : {}),
    ...(claimed ? { claimed } : {}),
    ...(seen ? { seen } : {}),
  });
}

async function claimedBy(
  c: Context<AppEnv>,
  { userId, realm }: Device,
  id: ChallengeId,
): Promise<Snapshot | undefined> {
  const snapshot = await services(c).challenges.read(id);
  const isOurs = snapshot && (snapshot.spec.realm ?? MAIN) === realm;
  // Of one that is over nobody is the claimant any more: the machine says how it ended.
  const isTheirs = snapshot?.claimant === undefined || snapshot.claimant === userId;
  return isOurs && isTheirs && snapshot.spec.requiresClaim ? snapshot : undefined;
}
