import type { JsonObject, Origin } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import { codeChallengeOf } from "../client/pkce.ts";
import type { Device } from "../device/device.ts";
import { type ChallengeId, type UserId, userSubject } from "../ids.ts";
import type { Snapshot } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { type Verification, verificationOf } from "../verification/verification.ts";
import { finishedEvent } from "./finished-event.ts";
import { noteRefusal } from "./note-refusal.ts";
import { recordFinish } from "./record-finish.ts";
import { type Redeemed, redeemChallenge } from "./redeem-challenge.ts";

/** The kind of handle that an authorization code is: `<challenge id>.<MAC>`; no other kind passes for it. */
export const AUTHORIZATION_CODE = "authorization_code";

export type CodeExchange = {
  readonly client: Client;
  readonly code: string;
  readonly number: number;
  readonly redirectUrl: string;
  readonly codeVerifier: string;
  readonly origin: Origin;
  /** How the caller's later calls will look, where the client's settings let that open the first-device window. */
  readonly ambient?: string;
  /** What a key of the first-device window is kept as. */
  readonly keyDigest: (key: string) => Promise<string>;
  readonly hint?: string;
  readonly subject: (user: UserRecord) => JsonObject;
};

export type ExchangedCode = {
  readonly redeemed: Redeemed;
  readonly verification: Verification;
  readonly user: UserRecord;
  /** The person's live devices. */
  readonly devices: readonly Device[];
  /** Opens the first-device window, if there is one; for this caller alone. */
  readonly enrolmentKey?: string;
};

type Powers = Pick<
  Services,
  | "rooms"
  | "users"
  | "devices"
  | "inboxes"
  | "records"
  | "keyring"
  | "handles"
  | "chance"
  | "clock"
  | "events"
  | "background"
  | "log"
>;

/**
 * Exchanges an authorization code of the hosted page, once, for the person's tokens (RFC 6749 §4.1.3, RFC 7636 §4.6). A forged code
 * wakes nothing. A genuine one that comes with another client, number, redirect address or verifier is burnt. One that comes a second
 * time, whoever brings it, is refused, and the tokens of the first use are taken back (docs/decisions/0053, T45, T46, T80, T81).
 */
export async function redeemAuthorizationCode(
  powers: Powers,
  asked: CodeExchange,
): Promise<Result<ExchangedCode, Refusal>> {
  const { client, code, redirectUrl, codeVerifier, origin } = asked;
  const id = await powers.handles.read(code, AUTHORIZATION_CODE);
  const snapshot = id && powers.rooms.parse(id) ? await powers.rooms.read(id) : undefined;
  const verification = snapshot && verificationOf(snapshot.spec);
  if (!snapshot || !verification) return no({ code: "bad_handle" });
  if (!(await isAskers(snapshot, verification, asked))) {
    await burn(powers, snapshot, asked);
    return no({ code: "bad_handle" });
  }
  const { approval } = snapshot.view;
  if (!approval) return no({ code: "not_approved" });
  // Read before the code is used up: what fails here may be asked for again.
  const [user, devices] = await Promise.all([
    powers.users.byId(approval.userId, client.realm),
    powers.devices.ofUser(approval.userId),
  ]);
  if (!user) return no({ code: "unknown_user" });
  const redeemed = await redeemChallenge(powers, {
    snapshot,
    client,
    lane: "cotter",
    // Drawn for this call, so that no other one is its repetition: the challenge takes back what it gave to the first.
    waiterProof: await powers.handles.waiterProof(["page", client.id, code, powers.chance.text(16)]),
    subject: asked.subject,
    withGrant: true,
    ...(origin.ip === undefined ? {} : { ip: origin.ip }),
  });
  if (!redeemed.ok) {
    if (redeemed.error.code === "redeemed") await takeBack(powers, snapshot, asked, approval.userId);
    return redeemed;
  }
  const enrolmentKey = await openWindow(powers, snapshot, asked, user);
  return ok({
    redeemed: redeemed.value,
    verification,
    user,
    devices,
    ...(enrolmentKey === undefined ? {} : { enrolmentKey }),
  });
}

/** Opens the first-device window. The tokens go out all the same when it cannot be opened, because the code is used up. */
async function openWindow(
  powers: Powers,
  { spec }: Snapshot,
  asked: CodeExchange,
  { user }: UserRecord,
): Promise<string | undefined> {
  const enrolmentKey = powers.chance.text(32);
  const { ambient, hint } = asked;
  const opening = {
    key: await asked.keyDigest(enrolmentKey),
    began: spec.createdAt,
    ...(ambient === undefined ? {} : { ambient }),
  };
  try {
    await powers.inboxes.openEnrolment(userSubject(user.id), opening, hint);
    return enrolmentKey;
  } catch (cause) {
    powers.log("warn", "the window for a first device was not opened", { cause: String(cause) });
    return undefined;
  }
}

async function isAskers(
  { spec }: Snapshot,
  verification: Verification,
  asked: CodeExchange,
): Promise<boolean> {
  return (
    spec.clientId === asked.client.id &&
    verification.number === asked.number &&
    [verification.redirectUrl, ...verification.accepted].includes(asked.redirectUrl) &&
    // No verifier proves anything, whatever the challenge is a hash of (T80).
    asked.codeVerifier !== "" &&
    verification.codeChallenge === (await codeChallengeOf(asked.codeVerifier))
  );
}

/** What is said of a misused code, once for each. */
function noteMisuse(powers: Powers, { spec }: Snapshot, { client, origin }: CodeExchange): void {
  const ip = origin.ip === undefined ? {} : { ip: origin.ip };
  noteRefusal(powers, { type: "authorization_code_misused", subject: spec.id, clientId: client.id, ...ip });
}

async function burn(powers: Powers, snapshot: Snapshot, asked: CodeExchange): Promise<void> {
  const { spec } = snapshot;
  const { ip } = asked.origin;
  noteMisuse(powers, snapshot, asked);
  const cancelled = await powers.rooms.apply(spec.id, {
    name: "cancel",
    by: `client:${asked.client.id}`,
    ...(ip === undefined ? {} : { ip }),
  });
  if (cancelled.ok) {
    if (cancelled.value.changed) await recordFinish(powers, spec.id, finishedEvent(cancelled.value));
    return;
  }
  const ended = await powers.rooms.revoke(spec.id, "authorization_code_misused");
  if (ended) await tellEnded(powers, spec.id, ended.userId);
}

/** The code was used before. The refused redemption has ended its family, in the step that refused it. */
async function takeBack(
  powers: Powers,
  snapshot: Snapshot,
  asked: CodeExchange,
  userId: UserId,
): Promise<void> {
  noteMisuse(powers, snapshot, asked);
  if (!snapshot.grant?.ended) await tellEnded(powers, snapshot.spec.id, userId);
}

const tellEnded = ({ events }: Powers, id: ChallengeId, userId: UserId): Promise<void> =>
  events.send({ kind: "grant_ended", userId, grantId: id });
