import type { AuditEvent } from "../audit/event.ts";
import { auditEvent, recordEvent } from "../audit/record.ts";
import type { Origin } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import { recoveryOf } from "../client/settings.ts";
import { type UserId, userSubject } from "../ids.ts";
import type { GrantListing } from "../message/queue.ts";
import type { Services } from "../ports/services.ts";
import type { NotActive } from "../ports/standing.ts";
import type { Refusal, RefusalOf } from "../refusal.ts";
import { no, type Result } from "../result.ts";
import type { Device } from "./device.ts";
import type { Enrolled, FirstEnrolment } from "./enrolment.ts";
import { tellRecoveryBegun } from "./notify.ts";
import { revokeDevice } from "./revoke.ts";

type Powers = Parameters<typeof revokeDevice>[0] &
  Parameters<typeof tellRecoveryBegun>[0] &
  Pick<Services, "config" | "handles">;

/** How the device is stored: with what is removed in the same batch, and the audit row that says why. */
export type Recovering = {
  readonly reason: string;
  readonly write: (
    device: Device,
    event: AuditEvent,
    grant?: GrantListing,
  ) => Promise<Result<undefined, RefusalOf<"device_exists" | "enrolment_closed"> | NotActive>>;
};

/** Why a device is removed whose user has another one now. */
const RECOVERED = "recovered";
/** Why the app removed a device, at the user's request (doors/cotter/methods.ts). */
const BY_APP = "removed_by_app";

/**
 * Enrols a device for a user who has had one, by the key that a proof of their address handed over, where the client's settings say so:
 * at once when this client's app removed all that they ever had; after a wait when one of this client's is lost (docs/decisions/0056).
 * Refused: `device_exists` or `enrolment_closed` as without recovery, `not_allowed` while it waits.
 */
export async function recoverDevice(
  powers: Powers,
  asked: FirstEnrolment,
  ever: readonly Device[],
  store: (how: Recovering) => Promise<Result<Enrolled, Refusal>>,
): Promise<Result<Enrolled, Refusal>> {
  const { client, user, offered, door } = asked;
  const isLive = ({ revokedAt }: Device) => revokedAt === undefined;
  const ofClient = (device: Device) => device.door === door && device.clientId === client.id;
  const closed = no({ code: ever.some(isLive) ? "device_exists" : "enrolment_closed" } as const);
  const mode = recoveryOf(client.settings);
  // What another door or the operator took away was no decision of this app's: it has to be waited for.
  const wasRemoved = ever.every((one) => ofClient(one) && !isLive(one) && one.revokedReason === BY_APP);
  if (mode === "off" || (mode === "removed" && !wasRemoved)) return closed;
  const who = userSubject(user.user.id);
  const { endedAt } = user.user;
  const waits = !wasRemoved;
  const trial = { client: client.id, key: offered.key, endedAt, waits };
  const taken = await powers.inboxes.takeRecovery(who, trial);
  if (taken.outcome === "closed") return closed;
  if (taken.outcome === "waiting") {
    if (taken.started && !(await begun(powers, asked, taken.since))) {
      return no({
        code: "not_allowed",
        detail: "No letter could be sent, so this cannot be waited for today",
      });
    }
    const at = new Date(taken.until).toISOString();
    return no({
      code: "not_allowed",
      detail: `This device may be enrolled from ${at} on, if nobody objects`,
    });
  }
  const lost = waits ? ever.filter((one) => isLive(one) && ofClient(one)) : [];
  const enrolled = await store(writing(powers, asked, lost));
  if (!enrolled.ok) return enrolled;
  await powers.inboxes.noteDevice(who);
  for (const device of lost) endLost(powers, asked, device);
  return enrolled;
}

const byOf = ({ client, origin }: FirstEnrolment) => ({ actor: `client:${client.id}`, ip: origin.ip });

