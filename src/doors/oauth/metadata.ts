import type { Context } from "hono";
import { GRANT_TYPES } from "../../core/client/client.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { ACR_VALUES } from "./acr.ts";
import { AUTH_METHODS } from "./client-auth.ts";
import { ENDPOINTS, REGISTRATION } from "./endpoints.ts";
import { SCOPES } from "./scope.ts";

const SECONDS = 300;

const CLAIMS = [
  ...["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"],
  ...["email", "email_verified", "phone_number", "phone_number_verified", "preferred_username"],
];

/** What this server is and can do (OpenID Connect Discovery, section 3; RFC 8414 §2), made of the tables that the routes are made of. */
export function metadata(issuer: string, isOpen: boolean): Readonly<Record<string, unknown>> {
  const endpoints = Object.entries(ENDPOINTS).map(([member, path]) => [member, `${issuer}${path}`]);
  return {
    issuer,
    ...Object.fromEntries(endpoints),
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: GRANT_TYPES,
    scopes_supported: SCOPES,
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256", "RS256"],
    token_endpoint_auth_methods_supported: AUTH_METHODS,
    token_endpoint_auth_signing_alg_values_supported: ["ES256"],
    revocation_endpoint_auth_methods_supported: AUTH_METHODS,
    revocation_endpoint_auth_signing_alg_values_supported: ["ES256"],
    introspection_endpoint_auth_methods_supported: AUTH_METHODS.filter((method) => method !== "none"),
    introspection_endpoint_auth_signing_alg_values_supported: ["ES256"],
    code_challenge_methods_supported: ["S256"],
    dpop_signing_alg_values_supported: ["ES256"],
    authorization_response_iss_parameter_supported: true,
    backchannel_token_delivery_modes_supported: ["poll", "ping"],
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    backchannel_user_code_parameter_supported: false,
    claims_supported: CLAIMS,
    acr_values_supported: ACR_VALUES,
    prompt_values_supported: ["none", "login", "consent", "select_account"],
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    require_pushed_authorization_requests: false,
    ui_locales_supported: ["en"],
    // RFC 7591 §3; Client ID Metadata Document, section 5
    ...(isOpen
      ? {
          registration_endpoint: `${issuer}${REGISTRATION}`,
          client_id_metadata_document_supported: true,
        }
      : {}),
  };
}

/** `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`: the same JSON, for everybody. */
export const showMetadata = (c: Context<AppEnv>): Response =>
  c.json(metadata(services(c).config.issuer, services(c).openClients !== undefined), 200, {
    "Cache-Control": `public, max-age=${SECONDS}`,
  });
