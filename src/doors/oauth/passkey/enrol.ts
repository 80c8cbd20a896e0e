import { auditEvent } from "../../../core/audit/record.ts";
import type { Origin } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import { allowsBareTap } from "../../../core/client/settings.ts";
import { answersFor } from "../../../core/device/answers-for.ts";
import type { Device } from "../../../core/device/device.ts";
import type { Grant } from "../../../core/grant/state.ts";
import { type ClientId, newDeviceId, userSubject } from "../../../core/ids.ts";
import { RECOVERY_WAIT } from "../../../core/inbox/limits.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { type Instant, MINUTE, type Millis, SECOND } from "../../../core/time.ts";
import { type Bound, ownCeremony, readCeremony } from "./ceremony.ts";
import { isOwnPasskey } from "./own-passkeys.ts";

/** Live passkeys of our page that a user may have. */
export const MOST_PASSKEYS = 10;
/** How long after its sign-in a session may add and remove passkeys (T33). */
export const FRESH: Millis = 5 * MINUTE;

/** How long after a passkey was removed a code adds none: as long as for a device in place of a lost one. */
export const AFTER_REMOVAL: Millis = RECOVERY_WAIT;

type OfSession = Pick<Grant, "id" | "userId" | "deviceId" | "authTime" | "createdAt">;

/** Whether the user of this session was there a moment ago. */
export const isFresh = ({ authTime }: OfSession, now: Instant): boolean => now < authTime * SECOND + FRESH;

/** Why a session adds no passkey. */
export type Closed =
  | { readonly kind: "full" }
  /** Signed in by a code, where a passkey or the phone could have been used. */
  | { readonly kind: "stronger" }
  /** Signed in by a code, a short while after a passkey was removed. */
  | { readonly kind: "waits"; readonly until: Instant };

const isLive = ({ revokedAt }: Device): boolean => revokedAt === undefined;

/**
 * A code adds the first passkey alone: whoever reads the mail of somebody with a passkey does not come to one of their own, and not by
 * removing that one first either (T33). `ever` are all devices that the user has had.
 */
export function closedBy(
  client: Client,
  { deviceId }: OfSession,
  ever: readonly Device[],
  now: Instant,
): Closed | undefined {
  const own = ever.filter(isOwnPasskey);
  const live = own.filter(isLive).length;
  if (live >= MOST_PASSKEYS) return { kind: "full" };
  if (deviceId !== undefined) return undefined;
  if (live > 0 || ever.some((device) => isLive(device) && isAskedBare(client, device))) {
    return { kind: "stronger" };
  }
  const until = Math.max(0, ...own.map(({ revokedAt = 0 }) => revokedAt)) + AFTER_REMOVAL;
  return now < until ? { kind: "waits", until } : undefined;
}

/** Whether the sign-in page would ask this device, and it can answer: one that cannot take a number is asked only where none is shown. */
const isAskedBare = (client: Client, device: Device): boolean =>
  (client.settings.match_code === "off" || allowsBareTap(client.settings)) && answersFor(client, device);

export type NewPasskey = {
  /** The client through which the session began. */
  readonly client: Client;
  readonly session: OfSession;
  readonly bound: Bound;
  readonly answer: {
    readonly challenge: string;
    readonly credentialId: string;
    readonly clientData: string;
    readonly attestationData: string;
  };
  readonly name: string;
  readonly origin: Origin;
};

type Powers = Pick<
  Services,
  "handles" | "clock" | "chance" | "secrets" | "config" | "devices" | "proofs" | "inboxes"
>;

type Enrolled = Result<Device, RefusalOf<"not_allowed">>;

const refused = (detail: string) => no({ code: "not_allowed", detail } as const);

/**
 * Enrols the passkey that a browser made in a ceremony of this session. The ceremony's id is the device's, so that one makes one device, also
 * after that was removed; the same request again is answered alike. Refused with a detail for the record.
 */
export async function enrolPasskey(powers: Powers, asked: NewPasskey): Promise<Enrolled> {
  const { client, session, bound, answer } = asked;
  const ceremony = await readCeremony(powers, bound, answer.challenge);
  const expected = ceremony && ownCeremony(powers, ceremony);
  if (!ceremony || !expected) return refused("the challenge is not one of these five minutes");
  const read = await powers.proofs.readPasskey(answer, expected);
  if (!read.ok) return refused(read.error.detail);
  const ever = await powers.devices.ofUser(session.userId, { withRevoked: true });
  const id = newDeviceId(ceremony.id);
  const twin = ever.find((device) => device.id === id);
  if (twin) {
    const isSame = isLive(twin) && twin.key.fingerprint === read.value.key.fingerprint;
    return isSame ? ok(twin) : refused("the challenge was used");
  }
  const now = powers.clock.now();
  const closed = closedBy(client, session, ever, now);
  if (closed) return refused(closed.kind);
  const letInBy = letInTo(session, ever);
  const device: Device = {
    ...read.value,
    id,
    userId: session.userId,
    realm: client.realm,
    name: asked.name,
    kind: "passkey",
    door: "oauth",
    clientId: client.id,
    enrolledAt: now,
    ...(letInBy === undefined ? {} : { letInBy }),
  };
  return await store(powers, asked, device);
}

/** The client whose device had let the session in, and so lets in the passkey; none where a code or a passkey of our page had. */
function letInTo({ deviceId }: OfSession, ever: readonly Device[]): ClientId | undefined {
  const signer = ever.find(({ id }) => id === deviceId);
  return signer && isOwnPasskey(signer) ? signer.letInBy : signer?.clientId;
}

async function store(powers: Powers, { session, origin }: NewPasskey, device: Device): Promise<Enrolled> {
  const event = auditEvent(powers, {
    type: "device.enrolled",
    actor: `user:${device.userId}`,
    userId: device.userId,
    clientId: device.clientId,
    deviceId: device.id,
    ip: origin.ip,
    reason: "own_page",
    data: { kind: "passkey", session_id: session.id },
  });
  const stored = await powers.devices.insertPasskey(device, event, {
    most: MOST_PASSKEYS,
    since: session.createdAt,
    ...(session.deviceId === undefined ? {} : { signedBy: session.deviceId }),
  });
  if (!stored.ok) return refused(stored.error.code);
  await powers.inboxes.noteDevice(userSubject(device.userId));
  return ok(device);
}
