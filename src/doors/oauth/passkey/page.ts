import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import { brandOf } from "../../../core/client/settings.ts";
import { type Bound, beginCeremony, CEREMONY, ownRpId } from "../../../core/device/ceremony.ts";
import type { Device } from "../../../core/device/device.ts";
import { tellDeviceEnrolled, tellDeviceRemoved } from "../../../core/device/notify.ts";
import { closedBy, isFresh, isNew } from "../../../core/device/own-enrolment.ts";
import { isOwnPasskey } from "../../../core/device/own-pages.ts";
import { PASSKEY_PARAMETERS, userHandle } from "../../../core/device/passkey.ts";
import { revokeDevice } from "../../../core/device/revoke.ts";
import { MAIN } from "../../../core/ids.ts";
import { csrfToken, isOwnForm, ownSecret } from "../../../hosted/browser.ts";
import { policyFor, settingFor } from "../../../hosted/setting.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { readForm } from "../../../http/form.ts";
import { type PasskeyClosed, Passkeys } from "../../../pages/sign-in/passkeys.tsx";
import { deviceName } from "../../../pages/verify/device.ts";
import { verifyPage } from "../../../pages/verify/respond.ts";
import { trouble } from "../authorize/back.ts";
import type { Place } from "../session/place.ts";
import { placeOfPasskeys } from "../session/place-at.ts";
import { accountOf, forgetSession, type Session, sessionOf } from "../session/session.ts";
import { showSignIn } from "../session/sign-in-page.ts";
import { enrolPasskey } from "./enrol.ts";
import { PASSKEYS_PATH } from "./paths.ts";
import { LONGEST, missPasskey } from "./take.ts";

/** Whose passkeys they are, under the client through which their session began. */
type Own = { readonly session: Session; readonly client: Client; readonly at: Place };

/** The session of this browser in the realm of the client that is named, in the main realm where none is; or where to sign in first. */
async function ownOf(c: Context<AppEnv>, named: string | undefined): Promise<Own | Place | Response> {
  const asked = named === undefined ? undefined : await placeOfPasskeys(c, named);
  if (asked instanceof Response) return asked;
  const session = await sessionOf(c, asked?.client.realm ?? MAIN);
  if (!session) return asked ?? (await trouble(c, "request"));
  const began = await placeOfPasskeys(c, session.grant.clientId);
  // A client that is gone keeps nobody from signing in through another one.
  if (began instanceof Response) return asked ?? began;
  return { session, client: began.client, at: asked ?? began };
}

const isIn = (own: Own | Place): own is Own => "session" in own;

const isNow = (c: Context<AppEnv>, { session }: Own): boolean =>
  isFresh(session.grant, services(c).clock.now());

/** `GET /oauth/passkeys`: the user's passkeys. Whoever did not sign in a moment ago does so first (T33). */
export async function showPasskeys(c: Context<AppEnv>): Promise<Response> {
  const { client_id: named, done, again } = c.req.query();
  const own = await ownOf(c, named);
  if (own instanceof Response) return own;
  if (!isIn(own)) return await showSignIn(c, own, {});
  // What was just done is said, also when the time is up by then.
  const isSaid = done === "added" || done === "removed";
  if (again !== undefined || (!isNow(c, own) && !isSaid)) return await showSignIn(c, own.at, {});
  return await list(c, own, isSaid ? { done } : {});
}

async function list(
  c: Context<AppEnv>,
  own: Own,
  shown: {
    readonly done?: "added" | "removed";
    readonly isRefused?: boolean;
    readonly isTooNew?: boolean;
  },
): Promise<Response> {
  const { session, client, at } = own;
  const powers = services(c);
  const setting = settingFor(c, client);
  const ever = await powers.devices.ofUser(session.grant.userId, { withRevoked: true });
  const { done, isRefused = false, isTooNew = false } = shown;
  const body = Passkeys({
    setting,
    account: accountOf(session, client),
    action: PASSKEYS_PATH,
    csrf: await csrfToken(c, ownSecret(c)),
    fields: { client_id: at.client.id },
    rows: ever.filter(isListed).map(({ id, name, enrolledAt, backedUp = false }) => ({
      id,
      name,
      since: enrolledAt,
      copied: backedUp,
    })),
    here: at.place,
    again: `${at.place}&again=1`,
    ...(done === undefined ? {} : { done }),
    ...closedOf(c, own, ever),
    refused: isRefused,
    tooNew: isTooNew,
  });
  return await verifyPage(c, body, policyFor(c, setting), isRefused || isTooNew ? 422 : 200);
}

const isListed = (device: Device): boolean => device.revokedAt === undefined && isOwnPasskey(device);

