import type { Facts } from "../../core/challenge/state.ts";
import type { Client } from "../../core/client/client.ts";
import type { Device } from "../../core/device/device.ts";
import { sharedClaims } from "../../core/keys/claims.ts";
import type { TokenClaims } from "../../core/keys/token.ts";
import type { UserRecord } from "../../core/ports/users.ts";
import type { Instant } from "../../core/time.ts";
import { plainCode, plainText } from "../../core/typed-text.ts";
import { readIdentifier } from "../../core/user/identifier.ts";
import { isSeenBy, namesFor, viewOf } from "../../core/user/name-view.ts";
import type { Identifier } from "../../core/user/user.ts";
import type { CodeKind, CodePurpose } from "./code/user-code.ts";

export const iso = (at: Instant): string => new Date(at).toISOString();

const PURPOSES: Readonly<Record<string, CodePurpose>> = {
  temporary_authentication: "sign_in",
  add_credential: "enrol_device",
};

/** The purpose in the service's own word. */
export const purposeOf = (purpose: "temporary_authentication" | "add_credential"): CodePurpose =>
  PURPOSES[purpose] ?? "sign_in";

/** A code as it was drawn, from how a user typed or pasted it: marks that nobody sees, digits of any script, blanks, dashes, capitals. */
export function codeOf(kind: CodeKind, given: string | number): string {
  if (typeof given === "number") return kind === "short" ? String(given).padStart(6, "0") : String(given);
  switch (kind) {
    case "short":
      return plainCode(given);
    case "phrase":
      return plainCode(given)
        .toLowerCase()
        .replaceAll(/[\s\p{Pd}]+/gu, "-");
    case "long":
      return plainText(given);
  }
}

/** The user's name on this wire: the identifier that was asked by, else the first that other doors may find them by. */
export function usernameOf(client: Client, record: UserRecord, asked?: string): string {
  const read = asked === undefined ? undefined : readIdentifier(asked);
  const names = namesFor(viewOf(client), record);
  const named = names.find(({ kind, normal }) => kind === read?.kind && normal === read.normal);
  const order: readonly Identifier["kind"][] = ["username", "email", "phone"];
  const known = order.flatMap((kind) => names.filter((one) => one.kind === kind));
  return (named ?? known[0])?.value ?? "";
}

/** The name in a result: as the caller has written it, because SDKs compare it letter by letter with what they sent. */
export function spokenName(client: Client, record: UserRecord, asked: string | undefined): string {
  const read = asked === undefined ? undefined : readIdentifier(asked);
  const names = namesFor(viewOf(client), record);
  const isTheirs = names.some(({ kind, normal }) => kind === read?.kind && normal === read.normal);
  return asked !== undefined && isTheirs ? asked : usernameOf(client, record);
}

const CONTACTS = { email: "email", phone: "phone_number" } as const;

/** A user's profile (LoginID §4.1). `client_id` is the asking client: who made the user is not kept. */
export const profile = (record: UserRecord, client: Client, namespace: string, asked?: string) => ({
  id: record.user.id,
  user_id: record.user.id,
  client_id: client.id,
  username: usernameOf(client, record, asked),
  status: record.user.status === "active" ? "active" : "inactive",
  type: "user",
  namespace_id: namespace,
  created_at: iso(record.user.createdAt),
  updated_at: iso(record.user.updatedAt),
  contacts: namesFor(viewOf(client), record).flatMap((identifier) =>
    identifier.kind === "username"
      ? []
      : [
          {
            type: CONTACTS[identifier.kind],
            contact: identifier.value,
            is_verified: isSeenBy(viewOf(client), identifier),
          },
        ],
  ),
});

const typeOf = (device: Device): string => (device.kind === "passkey" ? "fido2" : "public_key");

/** A device as a credential of the list (LoginID §4.7). */
export const credential = (device: Device) => ({
  uuid: device.id,
  id: device.id,
  type: typeOf(device),
  status: device.revokedAt === undefined ? "active" : "revoked",
  name: device.name,
  created_at: iso(device.enrolledAt),
  updated_at: iso(device.revokedAt ?? device.enrolledAt),
});

/**
 * The credential of an authentication result; a user without any has one all the same, so that the shape holds. A session that the
 * waiter has named is its own credential: no device goes by a name that a caller has chosen.
 */
export const usedCredential = (device: Device | undefined, placeholder: string, sessionName?: string) =>
  device && sessionName === undefined
    ? { uuid: device.id, id: device.id, type: typeOf(device), name: device.name }
    : { uuid: placeholder, id: placeholder, type: "fido2", name: sessionName ?? "" };

/** Bare base64url of a digest as a UUID (RFC 9562 §5.8), for ids that a wire wants and nobody keeps. */
export function uuidOf(digest: string): string {
  const text = Uint8Array.fromBase64(digest, { alphabet: "base64url" }).slice(0, 16).toHex();
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-8${text.slice(13, 16)}-a${text.slice(17, 20)}-${text.slice(20)}`;
}

/** A result token lives for five minutes, unless the client's own length says otherwise (LoginID §7.2). */
const RESULT_SECONDS = 300;

/** Claims of the result token; the same facts give the same claims. */
export function resultClaims(
  client: Client,
  facts: Facts,
  said: { readonly sub: string; readonly udata: string; readonly nid: string; readonly action: string },
): TokenClaims {
  const { iat, jti } = facts;
  const exp = client.settings.access_token_seconds === undefined ? iat + RESULT_SECONDS : facts.exp;
  const { sub, ...rest } = said;
  return {
    ...rest,
    ...sharedClaims(client, { door: "loginid", issuer: "loginid.io", aud: client.id, sub, iat, exp, jti }),
  };
}
