import { noteRefusal } from "../../core/audit/note-refusal.ts";
import type { Origin } from "../../core/challenge/state.ts";
import type { Client } from "../../core/client/client.ts";
import { rememberMinutes } from "../../core/client/settings.ts";
import { approveByCode } from "../../core/code/prove.ts";
import { identifierIdOf } from "../../core/code/subject.ts";
import { type UserId, userSubject } from "../../core/ids.ts";
import type { Cookie, Recalled } from "../../core/inbox/remembered.ts";
import type { Remembered } from "../../core/inbox/state.ts";
import type { Snapshot } from "../../core/ports/challenges.ts";
import type { Services } from "../../core/ports/services.ts";
import type { UserRecord } from "../../core/ports/users.ts";
import type { Refusal } from "../../core/refusal.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { type Instant, MINUTE } from "../../core/time.ts";
import type { ReadIdentifier } from "../../core/user/identifier.ts";
import { isOver } from "../../core/user/user.ts";

/** What a browser brought: whose it says that it is, and its cookie. */
export type Brought = { readonly userId: UserId; readonly cookie: Cookie };

/** A browser that may go on: for whom, by which address, and how that was proven. */
export type Known = {
  readonly user: UserRecord;
  readonly identifier: ReadIdentifier;
  readonly entry: Remembered;
};

type Powers = Pick<Services, "users" | "inboxes" | "handles" | "clock">;

/** Whom this browser may go on as, without using its cookie; undefined for nobody. A cookie that was used before ends what it stands for. */
export async function knownBrowser(
  powers: Powers & Parameters<typeof noteRefusal>[0],
  asked: { readonly client: Client; readonly brought: Brought; readonly origin: Origin },
): Promise<Known | undefined> {
  const { client, brought } = asked;
  const now = powers.clock.now();
  if (rememberMinutes(client.settings) === 0) return undefined;
  const [found, user] = await Promise.all([
    powers.inboxes.rememberedOf(userSubject(brought.userId), brought.cookie),
    powers.users.byId(brought.userId, client.realm),
  ]);
  if (found.kind === "replayed")
    refusalOf(powers, asked, await powers.inboxes.recall(userSubject(brought.userId), brought.cookie));
  return found.kind === "good" ? await standing(powers, client, found.entry, user, now) : undefined;
}

/**
 * Approves a verification that this browser has just begun, by the proof that it gave before: the cookie is used up, and the next one is in
 * the answer. The challenge is there before the user is read, so that a lock or "sign out everywhere" in between ends it like any other.
 * Refused: `bad_handle` when the browser is not known any more, `replayed` when the cookie was used before, `user_locked`.
 */
export async function recallBrowser(
  powers: Powers & Pick<Services, "challenges" | "proofs" | "events" | "background" | "log" | "chance">,
  asked: {
    readonly client: Client;
    readonly brought: Brought;
    readonly snapshot: Snapshot;
    readonly origin: Origin;
  },
): Promise<Result<{ readonly snapshot: Snapshot; readonly entry: Remembered }, Refusal>> {
  const { client, brought, snapshot, origin } = asked;
  const recalled = await powers.inboxes.recall(userSubject(brought.userId), brought.cookie);
  if (recalled.kind !== "good") return no(refusalOf(powers, asked, recalled));
  const user = await powers.users.byId(brought.userId, client.realm);
  const known = await standing(powers, client, recalled.entry, user, powers.clock.now());
  if (!known) return no({ code: "bad_handle" });
  const { entry } = known;
  const proof = powers.proofs.vouch(known.user.user, {
    kind: "code",
    identifierId: entry.identifierId,
    decision: "approve",
    digest: await powers.handles.digest(["remembered", snapshot.spec.id, entry.id, String(entry.turn)]),
    amr: entry.amr,
    provenAt: entry.provenAt,
  });
  if (!proof.ok) return proof;
  const approved = await approveByCode(powers, snapshot, proof.value, origin.ip);
  return approved.ok ? ok({ snapshot: approved.value, entry }) : approved;
}

function refusalOf(
  powers: Parameters<typeof noteRefusal>[0],
  {
    client,
    brought,
    origin,
  }: { readonly client: Client; readonly brought: Brought; readonly origin: Origin },
  { kind }: Recalled,
): Refusal {
  if (kind !== "replayed") return { code: "bad_handle" };
  const { userId } = brought;
  const ip = origin.ip === undefined ? {} : { ip: origin.ip };
  noteRefusal(powers, {
    type: "remembered_browser_replayed",
    subject: userId,
    userId,
    clientId: client.id,
    ...ip,
  });
  return { code: "replayed" };
}

/** What is remembered holds while its user is there and unlocked, has not signed out everywhere since, and still has the address. */
async function standing(
  powers: Pick<Services, "handles">,
  client: Client,
  entry: Remembered,
  user: UserRecord | undefined,
  now: Instant,
): Promise<Known | undefined> {
  if (now >= entry.provenAt + rememberMinutes(client.settings) * MINUTE) return undefined;
  if (!user || user.user.status === "locked" || isOver(user.user, entry.provenAt)) return undefined;
  for (const identifier of user.identifiers) {
    const isProven = identifier.verifiedAt !== undefined && identifier.verifiedAt <= entry.provenAt;
    if (isProven && (await identifierIdOf(powers, identifier)) === entry.identifierId)
      return { user, identifier, entry };
  }
  return undefined;
}