function writing(powers: Powers, asked: FirstEnrolment, lost: readonly Device[]): Recovering {
  const removals = lost.map((device) => ({
    deviceId: device.id,
    event: auditEvent(powers, {
      type: "device.revoked",
      userId: device.userId,
      deviceId: device.id,
      reason: RECOVERED,
      ...byOf(asked),
    }),
  }));
  return {
    reason: RECOVERED,
    write: (device, event, grant) =>
      powers.devices.insertRecovered(device, event, removals, grant, asked.user.user.endedAt ?? 0),
  };
}

/** The lost device's sessions and what is under way by its word end behind the answer; its row is gone already. */
function endLost(powers: Powers, asked: FirstEnrolment, { id: deviceId, userId }: Device): void {
  const by = byOf(asked);
  powers.background(async () => {
    await revokeDevice(powers, { userId, deviceId, reason: RECOVERED, ...by }).catch((cause: unknown) => {
      powers.log("warn", "what a lost device left behind goes through the queue", { cause: String(cause) });
      const { actor } = by;
      return powers.events.send({ kind: "revoke_grants", userId, deviceId, reason: "device_removed", actor });
    });
  });
}

/** The wait has begun: it is on record, and every address hears of it with the way to end it. If none can be told it is over: false. */
async function begun(powers: Powers, asked: FirstEnrolment, since: number): Promise<boolean> {
  const { client, user, origin } = asked;
  const about = { userId: user.user.id, clientId: client.id };
  await recordEvent(powers, auditEvent(powers, { type: "recovery.begun", ...about, ...byOf(asked) }));
  const link = await recoveryLink(powers, { ...about, since });
  const news = { client, user, device: { name: asked.name }, origin, link };
  if (await tellRecoveryBegun(powers, news)) return true;
  await powers.inboxes.endWait(userSubject(user.user.id), client.id, since);
  const reason = "nobody_told";
  await recordEvent(powers, auditEvent(powers, { type: "recovery.ended", reason, ...about, ...byOf(asked) }));
  return false;
}

export type NamedWait = Readonly<Record<"userId" | "clientId", string>> & { readonly since: number };

/** What ends a wait, in the letters that tell of it: 256 bits, and good for this wait alone. */
export const recoverySecret = (
  { handles }: Pick<Services, "handles">,
  { userId, clientId, since }: NamedWait,
): Promise<string> => handles.pepper(["recovery", clientId, String(since)], userId);

async function recoveryLink(powers: Pick<Services, "handles" | "config">, wait: NamedWait): Promise<string> {
  const secret = await recoverySecret(powers, wait);
  const query = new URLSearchParams({ c: wait.clientId, s: wait.since.toString(36), t: secret });
  return `${powers.config.issuer}/app/recovery/${wait.userId}?${query}`;
}

export type EndRecovery = {
  readonly client: Client;
  readonly userId: UserId;
  /** When the wait began. */
  readonly since: number;
  /** What the letter held. */
  readonly secret: string;
};

/** Whether the secret is that of a letter about this wait. Looking writes nothing. */
export async function isOfWait(
  powers: Pick<Services, "handles" | "secrets">,
  { client, userId, since, secret }: EndRecovery,
): Promise<boolean> {
  const own = await recoverySecret(powers, { userId, clientId: client.id, since });
  return await powers.secrets.equal(secret, own);
}

/**
 * Ends the wait for a device in place of a lost one, by the word of who reads an address; false when it does not run, or the secret is
 * wrong.
 */
export async function endRecovery(
  powers: Pick<Services, "handles" | "secrets" | "inboxes" | "records" | "events" | "chance" | "clock">,
  asked: EndRecovery & { readonly origin: Origin },
): Promise<boolean> {
  if (!(await isOfWait(powers, asked))) return false;
  const { client, userId, since, origin } = asked;
  if (!(await powers.inboxes.endWait(userSubject(userId), client.id, since))) return false;
  const by = { actor: "anonymous", ip: origin.ip, reason: "by_letter" };
  await recordEvent(
    powers,
    auditEvent(powers, { type: "recovery.ended", userId, clientId: client.id, ...by }),
  );
  return true;
}