function closedOf(
  c: Context<AppEnv>,
  own: Own,
  ever: readonly Device[],
): { readonly closed?: PasskeyClosed } {
  const { clock } = services(c);
  if (!isNow(c, own)) return { closed: { kind: "stale" } };
  if (ownRpId(services(c)) === undefined) return { closed: { kind: "nowhere" } };
  const closed = closedBy(own.client, own.session.grant, ever, clock.now());
  return closed ? { closed } : {};
}

const boundTo = (browser: string, { session }: Own): Bound => ({
  kind: "enrol",
  browser,
  about: [session.grant.id],
});

/** `POST /oauth/passkeys/begin`: what `navigator.credentials.create` is asked, for the page's script (WebAuthn §5.4). */
export async function beginPasskey(c: Context<AppEnv>): Promise<Response> {
  const form = await readForm(c);
  if (!form || !(await isOwnForm(c, form.csrf))) return c.json({ error: "form" }, 403);
  const own = await ownOf(c, form.client_id);
  // The page says why, when it is loaded again.
  if (own instanceof Response || !isIn(own)) return c.json({ error: "session" }, 403);
  const { session, client } = own;
  const powers = services(c);
  const ever = await powers.devices.ofUser(session.grant.userId, { withRevoked: true });
  const rpId = ownRpId(powers);
  const { closed } = closedOf(c, own, ever);
  if (closed || rpId === undefined) return c.json({ error: closed?.kind ?? "nowhere" }, 403);
  const { challenge } = await beginCeremony(powers, boundTo(ownSecret(c), own));
  const name = accountOf(session, client);
  return c.json({
    challenge,
    rp: { id: rpId, name: brandOf(client).name },
    user: { id: userHandle(session.grant.userId), name, displayName: name },
    pubKeyCredParams: PASSKEY_PARAMETERS,
    timeout: CEREMONY,
    attestation: "none",
    excludeCredentials: ever
      .filter(isListed)
      .flatMap(({ credentialId: id }) => (id === undefined ? [] : [{ type: "public-key", id }])),
    authenticatorSelection: {
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    },
  });
}

/** `POST /oauth/passkeys`: the passkey that the browser made becomes a device; every proven address hears of it (T33). */
export async function takeNewPasskey(c: Context<AppEnv>): Promise<Response> {
  const form = await readForm(c, LONGEST);
  if (!form || !(await isOwnForm(c, form.csrf))) return await trouble(c, "form");
  const own = await ownOf(c, form.client_id);
  if (own instanceof Response) return own;
  if (!isIn(own)) return await showSignIn(c, own, {});
  const { session, client, at } = own;
  const origin = originOf(c);
  const enrolled = await enrolPasskey(services(c), {
    client,
    session: session.grant,
    bound: boundTo(ownSecret(c), own),
    answer: {
      challenge: form.challenge ?? "",
      credentialId: form.credential_id ?? "",
      clientData: form.client_data ?? "",
      attestationData: form.attestation_data ?? "",
    },
    name: deviceName(origin.userAgent) ?? "Passkey",
    origin,
  });
  if (!enrolled.ok) {
    await missPasskey(c, client, enrolled.error.detail);
    return await list(c, own, { isRefused: true });
  }
  tellDeviceEnrolled(services(c), { client, user: session.user, device: enrolled.value, origin });
  return c.redirect(`${at.place}&done=added`, 303);
}

/** `POST /oauth/passkeys/remove`: one of the user's own; what was signed in by it ends. */
export async function removePasskey(c: Context<AppEnv>): Promise<Response> {
  const form = await readForm(c);
  if (!form || !(await isOwnForm(c, form.csrf))) return await trouble(c, "form");
  const own = await ownOf(c, form.client_id);
  if (own instanceof Response) return own;
  if (!isIn(own)) return await showSignIn(c, own, {});
  if (!isNow(c, own)) return await showSignIn(c, own.at, {});
  const { session, client, at } = own;
  const { userId } = session.grant;
  const powers = services(c);
  const live = await powers.devices.ofUser(userId);
  const device = live.find(({ id }) => id === form.id);
  if (!device || !isOwnPasskey(device)) return c.redirect(at.place, 303);
  // As on the phone page: who has just added a device of their own does not drive the older ones out (T33).
  const signer = live.find(({ id }) => id === session.grant.deviceId);
  const isOlder = signer !== undefined && device.enrolledAt < signer.enrolledAt;
  if (isOlder && isNew(signer, powers.clock.now())) return await list(c, own, { isTooNew: true });
  const origin = originOf(c);
  const by = { actor: `user:${userId}`, ip: origin.ip, reason: "removed_by_user" };
  const revoked = await revokeDevice(powers, { userId, deviceId: device.id, ...by });
  if (revoked.ok && !revoked.value.repeated) {
    tellDeviceRemoved(powers, { client, user: session.user, device, origin });
  }
  // This session was of that passkey, and has ended with it.
  if (session.grant.deviceId === device.id) forgetSession(c, session.realm);
  return c.redirect(`${at.place}&done=removed`, 303);
}
