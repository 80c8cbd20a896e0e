import { auditEvent } from "../audit/record.ts";
import type { Origin } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import { endGrants } from "../grant/end.ts";
import { newUserId, type UserId } from "../ids.ts";
import type { NotActive } from "../ports/standing.ts";
import { ANY_REALM, type UserRecord, type WrittenUser } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Instant } from "../time.ts";
import { deleteUser } from "./delete.ts";
import type { ReadIdentifier } from "./identifier.ts";
import type { Identifier } from "./user.ts";

export type AdoptIdentifier = {
  /** Proven a moment ago by whoever asks. */
  readonly identifier: ReadIdentifier;
  /** Through which it was proven. */
  readonly client: Client;
  readonly origin: Origin;
  /** The only user whose it may be, when the app named one. */
  readonly userId?: string;
  /** Who has shown that they began the sign-up which claimed it (docs/decisions/0055). */
  readonly claimer?: UserId | undefined;
  /** The id that a new user is to have. */
  readonly newId?: UserId;
  /** When the proof began: a claimer who was locked or signed out since is nobody's. */
  readonly began?: Instant;
};

/** Why sessions end of whoever had merely claimed an identifier. */
export const TAKEN_OVER = "identifier_taken_over";

type Powers = Parameters<typeof deleteUser>[0];
type Refused = RefusalOf<"not_allowed" | "user_exists"> | NotActive;
type Adopted = Result<WrittenUser, Refused>;

const provenIn = (rows: readonly Identifier[]) => rows.find(({ verifiedAt }) => verifiedAt !== undefined);

/** Who claimed it by an anonymous call through this client. One of another client would have to show it there. */
const claimersIn = (rows: readonly Identifier[], client: Client): readonly UserId[] =>
  rows.filter((row) => row.assertedBy === "anonymous" && row.client === client.id).map((row) => row.userId);

/**
 * `adoptIdentifier` before it is known whether the prover is the one who claimed the identifier; undefined while that is open, and then
 * nothing is written.
 */
export async function adoptUnlessHeld(
  powers: Powers,
  asked: AdoptIdentifier,
): Promise<Result<UserRecord | undefined, Refused>> {
  const { identifier, client, userId } = asked;
  const rows = await powers.users.holdersOf(client.realm, identifier);
  const claimers = claimersIn(rows, client);
  const isOpen = userId === undefined ? claimers.length > 0 : claimers.some((id) => id === userId);
  return isOpen && !provenIn(rows) ? ok(undefined) : await adopt(powers, asked, rows);
}

/**
 * The user who proved this identifier before, or a new one. Somebody's mere word, a backend's or the operator's, makes nobody its
 * owner: a proof that landed there would hand the prover's account to whoever gave the word, or had put devices on it
 * (docs/decisions/0034). Whoever claimed it by an anonymous call and shows that they did is that user; what others claimed is taken
 * away, and their sessions end (docs/decisions/0014). Refused: `not_allowed` when the app named another user, and a claimer who fell.
 */
export async function adoptIdentifier(powers: Powers, asked: AdoptIdentifier): Promise<Adopted> {
  return await adopt(powers, asked, await powers.users.holdersOf(asked.client.realm, asked.identifier));
}

async function adopt(powers: Powers, asked: AdoptIdentifier, rows: readonly Identifier[]): Promise<Adopted> {
  const { client, claimer } = asked;
  const proven = provenIn(rows);
  const known = proven && (await powers.users.byId(proven.userId, client.realm));
  const own = claimersIn(rows, client).find((id) => id === claimer);
  const prover = known?.user.id ?? own;
  if (asked.userId !== undefined && prover !== asked.userId) {
    return no({ code: "not_allowed", detail: "this address is not confirmed for that user" });
  }
  if (known) return ok(known);
  const claimed = new Set(
    rows.filter(({ assertedBy }) => assertedBy === "anonymous").map((row) => row.userId),
  );
  const made = await (own === undefined ? create(powers, asked) : confirm(powers, asked, own));
  // Somebody else proved it in the same moment: it is theirs, and whoever proves it is them.
  if (!made.ok) return made.error.code === "user_exists" ? await provenBySomebody(powers, asked) : made;
  // Also who has claimed it since they were read.
  for (const left of new Set([...claimed, ...(made.value.displaced ?? [])]))
    if (left !== own) await endClaim(powers, asked, left);
  return made;
}

const byOf = ({ client, origin }: AdoptIdentifier) => ({ actor: `client:${client.id}`, ip: origin.ip });

const PROVEN = "identifier_proven";

async function create(powers: Powers, asked: AdoptIdentifier): Promise<Adopted> {
  const { client, identifier, newId } = asked;
  const id = newId ?? newUserId(powers.chance.uuid());
  const about = { userId: id, clientId: client.id, reason: PROVEN };
  const event = auditEvent(powers, { type: "user.created", ...about, ...byOf(asked) });
  const proof = { ...identifier, assertedBy: "proof", client: client.id, verifiedAt: event.at } as const;
  return await powers.users.insert({ id, realm: client.realm, identifiers: [proof] }, event, event.at);
}

/** The claim becomes a proof of the same user: id, devices and sessions stay. */
async function confirm(powers: Powers, asked: AdoptIdentifier, id: UserId): Promise<Adopted> {
  const { client, identifier } = asked;
  const about = { userId: id, clientId: client.id, reason: PROVEN };
  const began = asked.began === undefined ? {} : { began: asked.began };
  const event = auditEvent(powers, { type: "user.updated", ...about, ...byOf(asked) });
  const added = { ...identifier, assertedBy: "proof", client: client.id, verifiedAt: event.at } as const;
  return await powers.users.update({ id, realm: client.realm }, { added, ...began }, event.at, event);
}

/** What is left of a claim once somebody else has proven the identifier. */
async function endClaim(powers: Powers, asked: AdoptIdentifier, claimer: UserId): Promise<void> {
  const by = byOf(asked);
  await leaveBehind(powers, claimer, by).catch((cause: unknown) => {
    const message = "what a claimed identifier left behind goes through the queue";
    powers.log("warn", message, { cause: String(cause) });
    const { actor } = by;
    return powers.events.send({ kind: "revoke_grants", userId: claimer, reason: TAKEN_OVER, actor });
  });
}

async function provenBySomebody(powers: Powers, { client, identifier }: AdoptIdentifier): Promise<Adopted> {
  const rows = await powers.users.holdersOf(client.realm, identifier);
  const proven = provenIn(rows);
  const known = proven && (await powers.users.byId(proven.userId, client.realm));
  return known ? ok(known) : no({ code: "user_exists", field: "identifier" });
}

/** Tokens of the earlier user still speak of the identifier, so its sessions end; without any name left it goes as a whole. */
async function leaveBehind(
  powers: Powers,
  id: UserId,
  by: { readonly actor: string; readonly ip: string | undefined },
): Promise<void> {
  const left = await powers.users.byId(id, ANY_REALM);
  if (!left) return;
  const isNameless = left.identifiers.length === 0 && left.user.externalId === undefined;
  // Somebody may name them meanwhile; then they stay.
  if (isNameless && (await deleteUser(powers, id, by, "nameless")).ok) return;
  await endGrants(powers, { userId: id, reason: TAKEN_OVER, ...by });
}
