import * as z from "zod";
import { oneLine } from "../../core/shown-text.ts";
import { isUserName } from "./bodies.ts";

const plain = (limit: number) =>
  z
    .string()
    .max(limit)
    .nullish()
    .transform((value) => value ?? undefined);

/** Typed SDKs write a flag that was not set as null. */
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? undefined);

/** PHP writes an empty map as an empty list. */
const emptyMap = (value: unknown): unknown => (Array.isArray(value) && value.length === 0 ? {} : value);

/** Custom data points: any JSON object, bounded, because the row keeps it (§9.1.1). */
const CUSTOM_LIMIT = 16_384;
const DEEPEST = 32;
const custom = z
  .unknown()
  // Before the shape is read, which goes down call by call: brackets alone would use up the stack.
  .refine(isShallow, `at most ${DEEPEST} levels`)
  .optional()
  .pipe(
    z
      .preprocess(emptyMap, z.record(z.string().max(256), z.json()).nullish())
      .refine(
        (value) => JSON.stringify(value ?? null).length <= CUSTOM_LIMIT,
        `at most ${CUSTOM_LIMIT} characters`,
      )
      .transform((value) => value ?? undefined),
  );

/** Whether nothing in it is deeper than `DEEPEST` levels. */
function isShallow(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return false;
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
  return true;
}

/** §5.2. */
export const ACTION_CODE = /^[a-zA-Z0-9_-]{1,64}$/;
const code = z.string().regex(ACTION_CODE);
const idempotencyKey = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\x21-\x7e]+$/);

/** Texts of P-256 keys and DER signatures are 124 and at most 96 characters. */
const keyText = z.string().min(1).max(256);
const challengeId = z.string().min(1).max(256);

/** A user's name in a body: as paths take it. */
const userName = z.string().refine(isUserName, "not a user id");

export const trackBody = z.object({
  idempotencyKey: idempotencyKey.nullish().transform((value) => value ?? undefined),
  ipAddress: plain(64),
  userAgent: plain(1_024),
  deviceId: plain(128),
  scope: plain(256),
  email: plain(254),
  phoneNumber: plain(32),
  username: plain(254),
  custom,
  locale: plain(35),
});

export const validateBody = z.object({
  token: z.string().min(1).max(8_192),
  action: plain(64),
  userId: plain(254),
});

export const stateBody = z.object({
  state: z.enum([
    "ALLOW",
    "BLOCK",
    "CHALLENGE_REQUIRED",
    "CHALLENGE_SUCCEEDED",
    "CHALLENGE_FAILED",
    "REVIEW_REQUIRED",
    "REVIEW_SUCCEEDED",
    "REVIEW_FAILED",
  ]),
});

export const userBody = z.object({
  email: z.string().max(254).nullish(),
  emailVerified: flag,
  phoneNumber: z.string().max(32).nullish(),
  phoneNumberVerified: flag,
  username: z.string().max(254).nullish(),
  displayName: z.string().max(256).nullish(),
  locale: z.string().max(35).nullish(),
  defaultVerificationMethod: z.string().max(64).nullish(),
  custom,
});

/** What a query may say about users; an empty parameter says nothing (§9.1, `queryUsers`). */
const asked = (limit: number) =>
  z
    .string()
    .max(limit)
    .optional()
    .transform((value) => (value === "" ? undefined : value));
export const usersQuery = z.object({
  username: asked(254),
  email: asked(254),
  phoneNumber: asked(32),
  token: asked(8_192),
  limit: z.coerce.number().int().min(1).max(100_000).optional(),
  lastEvaluatedUserId: asked(254),
});

export const verifiedBody = z.object({
  verificationMethod: z.enum(["EMAIL_OTP", "SMS"]),
  email: plain(254),
  phoneNumber: plain(32),
  isDefault: z.boolean().nullish(),
});

/** A code that a backend has sent (§9.1, `challenge`); what is missing must be in the challenge that `challengeId` names. */
export const challengeBody = z.object({
  verificationMethod: z.enum(["SMS", "EMAIL_OTP", "WHATSAPP"]).optional(),
  action: code.optional(),
  challengeId: challengeId.optional(),
  idempotencyKey: idempotencyKey.nullish().transform((value) => value ?? undefined),
  userId: userName.nullish().transform((value) => value ?? undefined),
  email: plain(254),
  phoneNumber: plain(32),
  smsChannel: z.enum(["DEFAULT", "WHATSAPP"]).nullish(),
  locale: plain(35),
  deviceId: plain(128),
  ipAddress: plain(64),
  userAgent: plain(1_024),
  custom,
  scope: plain(256),
});
export const verifyBody = z.object({ challengeId, verificationCode: z.string().min(1).max(128) });
export const backendClaimBody = z.object({
  challengeId,
  userId: userName,
  skipVerificationCheck: z.boolean().nullish(),
});
export const challengesQuery = z.object({
  challengeId: asked(256),
  userId: asked(254),
  action: asked(64),
  verificationMethod: asked(32),
});
/** The same from SDKs that post it. */
export const challengesBody = z.object({
  challengeId: plain(256),
  userId: plain(254),
  action: plain(64),
  verificationMethod: plain(32),
});

export const credentialBody = z.object({
  publicKey: keyText,
  deviceName: plain(256).transform((name) => name && oneLine(name, 256)),
  devicePlatform: plain(32),
  pushToken: plain(4_096),
});

export const removeBody = z.object({ publicKey: keyText, signature: keyText });
export const claimBody = z.object({ challengeId, publicKey: keyText, signature: keyText });

export const answerBody = z.object({
  challengeId,
  publicKey: keyText,
  approved: z.boolean(),
  signature: keyText,
  verificationCode: plain(32),
});

export const updateBody = z.object({
  challengeId,
  publicKey: keyText,
  signature: keyText,
  pushToken: plain(4_096),
  resetExpiry: z.boolean().nullish(),
});

const optionalCode = code.nullish().transform((value) => value ?? undefined);

export const startBody = z.object({ action: optionalCode, userAuthenticatorId: plain(64) });
export const pollBody = z.object({ challengeId });
export const codeBody = z.object({ verificationCode: z.string().min(1).max(128) });
export const emailBody = z.object({ email: z.string().min(1).max(254) });
const smsChannel = z.enum(["DEFAULT", "WHATSAPP"]).nullish();
export const phoneBody = z.object({ phoneNumber: z.string().min(1).max(32), smsChannel });
export const codeStartBody = z.object({ userAuthenticatorId: plain(64) });
export const smsStartBody = codeStartBody.extend({ smsChannel });
export const inAppStartBody = z.object({ action: optionalCode });
export const qrStartBody = z.object({ action: optionalCode, custom });
export const qrPollBody = z.object({ challengeId, deviceCode: z.string().min(1).max(256) });

/** What a QR socket may say (§8.1). */
export const socketMessage = z.object({
  type: z.literal("CREATE_CHALLENGE"),
  data: z.object({ challengeType: z.literal("QR_CODE"), actionCode: optionalCode, custom }),
});
