import type { Origin } from "../challenge/state.ts";
import { type ClientId, newUserId } from "../ids.ts";
import type { UserRecord } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { ReadIdentifier } from "../user/identifier.ts";
import { isTrusted } from "../user/user.ts";
import { auditEvent } from "./audit-event.ts";
import { deleteUser } from "./delete-user.ts";
import { endGrants } from "./end-grants.ts";

export type AdoptIdentifier = {
  /** Proven a moment ago by whoever asks. */
  readonly identifier: ReadIdentifier;
  readonly clientId: ClientId;
  readonly origin: Origin;
  /** The only person whose it may be, when the app named one. */
  readonly userId?: string;
};

type Powers = Parameters<typeof deleteUser>[0];
type Adopted = Result<UserRecord, RefusalOf<"not_allowed" | "user_exists">>;

/**
 * The person whom a proven identifier belongs to: found, or made on the fly. Where somebody had merely claimed it, without any
 * proof, it becomes a new person's: nothing that the claimer had put on the earlier one (devices, sessions, other names) reaches
 * whoever owns the address (settled question 23, docs/decisions/0014). Refused: `not_allowed` when the app named another person.
 */
export async function adoptIdentifier(powers: Powers, asked: AdoptIdentifier): Promise<Adopted> {
  const { identifier } = asked;
  const found = await powers.users.byIdentifier(identifier);
  const owned = found?.identifiers.find((own) => isSame(own, identifier));
  const known = found && owned && isTrusted(owned) ? found : undefined;
  if (asked.userId !== undefined && known?.user.id !== asked.userId) {
    return no({ code: "not_allowed", detail: "this address is not confirmed for that person" });
  }
  if (known) return owned?.verifiedAt === undefined ? confirm(powers, known, asked) : ok(known);
  return found ? takeOver(powers, found, asked) : create(powers, asked, 1);
}

/** Why sessions end of whoever had merely claimed an identifier. */
export const TAKEN_OVER = "identifier_taken_over";

const isSame = (a: ReadIdentifier, b: ReadIdentifier): boolean => a.kind === b.kind && a.normal === b.normal;

const proven = (identifier: ReadIdentifier, now: number) =>
  ({ ...identifier, assertedBy: "proof", verifiedAt: now }) as const;

async function create(powers: Powers, asked: AdoptIdentifier, tries: number): Promise<Adopted> {
  const event = madeEvent(powers, asked);
  const made = await powers.users.insert(
    { id: event.userId, identifiers: [proven(asked.identifier, event.at)] },
    event,
    event.at,
  );
  if (made.ok || tries === 0) return made;
  // Somebody registered it a moment ago: look again, once.
  const found = await powers.users.byIdentifier(asked.identifier);
  if (!found) return create(powers, asked, tries - 1);
  return adoptIdentifier(powers, asked);
}

function madeEvent(powers: Powers, asked: AdoptIdentifier) {
  const userId = newUserId(powers.chance.uuid());
  const event = auditEvent(powers, {
    type: "user.created",
    actor: `client:${asked.clientId}`,
    userId,
    clientId: asked.clientId,
    ip: asked.origin.ip,
    reason: "identifier_proven",
  });
  return { ...event, userId };
}

/** An operator, or a client's own backend, had given the name: it is the same person, now proven. */
async function confirm(powers: Powers, known: UserRecord, asked: AdoptIdentifier): Promise<Adopted> {
  const now = powers.clock.now();
  const identifiers = known.identifiers.map((own) =>
    isSame(own, asked.identifier) ? { ...own, verifiedAt: now } : own,
  );
  const changed = await powers.users.update(known.user.id, { identifiers }, now);
  if (changed.ok) return ok(changed.value);
  if (changed.error.code === "user_exists") return no(changed.error);
  return create(powers, asked, 1);
}

async function takeOver(powers: Powers, squatter: UserRecord, asked: AdoptIdentifier): Promise<Adopted> {
  const event = madeEvent(powers, asked);
  const made = await powers.users.insert({ id: event.userId, identifiers: [] }, event, event.at);
  if (!made.ok) return made;
  const identifiers = [proven(asked.identifier, event.at)];
  const taken = await powers.users.update(event.userId, { identifiers }, event.at);
  if (!taken.ok) {
    await powers.users.remove(event.userId);
    // Somebody else proved it in the same moment: it is theirs, and whoever proves it is them.
    return taken.error.code === "user_exists" ? adoptIdentifier(powers, asked) : create(powers, asked, 1);
  }
  await leaveBehind(powers, squatter, asked).catch((cause: unknown) => {
    powers.log("warn", "what a claimed identifier left behind goes through the queue", {
      cause: String(cause),
    });
    return powers.events.send({
      kind: "revoke_grants",
      userId: squatter.user.id,
      reason: TAKEN_OVER,
      actor: `client:${asked.clientId}`,
    });
  });
  return ok(taken.value);
}

/** Tokens of the earlier person still speak of the identifier, so its sessions end; without any name left it goes as a whole. */
async function leaveBehind(powers: Powers, squatter: UserRecord, asked: AdoptIdentifier): Promise<void> {
  const { id } = squatter.user;
  const by = { actor: `client:${asked.clientId}`, ip: asked.origin.ip };
  const left = await powers.users.byId(id);
  if (!left) return;
  const isNameless = left.identifiers.length === 0 && left.user.externalId === undefined;
  if (isNameless) await deleteUser(powers, id, by);
  else await endGrants(powers, { userId: id, reason: TAKEN_OVER, ...by });
}
