import * as z from "zod";

/** base64url of at most 8 KiB; whether it is canonical is looked at where it is read. */
const bytes = z.string().regex(/^[A-Za-z0-9_-]{1,11000}$/);
const thumbprint = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const ticket = z.string().regex(/^[A-Za-z0-9_.:-]{1,2048}$/);
const unixSeconds = z.number().int().min(0).max(99_999_999_999);

const assertion = z.object({
  credential_id: bytes,
  client_data: bytes,
  authenticator_data: bytes,
  signature: bytes,
});

export const beginBody = z.object({ jkt: thumbprint });
export type BeginBody = z.output<typeof beginBody>;

export const sessionBody = z.union([
  z.object({ passkey: assertion.extend({ challenge: bytes, user_handle: bytes }) }),
  z.object({ device_id: z.uuid() }),
]);
export type SessionBody = z.output<typeof sessionBody>;

/** What a device has signed: a passkey's assertion, or a compact JWS of a key. */
const signed = {
  passkey: assertion.optional(),
  signature: z.string().max(33_000).optional(),
};

export const decisionBody = z
  .object({
    decision: z.enum(["approve", "deny"]),
    match_code: z
      .string()
      .regex(/^\d{6}$/)
      .optional(),
    scan: ticket.optional(),
    not_me: z.literal(true).optional(),
    page: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/)
      .optional(),
    ...signed,
  })
  .refine(({ decision, not_me: notMe }) => decision === "deny" || notMe === undefined, {
    path: ["not_me"],
    error: "belongs to a denial",
  });
export type DecisionBody = z.output<typeof decisionBody>;

export const scanBody = z.union([
  z.object({ challenge_id: z.string().max(64), frame: z.string().regex(/^[A-Za-z0-9_-]{22,43}$/) }),
  z.object({ user_code: z.string().min(1).max(32) }),
]);
export type ScanBody = z.output<typeof scanBody>;

export const actBody = z.object({ at: unixSeconds, ...signed });
export type ActBody = z.output<typeof actBody>;

export const renameBody = z.object({ name: z.string().min(1).max(200) });

export const enrolBeginBody = z.object({
  ticket,
  recovery_code: z.string().min(1).max(64).optional(),
});
export type EnrolBeginBody = z.output<typeof enrolBeginBody>;

export const enrolBody = z.object({
  enrolment: z.string().regex(/^[A-Za-z0-9_.:-]{1,4096}$/),
  name: z.string().max(200).optional(),
  passkey: z.object({ credential_id: bytes, client_data: bytes, attestation_data: bytes }).optional(),
});
export type EnrolBody = z.output<typeof enrolBody>;

/** A browser's subscription as its `toJSON` writes it, or an app's registration token. What they name is looked at where it is kept. */
export const pushBody = z.union([
  z.object({
    endpoint: z.string().min(1).max(2_048),
    keys: z.object({ p256dh: z.string().max(200), auth: z.string().max(200) }),
  }),
  z.object({ fcm: z.object({ token: z.string().regex(/^[A-Za-z0-9_:.-]{1,1024}$/) }) }),
]);
export type PushBody = z.output<typeof pushBody>;

export type SignedBody = Pick<ActBody, "passkey" | "signature">;
