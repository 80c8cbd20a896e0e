import * as z from "zod";
import { instant } from "../../../http/openapi/parts.ts";

export const failure = z.object({ code: z.string(), message: z.string() }).meta({ id: "LoginIdError" });

export const profile = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    client_id: z.string(),
    username: z.string(),
    status: z.enum(["active", "inactive"]),
    type: z.literal("user"),
    namespace_id: z.string(),
    created_at: instant,
    updated_at: instant,
    contacts: z.array(
      z.object({ type: z.enum(["email", "phone_number"]), contact: z.string(), is_verified: z.boolean() }),
    ),
  })
  .meta({ id: "LoginIdProfile" });

const credential = z
  .object({
    uuid: z.string(),
    id: z.string(),
    type: z.enum(["fido2", "public_key"]),
    status: z.enum(["active", "revoked"]),
    name: z.string(),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: "LoginIdCredential" });

export const code = z.object({
  code: z.string(),
  expires_at: instant,
  is_authorized: z.boolean(),
  match_code: z.string().optional().describe("To be shown beside the code."),
});
export const authorized = z.object({
  expires_at: instant,
  is_authorized: z.literal(true),
  completed_at: instant,
});
export const ended = z.object({ deleted_at: instant });

const resultMembers = {
  client: z.object({ id: z.string(), type: z.literal("directweb") }),
  credential: z.object({ uuid: z.string(), id: z.string(), type: z.string(), name: z.string() }),
  user: z.object({
    id: z.uuid(),
    username: z.string(),
    namespace_id: z.string(),
    type: z.literal("user"),
  }),
  jwt: z.string().optional().describe("Unless `no_jwt` is true."),
  is_authenticated: z.literal(true),
};
export const result = z.object(resultMembers).meta({ id: "LoginIdResult" });
export const resultWithCode = z.object({
  ...resultMembers,
  code_data: z.object({
    code: z.string(),
    expire_at: instant,
    expires_at: instant,
    is_authorized: z.literal(true),
  }),
});

const descriptor = z.object({ type: z.literal("public-key"), id: z.string() });
export const creation = z.object({
  attestation_payload: z.object({
    credential_uuid: z.string(),
    challenge: z.string(),
    rp: z.object({ id: z.string(), name: z.string() }),
    user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
    pubKeyCredParams: z.array(z.object({ type: z.literal("public-key"), alg: z.int() })),
    timeout: z.int(),
    attestation: z.literal("none"),
    excludeCredentials: z.array(descriptor),
    authenticatorSelection: z.object({
      authenticatorAttachment: z.literal("platform").optional(),
      userVerification: z.literal("required"),
    }),
  }),
});
export const request = z.object({
  assertion_payload: z.object({
    challenge: z.string(),
    rpId: z.string(),
    timeout: z.int(),
    allowCredentials: z.array(descriptor),
    userVerification: z.literal("required"),
  }),
});

export const credentials = z.object({ user_id: z.uuid(), credentials: z.array(credential) });
export const oneCredential = z.object({ user_id: z.uuid(), credential });
