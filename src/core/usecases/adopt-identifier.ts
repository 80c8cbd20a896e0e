import type { Origin } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import { newUserId, type UserId } from "../ids.ts";
import { ANY_REALM, type UserRecord } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { ReadIdentifier } from "../user/identifier.ts";
import { auditEvent } from "./audit-event.ts";
import { deleteUser } from "./delete-user.ts";
import { endGrants } from "./end-grants.ts";

export type AdoptIdentifier = {
  /** Proven a moment ago by whoever asks. */
  readonly identifier: ReadIdentifier;
  /** Through which it was proven. */
  readonly client: Client;
  readonly origin: Origin;
  /** The only person whose it may be, when the app named one. */
  readonly userId?: string;
};

type Powers = Parameters<typeof deleteUser>[0];
type Adopted = Result<UserRecord, RefusalOf<"not_allowed" | "user_exists" | "client_disabled">>;

/**
 * The person who proved this identifier before, or a new one. Somebody's mere word, a backend's or the operator's, makes nobody its
 * owner: a proof that landed there would hand the prover's account to whoever gave the word, or had put devices on it
 * (docs/decisions/0034). What anonymous calls said of it is taken away, and their sessions end (docs/decisions/0014). Refused: `not_allowed`
 * when the app named another person.
 */
export async function adoptIdentifier(powers: Powers, asked: AdoptIdentifier): Promise<Adopted> {
  const { identifier, client } = asked;
  const rows = await powers.users.holdersOf(client.realm, identifier);
  const proven = rows.find(({ verifiedAt }) => verifiedAt !== undefined);
  const known = proven && (await powers.users.byId(proven.userId, client.realm));
  if (asked.userId !== undefined && known?.user.id !== asked.userId) {
    return no({ code: "not_allowed", detail: "this address is not confirmed for that person" });
  }
  if (known) return ok(known);
  const claimers = rows.filter(({ assertedBy }) => assertedBy === "anonymous").map(({ userId }) => userId);
  return await create(powers, asked, [...new Set(claimers)]);
}

/** Why sessions end of whoever had merely claimed an identifier. */
export const TAKEN_OVER = "identifier_taken_over";

async function create(powers: Powers, asked: AdoptIdentifier, claimers: readonly UserId[]): Promise<Adopted> {
  const { client, identifier } = asked;
  const id = newUserId(powers.chance.uuid());
  const by = { actor: `client:${client.id}`, ip: asked.origin.ip };
  const event = auditEvent(powers, {
    type: "user.created",
    userId: id,
    clientId: client.id,
    reason: "identifier_proven",
    ...by,
  });
  const proof = { ...identifier, assertedBy: "proof", client: client.id, verifiedAt: event.at } as const;
  const made = await powers.users.insert({ id, realm: client.realm, identifiers: [proof] }, event, event.at);
  if (!made.ok && made.error.code === "client_disabled") return no(made.error);
  // Somebody else proved it in the same moment: it is theirs, and whoever proves it is them.
  if (!made.ok) return await provenBySomebody(powers, asked);
  // Also who has claimed it since they were read.
  for (const claimer of new Set([...claimers, ...(made.value.displaced ?? [])])) {
    await leaveBehind(powers, claimer, by).catch((cause: unknown) => {
      powers.log("warn", "what a claimed identifier left behind goes through the queue", {
        cause: String(cause),
      });
      const { actor } = by;
      return powers.events.send({ kind: "revoke_grants", userId: claimer, reason: TAKEN_OVER, actor });
    });
  }
  return made;
}

async function provenBySomebody(powers: Powers, { client, identifier }: AdoptIdentifier): Promise<Adopted> {
  const rows = await powers.users.holdersOf(client.realm, identifier);
  const proven = rows.find(({ verifiedAt }) => verifiedAt !== undefined);
  const known = proven && (await powers.users.byId(proven.userId, client.realm));
  return known ? ok(known) : no({ code: "user_exists", field: "identifier" });
}

/** Tokens of the earlier person still speak of the identifier, so its sessions end; without any name left it goes as a whole. */
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
