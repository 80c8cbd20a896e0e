import * as z from "zod";
import { instant, seconds } from "../../../http/openapi/parts.ts";

export const failure = z
  .object({ error: z.string(), errorCode: z.string(), errorDescription: z.string() })
  .meta({ id: "AuthsignalError" });

const text = z.string().optional();
const waiting = { wait_uri: z.url(), socket_uri: z.url(), wait_handle: z.string() };
const requestedBy = z
  .object({ tenantId: z.string(), name: z.string() })
  .optional()
  .describe("Who asks, where it is another tenant.");

export const tracked = z
  .object({
    state: z.string(),
    idempotencyKey: z.string(),
    url: z.string(),
    token: z.string().describe("What the page or app calls with."),
    isEnrolled: z.boolean(),
    enrolledVerificationMethods: z.array(z.string()),
    allowedVerificationMethods: z.array(z.string()),
    defaultVerificationMethod: text,
    ruleIds: z.array(z.string()),
  })
  .meta({ id: "TrackedAction" });

export const action = z.object({
  state: z.string(),
  stateUpdatedAt: instant,
  createdAt: instant,
  verificationMethod: text,
  rules: z.array(z.unknown()),
  ruleIds: z.array(z.string()),
  output: z.object({}),
});
export const changedAction = z.object({ state: z.string() });
export const actions = z.array(
  z.object({
    actionCode: z.string(),
    idempotencyKey: z.string(),
    createdAt: instant,
    updatedAt: instant,
    state: z.string(),
    stateUpdatedAt: instant,
    verificationMethod: text,
    verifiedByAuthenticatorId: text,
  }),
);

export const validated = z.object({
  isValid: z.boolean(),
  state: text,
  stateUpdatedAt: instant.optional(),
  userId: text,
  actionCode: text,
  action: text,
  idempotencyKey: text,
  verificationMethod: text,
  error: text,
});

const names = {
  email: z.string().nullish(),
  emailVerified: z.boolean().optional(),
  phoneNumber: z.string().nullish(),
  phoneNumberVerified: z.boolean().optional(),
  username: z.string().nullish(),
};
const profile = {
  displayName: z.string().nullish(),
  locale: z.string().nullish(),
  defaultVerificationMethod: z.string().nullish(),
  custom: z.record(z.string(), z.unknown()).nullish(),
};
export const user = z.object({
  isEnrolled: z.boolean(),
  ...names,
  ...profile,
  enrolledVerificationMethods: z.array(z.string()).optional(),
  allowedVerificationMethods: z.array(z.string()).optional(),
});
export const changedUser = z.object({ userId: z.string(), ...names, ...profile });
export const users = z.object({
  users: z.array(z.object({ userId: z.string(), ...names })),
  lastEvaluatedUserId: text,
  tokenPayload: z.record(z.string(), z.unknown()).optional(),
});

export const authenticator = z
  .object({
    userId: z.string(),
    userAuthenticatorId: z.string(),
    verificationMethod: z.string(),
    createdAt: instant,
    verifiedAt: instant.optional(),
    lastVerifiedAt: instant.optional(),
    displayName: text,
    devicePlatform: text,
    email: text,
    phoneNumber: text,
  })
  .meta({ id: "UserAuthenticator" });
export const authenticators = z.array(authenticator);
export const enrolledByBackend = z.object({ authenticator });

export const backendCode = z.object({
  challengeId: z.string(),
  idempotencyKey: z.string(),
  expiresAt: seconds,
});
export const heldCode = z.object({
  challengeId: text,
  expiresAt: seconds.optional(),
  action: text,
  email: text,
  phoneNumber: text,
  smsChannel: text,
  verificationMethod: text,
});
export const verifiedCode = z.object({
  isVerified: z.boolean(),
  email: text,
  phoneNumber: text,
  verificationMethod: text,
  failureReason: text,
});
export const claimedCode = z.object({ token: z.string(), verificationMethod: z.string() });

export const started = z.object({ challengeId: z.string() });
export const startedPush = z.object({
  challengeId: z.string(),
  ...waiting,
  verificationCode: z.string().optional().describe("To be shown beside the waiting screen."),
});
export const startedQr = z.object({
  challengeId: z.string(),
  deviceCode: z.string(),
  expiresAt: instant,
  ...waiting,
});
export const startedInApp = z.object({ challengeId: z.string(), nonce: z.string() });

const polled = { isVerified: z.boolean(), isConsumed: z.boolean(), accessToken: text };
export const push = z.object(polled);
export const qr = z.object({ isClaimed: z.boolean(), ...polled });
export const code = z.object({
  isVerified: z.boolean(),
  accessToken: text,
  userAuthenticator: authenticator.optional(),
  failureReason: text,
});
export const inApp = z.object({
  token: z.string(),
  userId: z.string(),
  userAuthenticatorId: z.string(),
  username: text,
});

export const enrolling = z.object({ userAuthenticatorId: z.string(), userId: z.string() });
export const credential = z.object({
  userAuthenticatorId: z.string(),
  userId: z.string(),
  verifiedAt: instant,
  lastVerifiedAt: instant,
});
export const changedCredential = z.object({
  userAuthenticatorId: z.string(),
  userId: z.string(),
  lastVerifiedAt: instant,
  pushToken: text,
});
export const removedCredential = z.object({ removedAuthenticatorId: z.string() });
export const updateNonce = z.object({ challengeId: z.string(), message: z.string() });
export const promptNonce = z.object({ message: z.string() });
export const pending = z.object({
  userAuthenticatorId: z.string(),
  challengeId: text,
  userId: text,
  requestedBy,
  actionCode: text,
  idempotencyKey: text,
  expiresAt: seconds.optional(),
  deviceId: text,
  userAgent: text,
  ipAddress: text,
  custom: z.unknown().optional(),
  user: z.object({ custom: z.record(z.string(), z.unknown()) }).optional(),
});
export const answered = z.object({ isVerified: z.boolean() });
export const claimed = z.object({
  success: z.boolean(),
  requestedBy,
  actionCode: text,
  idempotencyKey: z.string(),
  deviceId: text,
  userAgent: text,
  ipAddress: text,
  custom: z.unknown().optional(),
  user: z.object({ custom: z.record(z.string(), z.unknown()) }).optional(),
});
export const empty = z.object({});
