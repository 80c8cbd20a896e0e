import * as z from "zod";
import { seconds } from "../../../http/openapi/parts.ts";

export const failure = z
  .object({ error: z.string(), error_description: z.string().optional() })
  .meta({ id: "OAuthError" });

export const metadata = z
  .object({
    issuer: z.url(),
    authorization_endpoint: z.url(),
    token_endpoint: z.url(),
    userinfo_endpoint: z.url(),
    revocation_endpoint: z.url(),
    introspection_endpoint: z.url(),
    end_session_endpoint: z.url(),
    device_authorization_endpoint: z.url(),
    backchannel_authentication_endpoint: z.url(),
    pushed_authorization_request_endpoint: z.url(),
    jwks_uri: z.url(),
    registration_endpoint: z.url().optional(),
  })
  .catchall(z.union([z.string(), z.boolean(), z.array(z.string())]))
  .meta({ id: "ServerMetadata" });

export const tokens = z
  .object({
    access_token: z.string(),
    token_type: z.enum(["Bearer", "DPoP"]),
    expires_in: seconds,
    scope: z.string(),
    refresh_token: z.string().optional(),
    id_token: z.string().optional(),
  })
  .meta({ id: "Tokens" });

export const introspection = z.object({
  active: z.boolean(),
  token_type: z.string().optional(),
  iss: z.string().optional(),
  sub: z.string().optional(),
  aud: z.string().optional(),
  exp: seconds.optional(),
  iat: seconds.optional(),
  jti: z.string().optional(),
  scope: z.string().optional(),
  client_id: z.string().optional(),
  acr: z.string().optional(),
  amr: z.array(z.string()).optional(),
  auth_time: seconds.optional(),
  authorization_details: z.array(z.unknown()).optional(),
  cnf: z.object({ jkt: z.string() }).optional(),
});

export const userinfo = z.object({
  sub: z.string(),
  email: z.string().optional(),
  email_verified: z.boolean().optional(),
  phone_number: z.string().optional(),
  phone_number_verified: z.boolean().optional(),
  preferred_username: z.string().optional(),
});

const waiting = {
  expires_in: seconds,
  interval: seconds.describe("Seconds between polls."),
  wait_uri: z.url(),
  socket_uri: z.url(),
  match_code: z.string().optional().describe("To be shown to the user, who types it where they approve."),
};
export const deviceCodes = z.object({
  device_code: z.string(),
  user_code: z.string().optional().describe("Missing where `login_hint` has named the user."),
  verification_uri: z.url().optional(),
  verification_uri_complete: z.url().optional(),
  ...waiting,
});
export const backchannel = z.object({ auth_req_id: z.string(), ...waiting });
export const pushed = z.object({ request_uri: z.string(), expires_in: seconds });
export const registered = z.object({
  client_id: z.string(),
  client_name: z.string().optional(),
  redirect_uris: z.array(z.string()),
  grant_types: z.array(z.string()),
  response_types: z.array(z.string()),
  token_endpoint_auth_method: z.literal("none"),
});
