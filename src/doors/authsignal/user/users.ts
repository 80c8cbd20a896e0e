import type { Context } from "hono";
import type * as z from "zod";
import type { JsonObject } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import { isEnrolledBy } from "../../../core/device/device.ts";
import { revokeDevice } from "../../../core/device/revoke.ts";
import { parseDeviceId } from "../../../core/ids.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { ok, type Result } from "../../../core/result.ts";
import type { ProfileChange } from "../../../core/user/authenticator.ts";
import { deleteOwnUser } from "../../../core/user/delete-own.ts";
import { isSeenBy, namesFor, viewOf } from "../../../core/user/name-view.ts";
import { removeAddress } from "../../../core/user/remove-address.ts";
import type { Identifier, IdentifierKind } from "../../../core/user/user.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { tellLater } from "../action/later.ts";
import { nameOfPath } from "../bodies.ts";
import { bearerOf, requester } from "../client.ts";
import { plainNumber } from "../code/addresses.ts";
import { tellEnrolled } from "../enrolment/enrol-verified.ts";
import { enrolledFor, enrolledOf, listedFor } from "../enrolment/enrolled.ts";
import { vouchAddresses } from "../enrolment/vouch-addresses.ts";
import { refuse } from "../errors.ts";
import type { userBody } from "../schema.ts";
import {
  ALLOWED_METHODS,
  addressEvent,
  authenticatorEvent,
  authenticatorsWire,
  methodsOf,
} from "../translate.ts";
import { ensureNamedUser, findNamedUser } from "./find.ts";
import { giveNames } from "./give-names.ts";

const NO_NAME = { code: "malformed", detail: "user id" } as const;

async function namedUser(c: Context<AppEnv>): Promise<UserRecord | undefined> {
  const name = nameOfPath(c);
  return name === undefined ? undefined : await findNamedUser(services(c), c.get("client"), name);
}

/** §9.1: a user's names as far as this client may know them; of several of a kind, one that was seen proven. */
export function namesWire(client: Client, record: UserRecord) {
  const view = viewOf(client);
  const isSeen = (identifier: Identifier | undefined) =>
    identifier !== undefined && isSeenBy(view, identifier);
  const find = (kind: IdentifierKind) => {
    const own = namesFor(view, record).filter((identifier) => identifier.kind === kind);
    return own.find(isSeen) ?? own[0];
  };
  const [email, phone, username] = [find("email"), find("phone"), find("username")];
  return {
    ...(email ? { email: email.value } : {}),
    emailVerified: isSeen(email),
    ...(phone ? { phoneNumber: phone.value } : {}),
    phoneNumberVerified: isSeen(phone),
    ...(username ? { username: username.value } : {}),
  };
}

/** §9.1 `getUser`: an unknown user is one who has nothing enrolled. */
export async function getUser(c: Context<AppEnv>): Promise<Response> {
  const powers = services(c);
  if (nameOfPath(c) === undefined) return refuse(c, NO_NAME);
  const record = await namedUser(c);
  if (!record) return c.json({ isEnrolled: false, emailVerified: false, phoneNumberVerified: false });
  const [enrolled, profile] = await Promise.all([
    enrolledOf(powers, record.user.id),
    powers.authenticators.profile(record.user.id, viewOf(c.get("client"))),
  ]);
  const methods = methodsOf(enrolledFor(c.get("client"), record, enrolled));
  return c.json({
    isEnrolled: methods.length > 0,
    ...namesWire(c.get("client"), record),
    ...profile,
    enrolledVerificationMethods: methods,
    allowedVerificationMethods: ALLOWED_METHODS,
  });
}

type UserBody = z.output<typeof userBody>;

/** §9.1 `updateUser`: what is absent stays; each member that was sent comes back. The user is made when unknown. */
export async function updateUser(c: Context<AppEnv>, body: UserBody): Promise<Response> {
  const powers = services(c);
  const name = nameOfPath(c);
  if (name === undefined) return refuse(c, NO_NAME);
  const by = requester(c);
  const found = await ensureNamedUser(powers, c.get("client"), name, by);
  if (!found.ok) return refuse(c, found.error);
  const record = found.value;
  const named = await giveNames(
    powers,
    c.get("client"),
    record,
    {
      email: { value: body.email, verified: body.emailVerified },
      phone: {
        value: body.phoneNumber && plainNumber(c, body.phoneNumber),
        verified: body.phoneNumberVerified,
      },
      username: { value: body.username },
    },
    by,
  );
  if (!named.ok) return refuse(c, named.error);
  const vouched = await enrolVouched(c, named.value, body);
  if (!vouched.ok) return refuse(c, vouched.error);
  const changed = profileChange(body);
  if (Object.keys(changed).length > 0) {
    await powers.authenticators.changeProfile(
      record.user.id,
      c.get("client").id,
      changed,
      powers.clock.now(),
    );
  }
  const sent = Object.entries(body).filter(([, value]) => value !== undefined);
  return c.json({ userId: name, ...(Object.fromEntries(sent) as JsonObject) });
}

