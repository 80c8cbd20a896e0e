import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import { CEREMONY, ownRpId } from "../../../core/device/ceremony.ts";
import type { Device } from "../../../core/device/device.ts";
import { type Closed, closedBy } from "../../../core/device/own-enrolment.ts";
import { isOwnPasskey } from "../../../core/device/own-pages.ts";
import { PASSKEY_PARAMETERS, userHandle } from "../../../core/device/passkey.ts";
import { useRecoveryCode } from "../../../core/device/recovery-codes.ts";
import { readTicket, type Ticket } from "../../../core/device/ticket.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { type Instant, MINUTE } from "../../../core/time.ts";
import { isOver } from "../../../core/user/user.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { refuse, say } from "../errors.ts";
import type { EnrolBeginBody } from "../schema.ts";
import { accountOf, iso } from "../wire.ts";

/** What a browser brings back with the new device: the ticket, whether a recovery code was used, and what its passkey signs. */
export type Begun = {
  readonly ticket: Ticket;
  readonly recovered: boolean;
  readonly challenge: string;
  readonly until: Instant;
};

const PURPOSE = "enrolment";
const CHALLENGE_BYTES = 32;

/** Whose ticket it is, as they stand now. */
export type TicketHolder = {
  readonly user: UserRecord;
  readonly client: Client;
  /** All devices that the user has had. */
  readonly ever: readonly Device[];
};

/** Undefined where the user, the client or the device behind the ticket has fallen, or the ticket was used. */
export async function holderOf(
  { users, clients, devices }: Pick<Services, "users" | "clients" | "devices">,
  ticket: Ticket,
): Promise<TicketHolder | undefined> {
  const [user, client, ever] = await Promise.all([
    users.byId(ticket.userId, ticket.realm),
    clients.find(ticket.clientId),
    devices.ofUser(ticket.userId, { withRevoked: true }),
  ]);
  if (!user || user.user.status === "locked" || isOver(user.user, ticket.since)) return undefined;
  const signer = ever.find(({ id }) => id === ticket.deviceId);
  const hasFallen = ticket.deviceId !== undefined && signer?.revokedAt !== undefined;
  return client && client.disabledAt === undefined && !hasFallen ? { user, client, ever } : undefined;
}

export const ticketOver = (c: Context<AppEnv>): Response =>
  say(c, 410, "ticket_over", "The time to add this phone is over. Begin again.");

const CLOSED = {
  full: "There are as many phones as there may be.",
  stronger: "Sign in with a phone or passkey that you have, or use a recovery code.",
  waits: "A phone was removed lately: a code alone adds none yet.",
} as const;

export const closed = (c: Context<AppEnv>, why: Closed): Response =>
  say(c, 403, why.kind, CLOSED[why.kind], why.kind === "waits" ? { until: iso(why.until) } : {});

/**
 * `POST /approver/enrolments/begin`: what a phone is asked that has brought a ticket. A recovery code is used up here, and opens what a code that
 * was sent to an address does not.
 */
export async function beginEnrolment(c: Context<AppEnv>, body: EnrolBeginBody): Promise<Response> {
  const powers = services(c);
  const ticket = await readTicket(powers, body.ticket);
  const holder = ticket && (await holderOf(powers, ticket));
  if (!ticket || !holder || holder.ever.some(({ id }) => id === ticket.id)) return ticketOver(c);
  const { user, client, ever } = holder;
  const why = closedBy(client, ticket, ever, powers.clock.now());
  const isLifted = why?.kind !== "full" && body.recovery_code !== undefined;
  if (why && !isLifted) return closed(c, why);
  if (why && body.recovery_code !== undefined) {
    const { ip } = originOf(c);
    const used = await useRecoveryCode(powers, { user: user.user, typed: body.recovery_code, ip });
    if (!used.ok) {
      return used.error.code === "code_locked"
        ? refuse(c, used.error)
        : say(c, 403, "wrong_recovery_code", "This is no recovery code of yours that is good.");
    }
  }
  const begun: Begun = {
    ticket,
    recovered: why !== undefined,
    challenge: powers.chance.text(CHALLENGE_BYTES),
    until: powers.clock.now() + CEREMONY,
  };
  const publicKey = creationOptions(c, user, ever, begun);
  return c.json({
    enrolment: await writeBegun(powers, begun),
    account: accountOf(user),
    ...(publicKey ? { public_key: publicKey } : {}),
  });
}

const writeBegun = async ({ sealing }: Pick<Services, "sealing">, begun: Begun): Promise<string> =>
  `${begun.ticket.id}.${await sealing.seal(JSON.stringify(begun), PURPOSE, begun.ticket.id)}`;

/** What `beginEnrolment` has handed out, within its five minutes. */
export async function readBegun(
  { sealing, clock }: Pick<Services, "sealing" | "clock">,
  text: string,
): Promise<Begun | undefined> {
  const dot = text.indexOf(".");
  const opened = await sealing.open(text.slice(dot + 1), PURPOSE, text.slice(0, dot));
  const begun = opened === undefined ? undefined : (JSON.parse(opened) as Begun);
  return begun && clock.now() < begun.until ? begun : undefined;
}

/** For `navigator.credentials.create` (WebAuthn §5.4); undefined where this deployment has no name that passkeys could belong to. */
function creationOptions(
  c: Context<AppEnv>,
  user: UserRecord,
  ever: readonly Device[],
  { challenge }: Begun,
) {
  const powers = services(c);
  const rpId = ownRpId(powers);
  if (rpId === undefined) return undefined;
  const name = accountOf(user);
  const live = ever.filter((device) => device.revokedAt === undefined && isOwnPasskey(device));
  return {
    challenge,
    rp: { id: rpId, name: powers.config.name },
    user: { id: userHandle(user.user.id), name, displayName: name },
    pubKeyCredParams: PASSKEY_PARAMETERS,
    timeout: 5 * MINUTE,
    attestation: "none",
    excludeCredentials: live.map(({ credentialId: id }) => ({ type: "public-key", id })),
    authenticatorSelection: {
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    },
  };
}
