import type { redeemChallenge } from "../../core/challenge/redeem.ts";
import type { JsonObject, Origin } from "../../core/challenge/state.ts";
import type { Client } from "../../core/client/client.ts";
import { codeChallengeOf } from "../../core/client/pkce.ts";
import { recoveryOf } from "../../core/client/settings.ts";
import { proverIdOf } from "../../core/code/subject.ts";
import type { Device } from "../../core/device/device.ts";
import { burnCode, redeemCode } from "../../core/grant/authorization-code.ts";
import { parseUserId, type UserId, userSubject } from "../../core/ids.ts";
import type { Redeemed, Snapshot } from "../../core/ports/challenges.ts";
import type { Services } from "../../core/ports/services.ts";
import type { UserRecord } from "../../core/ports/users.ts";
import type { Refusal } from "../../core/refusal.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { adoptIdentifier } from "../../core/user/adopt.ts";
import { type Verification, verificationOf } from "./verification.ts";

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
  /**
   * Who the caller shows to be of those who signed up through this client; asked only of an address that somebody has claimed. `named` is
   * whom the app said that it is.
   */
  readonly claimer: (named: UserId | undefined) => Promise<UserId | undefined>;
};

export type ExchangedCode = {
  readonly redeemed: Redeemed;
  readonly verification: Verification;
  readonly user: UserRecord;
  /** The user's live devices. */
  readonly devices: readonly Device[];
  /** Opens the first-device window, if there is one; for this caller alone. */
  readonly enrolmentKey?: string;
};

type Powers = Parameters<typeof adoptIdentifier>[0] &
  Parameters<typeof redeemChallenge>[0] &
  Pick<Services, "devices" | "inboxes" | "handles" | "chance" | "clock" | "events" | "background" | "log">;

/**
 * Exchanges an authorization code of the hosted page, once, for the user's tokens (RFC 6749 §4.1.3, RFC 7636 §4.6). A forged code
 * wakes nothing. A genuine one that comes with another client, number, redirect address or verifier is burnt. One that comes a second
 * time, whoever brings it, is refused, and the tokens of the first use are taken back (docs/decisions/0053, T45, T46, T80, T81).
 */
export async function redeemAuthorizationCode(
  powers: Powers,
  asked: CodeExchange,
): Promise<Result<ExchangedCode, Refusal>> {
  const { client, code } = asked;
  const id = await powers.handles.read(code, AUTHORIZATION_CODE);
  const snapshot = id && powers.challenges.parse(id) ? await powers.challenges.read(id) : undefined;
  const verification = snapshot && verificationOf(snapshot.spec);
  if (!snapshot || !verification) return no({ code: "bad_handle" });
  if (!(await isAskers(snapshot, verification, asked))) {
    await burnCode(powers, snapshot, { client, ...ipOf(asked) });
    return no({ code: "bad_handle" });
  }
  // Read before the code is used up: what fails here may be asked for again.
  const prover = await proverOf(powers, snapshot, asked, verification);
  if (!prover.ok) return prover;
  const { user, devices } = prover.value;
  const redeemed = await redeemCode(powers, {
    snapshot,
    client,
    lane: "cotter",
    parts: ["page", client.id, code],
    subject: asked.subject,
    withGrant: true,
    userId: user.user.id,
    ...ipOf(asked),
  });
  if (!redeemed.ok) return redeemed;
  const enrolmentKey = await openWindow(powers, snapshot, asked, user);
  return ok({
    redeemed: redeemed.value,
    verification,
    user,
    devices,
    ...(enrolmentKey === undefined ? {} : { enrolmentKey }),
  });
}

const ipOf = ({ origin }: CodeExchange): { readonly ip?: string } =>
  origin.ip === undefined ? {} : { ip: origin.ip };

type Prover = { readonly user: UserRecord; readonly devices: readonly Device[] };

/** Whose the proof is: the user for whom it was approved, or, of a claimed address, the claimer or a new one. */
async function proverOf(
  powers: Powers,
  { spec, view }: Snapshot,
  asked: CodeExchange,
  { identifier, userId }: Verification,
): Promise<Result<Prover, Refusal>> {
  const { client, origin } = asked;
  const approvedFor = view.approval?.userId;
  const newId = await proverIdOf(powers, spec.id);
  if (approvedFor === newId && view.state === "approved") {
    const named = userId === undefined ? {} : { userId };
    const claimer = await asked.claimer(parseUserId(userId ?? ""));
    const whose = { claimer, newId, began: spec.createdAt, ...named };
    const adopted = await adoptIdentifier(powers, { identifier, client, origin, ...whose });
    if (!adopted.ok) return adopted;
    const user = adopted.value;
    return ok({ user, devices: await powers.devices.ofUser(user.user.id) });
  }
  if (approvedFor === undefined) return no({ code: "not_approved" });
  const [user, devices] = await Promise.all([
    powers.users.byId(approvedFor, client.realm),
    powers.devices.ofUser(approvedFor),
  ]);
  return user ? ok({ user, devices }) : no({ code: "unknown_user" });
}

/**
 * Opens the first-device window, or the way back to a device, after a proof that was given now: a remembered browser has proven nothing
 * (T33). The tokens go out all the same when it cannot be opened, because the code is used up.
 */
async function openWindow(
  powers: Powers,
  { spec, view }: Snapshot,
  asked: CodeExchange,
  { user }: UserRecord,
): Promise<string | undefined> {
  if (view.approval?.provenAt !== undefined) return undefined;
  const enrolmentKey = powers.chance.text(32);
  const { ambient, hint } = asked;
  const opening = {
    key: await asked.keyDigest(enrolmentKey),
    began: spec.createdAt,
    ...(ambient === undefined ? {} : { ambient }),
    ...(recoveryOf(asked.client.settings) === "off" ? {} : { recoversAt: asked.client.id }),
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
