import { startChallenge } from "../../../core/challenge/start.ts";
import { aboutForBackend, type TakenStart, takeStart } from "../../../core/challenge/take-start.ts";
import type { Client } from "../../../core/client/client.ts";
import type { NonceUse } from "../../../core/ports/clients.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { SECOND } from "../../../core/time.ts";
import type { User } from "../../../core/user/user.ts";
import { preapprovalEvent, preapprove } from "../code/preapprove.ts";
import { type BegunCeremony, beginCeremony, CEREMONY } from "./ceremony.ts";

export type ForcedPasskey = {
  readonly client: Client;
  readonly user: User;
  readonly nonce: NonceUse;
  readonly rpId: string;
  readonly ip?: string | undefined;
};

type Powers = Parameters<typeof startChallenge>[0] &
  Parameters<typeof preapprove>[0] &
  Pick<Services, "records" | "nonces">;

/**
 * Begins a passkey of this user by the backend's word alone: nobody carries a code, so the challenge that the passkey will take is
 * approved from birth, and ends with the ceremony (LoginID §4). `replayed` and `too_many` have written nothing.
 */
export async function forcePasskey(
  powers: Powers,
  asked: ForcedPasskey,
): Promise<Result<BegunCeremony, Refusal>> {
  const start = await takeStart(powers, asked.client, { brought: "secret" }, aboutForBackend(asked.user.id));
  if (!start.ok) return start;
  return await begin(powers, asked, start.value);
}

async function begin(
  powers: Powers,
  { client, user, nonce, rpId, ip }: ForcedPasskey,
  start: TakenStart,
): Promise<Result<BegunCeremony, Refusal>> {
  if (!(await powers.nonces.spend(nonce))) {
    await start.giveBack();
    return no({ code: "replayed" });
  }
  const whose = { challengeId: powers.challenges.fresh(), clientId: client.id, user, ip };
  const { challengeId } = whose;
  // On record before it can be used.
  const data = { purpose: "enrol_device" };
  const event = preapprovalEvent(powers, { ...whose, type: "passkey.preauthorized", data });
  const noted = await powers.records.note(event, { userId: user.id, clientId: client.id, since: event.at });
  if (!noted.ok) {
    await start.giveBack();
    return noted;
  }
  const started = await startChallenge(powers, {
    door: "loginid",
    client,
    caller: { brought: "secret" },
    user: { id: user.id, locked: false },
    purpose: "enrol_device",
    scope: "access",
    requiresClaim: false,
    matchCode: false,
    asksNobody: true,
    context: {},
    origin: {},
    lifetime: CEREMONY,
    redeemWindow: CEREMONY,
    replayWindow: 30 * SECOND,
    counted: true,
    draw: async () => challengeId,
  });
  if (!started.ok) return started;
  const approved = await preapprove(powers, whose);
  if (!approved.ok) return approved;
  const ceremony = { kind: "add", ticket: challengeId, rpId } as const;
  return ok(await beginCeremony(powers, { client, userId: user.id }, ceremony));
}
