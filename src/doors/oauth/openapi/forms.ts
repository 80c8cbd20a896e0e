import * as z from "zod";
import { GRANT_TYPES } from "../../../core/client/client.ts";

const text = z.string().optional();
const resource = text.describe("The API that the tokens are for (RFC 8707).");
const scope = text.describe("Names, with blanks between.");

/** Who calls, where no `Authorization` says it (RFC 6749 §2.3.1, RFC 7523 §2.2). Forms are read by hand: each parameter once. */
const client = {
  client_id: text.describe("A public client names itself by it."),
  client_secret: text,
  client_assertion: text,
  client_assertion_type: text,
};

export const token = z.object({
  grant_type: z.enum(GRANT_TYPES),
  code: text.describe("`authorization_code`"),
  redirect_uri: text.describe("`authorization_code`"),
  code_verifier: z
    .string()
    .regex(/^[A-Za-z0-9._~-]{43,128}$/)
    .optional()
    .describe("`authorization_code` (RFC 7636)"),
  refresh_token: text.describe("`refresh_token`"),
  device_code: text.describe("The device grant"),
  auth_req_id: text.describe("CIBA"),
  scope: scope.describe("`refresh_token`: it may only narrow."),
  resource,
  ...client,
});

export const oneToken = z.object({ token: z.string(), token_type_hint: text, ...client });

export const device = z.object({
  scope,
  resource,
  login_hint: text.describe("Names the user, for a client whose setting `device_login_hint` allows it."),
  ...client,
});

export const backchannel = z.object({
  scope: z.string().describe("`openid` at least."),
  login_hint: text.describe("One of the three hints is needed."),
  id_token_hint: text,
  login_hint_token: text,
  binding_message: z
    .string()
    .regex(/^[A-Za-z0-9 _.,:#-]{1,20}$/)
    .optional()
    .describe("Both screens show it."),
  requested_expiry: z
    .string()
    .regex(/^[1-9][0-9]{0,9}$/)
    .optional()
    .describe("Seconds."),
  acr_values: text,
  authorization_details: text.describe("JSON of what is asked (RFC 9396), shown to the user and signed."),
  client_notification_token: text.describe("Needed from a client that is pinged."),
  resource,
  ...client,
});

const authorization = {
  response_type: z.literal("code"),
  redirect_uri: z.string(),
  scope,
  state: text,
  nonce: text,
  code_challenge: text.describe("Needed, unless the client's setting says otherwise (RFC 7636)."),
  code_challenge_method: z.literal("S256").optional(),
  prompt: text,
  max_age: text,
  login_hint: text,
  id_token_hint: text,
  acr_values: text,
  resource,
  dpop_jkt: text,
};
export const pushed = z.object({ ...authorization, ...client });
export const authorize = z.object({
  client_id: z.string(),
  request_uri: text.describe("Of a pushed request (RFC 9126), in place of all others."),
  ...z.object(authorization).partial().shape,
});

export const logout = z.object({
  id_token_hint: text,
  client_id: text,
  post_logout_redirect_uri: text,
  state: text,
});
export const userinfo = z.object({ access_token: text.describe("Where no `Authorization` brings it.") });
