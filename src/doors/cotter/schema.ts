import * as z from "zod";
import { oneLine } from "../../core/shown-text.ts";
import { readExternalId } from "../../core/user/external-id.ts";

/** Texts of the wire are bounded; `null` is what some SDKs send for "absent". */
const text = (limit: number) =>
  z
    .string()
    .max(limit)
    .nullish()
    .transform((value) => value ?? undefined);

/** A name that users are shown later: one line, whatever was sent. */
const shownName = text(256).transform((name) => name && oneLine(name, 256));

const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? undefined);

/** Public-key and signature texts: RSA SPKI in base64 with line breaks is the longest of them. */
const KEY_TEXT = 2_048;

/** Event names: nothing in them can pass for a part of a neighbouring field in the signing input (§10.6). */
export const EVENT_NAME = /^[A-Za-z0-9 _.-]{1,64}$/;

export const createUserBody = z.object({
  identifier: text(254),
  identifiers: z
    .array(z.string().max(254))
    .max(10)
    .nullish()
    .transform((value) => value ?? []),
  client_user_id: text(254).refine((value) => !value || readExternalId(value) !== undefined, {
    message: "must be 1 to 254 characters in NFC that can be seen, without blanks around",
  }),
});

export const methodBody = z.object({
  method: z.string().max(32),
  enrolled: z.boolean(),
  code: z.string().min(1).max(KEY_TEXT),
  algorithm: text(16),
  device_name: shownName,
  device_type: text(64),
});

/** Members that name the user: RN, Android and iOS send the first, Flutter the second. */
const person = { client_user_id: text(254), user_id: text(254) };

export const pendingBody = z.object({
  ...person,
  issuer: text(128),
  event: z.string().regex(EVENT_NAME),
  method: z.literal("TRUSTED_DEVICE"),
  /** Android's native client, whose ids are 32-bit, is known by sending none (§10.1). */
  location: z.unknown().optional(),
});

const signed = {
  ...person,
  issuer: z.string().max(128),
  event: z.string().regex(EVENT_NAME),
  timestamp: z.string().regex(/^\d{10,16}$/),
  method: z.literal("TRUSTED_DEVICE"),
  code: z.string().min(1).max(KEY_TEXT),
  public_key: z.string().min(1).max(KEY_TEXT),
};

export const createEventBody = z.object({
  ...signed,
  timestamp: z.string().regex(/^\d{10}$/),
  approved: z.literal(true),
  location: z.unknown().optional(),
  register_new_device: flag,
  new_device_public_key: text(KEY_TEXT),
  new_device_algorithm: text(16),
  device_type: text(64),
  device_name: shownName,
});
export type CreateEventBody = z.output<typeof createEventBody>;

export const respondBody = z.object({ ...signed, approved: z.boolean() });
export type RespondBody = z.output<typeof respondBody>;

/** Apps send the number that came with the redirect, some of them as text. */
const challengeNumber = z
  .union([z.int(), z.string().regex(/^[0-9]{1,10}$/)])
  .transform(Number)
  .pipe(
    z
      .int()
      .min(1)
      .max(2 ** 31 - 1),
  );

/** Verifiers are of any alphabet and of 43 to 128 characters, as the SDKs make them (Cotter §8.1). */
export const identityBody = z.object({
  // Left out, it is a wrong one: the code is burnt (T80).
  code_verifier: z
    .string()
    .max(1_024)
    .nullish()
    .transform((verifier) => verifier ?? ""),
  authorization_code: z.string().min(1).max(256),
  challenge_id: challengeNumber,
  redirect_url: z.string().min(1).max(2_048),
});

export const refreshBody = z.object({
  grant_type: text(64),
  refresh_token: text(255),
});
