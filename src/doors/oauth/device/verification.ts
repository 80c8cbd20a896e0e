import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import { finishedEvent, recordFinish } from "../../../core/challenge/record.ts";
import type { DecisionKind } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import { type ChallengeId, type DeviceId, type GrantId, MAIN } from "../../../core/ids.ts";
import type { Applied, Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal, RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { Instant } from "../../../core/time.ts";
import { isOver, type User } from "../../../core/user/user.ts";
import { requestOf } from "../request.ts";
import { type Guesser, giveBackGuess, takeCodeGuess } from "./guesses.ts";
import { challengeOfCode, readUserCode } from "./user-code.ts";

/** A device's request as the page shows it: who asks, and what (RFC 8628 §3.3). */
export type DeviceRequest = { readonly snapshot: Snapshot; readonly client: Client };

type Powers = Pick<
  Services,
  "challenges" | "clients" | "inboxes" | "handles" | "limits" | "clock" | "events" | "background" | "log"
>;

const UNKNOWN = { code: "unknown_challenge" } as const;

type Refused = RefusalOf<"malformed" | "code_locked" | "unknown_challenge" | "expired">;

/**
 * The request of a typed code. The guess is counted first (RFC 8628 §5.1), so that any number at once make five comparisons; a right one is
 * given back. Refused as `malformed` what is no code at all, as `code_locked` past the count, as `expired` one that ran out, and as
 * `unknown_challenge` all else, also what does not fit.
 */
async function guess(
  powers: Powers,
  asked: Guesser & { readonly typed: string },
  fits: (snapshot: Snapshot) => boolean,
): Promise<Result<DeviceRequest, Refused>> {
  const code = readUserCode(asked.typed);
  if (code === undefined)
    return no({ code: "malformed", detail: "user_code: this is no code that a device shows" });
  const { id, mark } = await challengeOfCode(powers, code);
  const taken = await takeCodeGuess(powers, asked, mark);
  if (!taken.ok) {
    noteGuess(powers, asked, "too many wrong device codes");
    return taken;
  }
  const snapshot = await powers.challenges.read(id).catch(async (cause: unknown) => {
    // An outage tells nobody anything, so it must use up no guess.
    await giveBackGuess(powers, mark, taken.value);
    throw cause;
  });
  if (!snapshot || !isDevices(snapshot) || !fits(snapshot)) {
    noteGuess(powers, asked, "wrong device code");
    return no(snapshot?.view.state === "expired" && isDevices(snapshot) ? { code: "expired" } : UNKNOWN);
  }
  const [client] = await Promise.all([
    powers.clients.find(snapshot.spec.clientId),
    giveBackGuess(powers, mark, taken.value),
  ]);
  return client && client.disabledAt === undefined ? ok({ snapshot, client }) : no(UNKNOWN);
}

/** On record: who tries codes, and that all of them together are refused. */
const noteGuess = (
  powers: Parameters<typeof noteRefusal>[0],
  { user, ...from }: Guesser,
  reason: string,
): void =>
  noteRefusal(powers, {
    type: "code_refused",
    subject: user?.id ?? "device_code",
    ...(user === undefined ? {} : { userId: user.id }),
    ...ipOf(from),
    reason,
  });

/**
 * The client of a code that somebody typed who is not signed in yet: it is their sign-in that comes next. Nothing else of the request is
 * told, and a code that somebody has claimed is told like any other.
 */
export async function clientOfUserCode(
  powers: Powers,
  asked: { readonly typed: string; readonly ip?: string | undefined },
): Promise<Result<Client, Refused>> {
  const found = await guess(powers, asked, () => true);
  return found.ok ? ok(found.value.client) : found;
}

/** The request whose code somebody typed who is signed in; one that another user has claimed, or of another realm, is as good as none. */
export const findByUserCode = (
  powers: Powers,
  asked: Guesser & { readonly user: Pick<User, "id" | "realm">; readonly typed: string },
): Promise<Result<DeviceRequest, Refused>> => guess(powers, asked, (snapshot) => isFor(snapshot, asked.user));

const isDevices = ({ spec }: Snapshot): boolean => requestOf(spec)?.kind === "device_code";

/** Whether this user may see it: nobody has claimed it, or they have. */
function isFor(snapshot: Snapshot, { id, realm }: Pick<User, "id" | "realm">): boolean {
  const { spec, view, claimant } = snapshot;
  if (!isDevices(snapshot) || (spec.realm ?? MAIN) !== realm) return false;
  return view.state === "pending" || (view.state === "claimed" && claimant === id);
}

const ipOf = ({ ip }: { readonly ip?: string | undefined }): { readonly ip?: string } =>
  ip === undefined ? {} : { ip };

type Page = { readonly ip?: string | undefined };

/**
 * Ties a request to the user who typed its code: from then on nobody else sees or decides it. Claiming again in any browser of theirs changes
 * nothing. Refused as `unknown_challenge` where another user was faster, as `user_locked`, and as the machine refuses what is over.
 */
export async function claimUserCode(
  { challenges }: Pick<Services, "challenges">,
  asked: Page & { readonly snapshot: Snapshot; readonly user: User; readonly sessionId: GrantId },
): Promise<Result<Applied, Refusal>> {
  const { snapshot, user, sessionId } = asked;
  if (!isFor(snapshot, user)) return no(UNKNOWN);
  if (user.status === "locked") return no({ code: "user_locked" });
  const { id } = snapshot.spec;
  const applied = await challenges.apply(id, { name: "claim", sessionId, userId: user.id, ...ipOf(asked) });
  return applied.ok || applied.error.code !== "claimed_by_other" ? applied : no(UNKNOWN);
}

/** The request that this user has claimed, by its public id, as a page that was shown it names it. No guess is counted. */
export async function claimedBy(
  { challenges, clients }: Pick<Services, "challenges" | "clients">,
  { challengeId, user }: { readonly challengeId: string; readonly user: Pick<User, "id" | "realm"> },
): Promise<Result<DeviceRequest, RefusalOf<"unknown_challenge">>> {
  const id: ChallengeId | undefined = challenges.parse(challengeId);
  const snapshot = id && (await challenges.read(id));
  if (snapshot?.view.state !== "claimed" || !isFor(snapshot, user)) return no(UNKNOWN);
  const client = await clients.find(snapshot.spec.clientId);
  return client && client.disabledAt === undefined ? ok({ snapshot, client }) : no(UNKNOWN);
}

/** The session in which the user pressed, which the page has found to live. */
export type PressedIn = {
  readonly sessionId: GrantId;
  /** The device that had approved that sign-in. */
  readonly deviceId?: DeviceId;
  /** When they had signed in there, and how (RFC 8176). */
  readonly provenAt: Instant;
  readonly amr: readonly string[];
};

type DecidePowers = Pick<
  Services,
  "challenges" | "users" | "proofs" | "handles" | "records" | "background" | "log"
>;

/**
 * Approves or denies a request by its claimer, once. The user is read again, so that nobody approves who was locked or signed out
 * since (`user_locked`). Refused as the machine refuses: `not_claimed`, `claimed_by_other`, `already_decided`, and what is over.
 */
export async function decideByUser(
  powers: DecidePowers,
  asked: Page & {
    readonly snapshot: Snapshot;
    readonly user: Pick<User, "id" | "realm">;
    readonly session: PressedIn;
    readonly decision: DecisionKind;
  },
): Promise<Result<Applied, Refusal>> {
  const { snapshot, session, decision } = asked;
  const { id } = snapshot.spec;
  const found = await powers.users.byId(asked.user.id, asked.user.realm);
  if (!found || !isDevices(snapshot) || (snapshot.spec.realm ?? MAIN) !== asked.user.realm)
    return no(UNKNOWN);
  if (isOver(found.user, session.provenAt)) return no({ code: "user_locked" });
  const digest = await powers.handles.digest([
    "device-decision",
    id,
    asked.user.id,
    session.sessionId,
    decision,
  ]);
  const proof = powers.proofs.vouch(found.user, { kind: "session", ...session, decision, digest });
  if (!proof.ok) return proof;
  const applied = await powers.challenges.apply(id, { name: decision, proof: proof.value, ...ipOf(asked) });
  if (applied.ok && applied.value.changed && applied.value.view.state === "denied") {
    await recordFinish(powers, id, finishedEvent(applied.value));
  }
  return applied;
}
