import * as z from "zod";
import { textOfBase64 } from "../../core/base64.ts";
import { GRANT_TYPES } from "../../core/client/client.ts";
import { isAllowedOrigin } from "../../core/client/origin.ts";
import { URI_LIMIT } from "../../core/client/redirect-uri.ts";
import { parseChallengeId, parseClientId, parseRealm, parseUserId } from "../../core/ids.ts";
import { KEY_PARTS, PERSONAL_LISTS } from "../../core/ports/personal-data.ts";
import { readExternalId } from "../../core/user/external-id.ts";
import { IDENTIFIER_LIMIT, readIdentifier } from "../../core/user/identifier.ts";
import type { ExportCursor } from "../../core/user/personal-data.ts";
import type { IdentifierKind } from "../../core/user/user.ts";
import { settingsPatchSchema, settingsSchema } from "./settings-schema.ts";
import { callback, redirectUri, uniqueList } from "./uris.ts";

/** Text that is shown to users: no control characters and none that turn the reading direction (T14). */
const SHOWN = /^[^\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/u;
const shown = (limit: number) =>
  z.string().trim().min(1).max(limit).regex(SHOWN, "control characters are not allowed");

/** A text that `parse` understands; what it understood is the output. */
const parsed = <T>(parse: (text: string) => T | undefined, message: string) =>
  z
    .string()
    .max(URI_LIMIT)
    .transform((text, context) => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    });

const clientId = parsed(parseClientId, "letters, digits and -_.~, then at most two =; 128 in all");
const realm = parsed(parseRealm, "letters, digits and -_.~, at most 128");

const publicKey = z.union([z.string().max(2_048), z.record(z.string(), z.unknown())]);

const clientMembers = {
  name: shown(200),
  redirect_uris: uniqueList(redirectUri),
  allowed_origins: uniqueList(
    z.string().refine(isAllowedOrigin, "must be scheme://host[:port] as a browser sends it, or *"),
  ),
  grant_types: uniqueList(z.enum(GRANT_TYPES)),
  public_keys: z.array(publicKey).max(20),
};

export const newClientSchema = z.strictObject({
  client_id: clientId.optional(),
  realm: realm.optional(),
  kind: z.enum(["confidential", "public"]),
  ...clientMembers,
  redirect_uris: clientMembers.redirect_uris.default([]),
  allowed_origins: clientMembers.allowed_origins.default([]),
  grant_types: clientMembers.grant_types.default(["authorization_code", "refresh_token"]),
  public_keys: clientMembers.public_keys.default([]),
  webhook_url: callback.nullish(),
  notification_endpoint: callback.nullish(),
  settings: settingsSchema.default({}),
});

export const clientPatchSchema = z
  .strictObject({
    ...clientMembers,
    webhook_url: callback.nullable(),
    notification_endpoint: callback.nullable(),
    settings: settingsPatchSchema,
    disabled: z.boolean(),
  })
  .partial();

const identifier = (kind: IdentifierKind) =>
  z
    .string()
    .max(IDENTIFIER_LIMIT)
    .transform((text, context) => {
      const read = readIdentifier(text);
      if (read?.kind === kind) return read;
      context.addIssue({ code: "custom", message: WRONG_IDENTIFIER[kind] });
      return z.NEVER;
    });
const WRONG_IDENTIFIER: Readonly<Record<IdentifierKind, string>> = {
  email: "not an e-mail address",
  phone: "not a phone number with + and country code",
  username: "must not be empty or look like an e-mail address or a phone number",
};

const names = {
  username: identifier("username"),
  email: identifier("email"),
  phone: identifier("phone"),
};
const externalId = parsed(
  readExternalId,
  "must be 1 to 254 characters in NFC that can be seen, without blanks around",
);

export const newUserSchema = z
  .strictObject({
    username: names.username.optional(),
    email: names.email.optional(),
    phone: names.phone.optional(),
    external_id: externalId.optional(),
    realm: realm.optional(),
    verified: z.boolean().default(false),
  })
  .refine(
    ({ username, email, phone }) => username !== undefined || email !== undefined || phone !== undefined,
    "username, email or phone is needed",
  );

export const userPatchSchema = z.strictObject({
  status: z.enum(["active", "locked"]).optional(),
  external_id: externalId.nullable().optional(),
  username: names.username.nullable().optional(),
  email: names.email.nullable().optional(),
  phone: names.phone.nullable().optional(),
  verified: z.boolean().default(false),
});

export const clientListSchema = z.strictObject({ after: clientId.optional() });

export const userListSchema = z
  .strictObject({
    identifier: z.string().min(1).max(IDENTIFIER_LIMIT).optional(),
    external_id: z.string().min(1).max(256).optional(),
    after: parsed(parseUserId, "not a user id").optional(),
    realm: realm.optional(),
  })
  .refine(
    ({ realm: _, ...query }) => Object.keys(query).length <= 1,
    "one of identifier, external_id and after",
  );

export const deviceListSchema = z.strictObject({ revoked: z.enum(["true", "false"]).default("false") });

export const grantListSchema = z.strictObject({
  after: parsed(parseChallengeId, "not a grant id").optional(),
});

/** An audit row's id: when, in 12 hex digits, and what else tells it from others. */
const EVENT_ID = /^[0-9a-f]{12}[A-Za-z0-9_-]{20}$/;

export const auditQuerySchema = z.strictObject({
  user_id: parsed(parseUserId, "not a user id").optional(),
  client_id: clientId.optional(),
  type: z
    .string()
    .regex(/^[\w.:-]{1,100}$/)
    .optional(),
  after: z.string().regex(EVENT_ID).optional(),
});

const exportCursor = z
  .strictObject({ list: z.enum(PERSONAL_LISTS), key: z.array(z.string().max(URI_LIMIT)) })
  .refine(({ list, key }) => key.length === 0 || key.length === KEY_PARTS[list]);

/** Where a page of an export ended, as `next` gave it. */
function readCursor(text: string): ExportCursor | undefined {
  try {
    return exportCursor.safeParse(JSON.parse(textOfBase64(text) ?? "")).data;
  } catch {
    return undefined;
  }
}

export const exportQuerySchema = z.strictObject({
  after: parsed(readCursor, "not what `next` gave").optional(),
});

export const rotateKeysSchema = z.strictObject({
  lane: z.enum(["standard", "cotter", "rs256"]).default("standard"),
});

/** The body of a call that takes none. */
export const nothingSchema = z.strictObject({});
