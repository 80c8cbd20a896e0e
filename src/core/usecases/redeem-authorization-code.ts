import type { JsonObject, Origin } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import { codeChallengeOf } from "../client/pkce.ts";
import { userSubject } from "../ids.ts";
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
  /** Opens the first-device window, if there is one; for this caller alone. */
  readonly enrolmentKey: string;
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
 * wakes nothing. A genuine one that comes with another client, number, redirect address or verifier is burnt, and what it had
 * brought already is taken back (T45, T46, T80, T81). The same exchange again within half a minute gets the same answer.
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
  const redeemed = await redeemChallenge(powers, {
    snapshot,
    client,
    lane: "cotter",
    waiterProof: await powers.handles.waiterProof(["page", client.id, code, redirectUrl, codeVerifier]),
    subject: asked.subject,
    withGrant: true,
    ...(origin.ip === undefined ? {} : { ip: origin.ip }),
  });
  if (!redeemed.ok) return redeemed;
  const { grant } = redeemed.value;
  // What was taken back is not handed out again, though the same exchange would still be answered.
  if (!grant || grant.ended) return no({ code: "grant_ended" });
  const { userId } = grant;
  const user = await powers.users.byId(userId, client.realm);
  if (!user) return no({ code: "unknown_user" });
  // Derived, so that the same exchange again hands over the same key.
  const enrolmentKey = await powers.handles.pepper(["first-device", snapshot.spec.id, userId], code);
  const { ambient, hint } = asked;
  const opening = {
    key: await asked.keyDigest(enrolmentKey),
    began: snapshot.spec.createdAt,
    ...(ambient === undefined ? {} : { ambient }),
  };
  await powers.inboxes.openEnrolment(userSubject(userId), opening, hint);
  return ok({ redeemed: redeemed.value, verification, user, enrolmentKey });
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

async function burn(powers: Powers, { spec }: Snapshot, { client, origin }: CodeExchange): Promise<void> {
  const by = `client:${client.id}`;
  const ip = origin.ip === undefined ? {} : { ip: origin.ip };
  noteRefusal(powers, { type: "authorization_code_misused", subject: spec.id, clientId: client.id, ...ip });
  const cancelled = await powers.rooms.apply(spec.id, { name: "cancel", by, ...ip });
  if (cancelled.ok) {
    if (cancelled.value.changed) await recordFinish(powers, spec.id, finishedEvent(cancelled.value));
    return;
  }
  const ended = await powers.rooms.revoke(spec.id, "authorization_code_misused");
  if (ended) await powers.events.send({ kind: "grant_ended", userId: ended.userId, grantId: ended.id });
}