/** What the backend has seen verified is a way to meet this client's actions, as if it had enrolled it (§9.1). */
async function enrolVouched(
  c: Context<AppEnv>,
  user: UserRecord,
  body: UserBody,
): Promise<Result<void, Refusal>> {
  const powers = services(c);
  const { client } = c.var;
  const kinds = [
    ...(body.emailVerified ? (["email"] as const) : []),
    ...(body.phoneNumberVerified ? (["phone"] as const) : []),
  ];
  if (kinds.length === 0) return ok(undefined);
  const vouched = await vouchAddresses(powers, { client, user, kinds, by: requester(c) });
  if (!vouched.ok) return vouched;
  const name = nameOfPath(c) ?? user.user.id;
  for (const one of vouched.value.enrolled) await tellEnrolled(c, name, one);
  for (const row of vouched.value.left) {
    await tellLater(powers, client, addressEvent(powers, "deleted", name, user, row));
  }
  return ok(undefined);
}

const profileChange = ({ displayName, locale, custom }: UserBody): ProfileChange => ({
  ...(displayName === undefined ? {} : { displayName }),
  ...(locale === undefined ? {} : { locale }),
  ...(custom === undefined ? {} : { custom: custom as JsonObject }),
});

/** §9.1 `deleteUser`: the user, in every door; of one whom others have too only what is this client's. Deleting nobody is a success. */
export async function removeUser(c: Context<AppEnv>): Promise<Response> {
  const record = await namedUser(c);
  const deleted = record && (await deleteOwnUser(services(c), c.get("client"), record, requester(c)));
  if (deleted && !deleted.ok && deleted.error.code !== "unknown_user") return refuse(c, deleted.error);
  return c.json({});
}

/** §9.1 `getAuthenticators`: a bare array. */
export async function listAuthenticators(c: Context<AppEnv>): Promise<Response> {
  const name = nameOfPath(c);
  const record = await namedUser(c);
  if (!record || name === undefined) return c.json([]);
  const enrolled = listedFor(c.get("client"), record, await enrolledOf(services(c), record.user.id));
  return c.json(authenticatorsWire(name, record, enrolled));
}

/** The same for a page or a phone, of the token's own user (§9.3). */
export async function listOwnAuthenticators(c: Context<AppEnv>): Promise<Response> {
  const powers = services(c);
  const sender = await bearerOf(c);
  if (!sender.ok) return refuse(c, sender.error);
  const { client, token } = sender.value;
  const [user, enrolled] = await Promise.all([
    powers.users.byId(token.userId, client.realm),
    enrolledOf(powers, token.userId),
  ]);
  if (!user) return refuse(c, { code: "bad_token", detail: "user" });
  if (user.user.status === "locked") return refuse(c, { code: "user_locked" });
  return c.json(authenticatorsWire(token.name, user, listedFor(client, user, enrolled)));
}

/** §9.1 `deleteAuthenticator`: deleting what is not there is a success. What another door or client enrolled is not there. */
export async function removeAuthenticator(c: Context<AppEnv>): Promise<Response> {
  const powers = services(c);
  const record = await namedUser(c);
  if (!record) return c.json({});
  const id = c.req.param("id") ?? "";
  const userId = record.user.id;
  const deviceId = parseDeviceId(id);
  const by = requester(c);
  const { client } = c.var;
  const address = await removeAddress(powers, { userId, id, clientId: client.id, by });
  if (address) {
    const event = addressEvent(powers, "deleted", nameOfPath(c) ?? userId, record, address);
    await tellLater(powers, client, event);
  }
  const device = address || deviceId === undefined ? undefined : await powers.devices.byId(deviceId);
  if (!device || !isEnrolledBy(device, "authsignal", client.id)) return c.json({});
  await powers.authenticators.remove(userId, id, powers.clock.now());
  const asked = { userId, deviceId: device.id, reason: "removed_by_client", ...by };
  const revoked = await revokeDevice(powers, asked);
  if (revoked.ok && !revoked.value.repeated) {
    const event = authenticatorEvent(powers, "deleted", nameOfPath(c) ?? userId, revoked.value.device);
    await tellLater(powers, client, event);
  }
  return c.json({});
}
