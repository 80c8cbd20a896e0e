/**
 * Endpoints of this door, by the member of the metadata that names them. The routes are mounted by this table and the metadata is made
 * of it, so that none is named that does not answer.
 */
export const ENDPOINTS = {
  authorization_endpoint: "/oauth/authorize",
  token_endpoint: "/oauth/token",
  userinfo_endpoint: "/oauth/userinfo",
  revocation_endpoint: "/oauth/revoke",
  introspection_endpoint: "/oauth/introspect",
  end_session_endpoint: "/oauth/logout",
  device_authorization_endpoint: "/oauth/device_authorization",
  backchannel_authentication_endpoint: "/oauth/bc-authorize",
  pushed_authorization_request_endpoint: "/oauth/par",
} as const;

export type Endpoint = keyof typeof ENDPOINTS;

export const PREFIX = "/oauth";

/** The path of an endpoint below the door's prefix. */
export const pathOf = (endpoint: Endpoint): string => ENDPOINTS[endpoint].slice(PREFIX.length);

/** Where clients register themselves (RFC 7591 §3); named in the metadata where the operator lets them. */
export const REGISTRATION = `${PREFIX}/register`;

/** Where a user types the code of a device (RFC 8628 §3.3): a page, and no endpoint of the metadata. */
export const VERIFICATION_PAGE = `${PREFIX}/device`;
