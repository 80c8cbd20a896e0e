import * as z from "zod";
import { instant, seconds } from "../../../http/openapi/parts.ts";

export const device = z
  .object({
    id: z.uuid(),
    name: z.string(),
    kind: z
      .string()
      .describe("`passkey` or `key` for a device of our own page; else what its door calls it."),
    enrolled_at: instant,
    this: z.boolean().describe("The device that asks."),
    new: z.boolean(),
    removable: z.boolean(),
  })
  .meta({ id: "OwnDevice" });

const creation = z
  .object({
    challenge: z.string(),
    rp: z.object({ id: z.string(), name: z.string() }),
    user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
    pubKeyCredParams: z.array(z.object({ type: z.literal("public-key"), alg: z.int() })),
    timeout: z.int(),
    attestation: z.literal("none"),
    excludeCredentials: z.array(z.object({ type: z.literal("public-key"), id: z.string() })),
    authenticatorSelection: z.record(z.string(), z.unknown()),
  })
  .describe("For `navigator.credentials.create`, with bytes in base64url.");

const payload = z
  .object({
    v: z.literal(1),
    iss: z.string(),
    id: z.string(),
    nonce: z.string(),
    exp: seconds,
    client: z.object({ id: z.string(), name: z.string() }),
    purpose: z.string(),
    shown: z.object({
      at: seconds,
      place: z.string().optional(),
      device: z.string().optional(),
      action: z.string().optional(),
      message: z.string().optional(),
      scope: z.string().optional(),
      code: z.string().optional(),
      details: z.array(z.unknown()).optional(),
    }),
  })
  .describe(
    "What is shown and signed: as it came, in canonical JSON (RFC 8785), with the answer's own members.",
  );

export const prompt = z
  .object({
    id: z.string(),
    expires_at: instant,
    listed_at: instant,
    match: z.enum(["number", "none"]).describe("`number`: the number on the other screen has to come along."),
    unlock: z.boolean(),
    answers: z.array(z.enum(["approve", "deny"])),
    why_not: z.enum(["tap", "unlock", "new_device", "more", "far", "same_device"]).optional(),
    warnings: z.array(z.enum(["far", "same_device"])),
    payload,
  })
  .meta({ id: "Prompt" });

export const config = z.object({
  issuer: z.url(),
  name: z.string(),
  rp_id: z.string().optional(),
  push: z.object({ public_key: z.string() }).optional(),
});
export const begunSession = z.object({
  challenge: z.string(),
  rp_id: z.string(),
  timeout: z.int().describe("Milliseconds."),
});
export const session = z
  .object({ token: z.string(), expires_in: seconds, device, account: z.string() })
  .meta({ id: "DeviceSession" });
export const begunEnrolment = z.object({
  enrolment: z.string(),
  account: z.string(),
  public_key: creation.optional(),
});
export const prompts = z.object({
  prompts: z.array(prompt),
  blocked: z.object({ count: z.int(), last_at: instant.optional() }),
  silences: z.array(z.object({ client: z.string(), until: instant })),
  new_devices: z.array(device),
  account: z.string(),
  device,
});
export const standing = z.object({
  state: z.enum(["live", "approved", "denied", "superseded", "cancelled", "expired"]),
});
export const decided = z.object({ state: z.enum(["approved", "denied"]) });
export const scanned = z.object({ prompt, scan: z.string() });
export const devices = z.object({ devices: z.array(device) });
export const ticket = z.object({ ticket: z.string(), url: z.url(), expires_at: instant });
export const codesLeft = z.object({ left: z.int() });
export const newCodes = z.object({ codes: z.array(z.string()) });
export const subscription = z.object({
  endpoint: z.string().optional().describe("SHA-256 of the endpoint, base64url."),
  fcm: z.string().optional().describe("SHA-256 of the registration token, base64url."),
});
export const activity = z.object({
  events: z.array(
    z.object({
      id: z.string(),
      at: instant,
      type: z.string(),
      client: z.string().optional(),
      place: z.string().optional(),
      device: z.string().optional(),
    }),
  ),
  next: z.string().optional(),
});
