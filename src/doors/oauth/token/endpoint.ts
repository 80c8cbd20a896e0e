import type { Context } from "hono";
import { GRANT_TYPES, type GrantType } from "../../../core/client/client.ts";
import { bindsAccessTokens } from "../../../core/client/settings.ts";
import { own } from "../../../core/own.ts";
import { no, type Result } from "../../../core/result.ts";
import type { AppEnv } from "../../../http/context.ts";
import { knownClient } from "../client-auth.ts";
import { readProof } from "../dpop.ts";
import { type OAuthError, wrong } from "../errors.ts";
import type { Call, Parameters } from "../form.ts";
import { authorizationCode } from "./authorization-code.ts";
import { ciba } from "./ciba.ts";
import { deviceCode } from "./device-code.ts";
import type { Exchange, TokenCall } from "./exchange.ts";
import { refreshToken } from "./refresh-token.ts";
import type { TokenAnswer } from "./tokens.ts";

const EXCHANGES: Readonly<Record<GrantType, Exchange>> = {
  authorization_code: authorizationCode,
  refresh_token: refreshToken,
  "urn:ietf:params:oauth:grant-type:device_code": deviceCode,
  "urn:openid:params:grant-type:ciba": ciba,
};

const isGrantType = (text: string): text is GrantType =>
  (GRANT_TYPES as readonly string[]).includes(text) && own(EXCHANGES, text) !== undefined;

/** The token endpoint (RFC 6749 §3.2): who calls, whether it may use this grant, then the grant itself. */
export const token: Call = async (c, form) => {
  const known = await knownClient(c, form);
  if (!known.ok) return known;
  const grantType = form.grant_type;
  if (grantType === undefined) return no(wrong("invalid_request", "grant_type is missing"));
  if (!isGrantType(grantType)) return no(wrong("unsupported_grant_type", "This grant is not offered"));
  const { client } = known.value;
  if (!client.grantTypes.includes(grantType)) {
    return no(wrong("unauthorized_client", "The client may not use this grant"));
  }
  const proof = await readProof(c, client.id);
  if (!proof.ok) return proof;
  if (proof.value === undefined && bindsAccessTokens(client.settings)) {
    return no(wrong("invalid_dpop_proof", "The client's tokens are bound to a key: a DPoP proof is needed"));
  }
  const key = proof.value === undefined ? {} : { jkt: proof.value.jkt };
  const spendProof = async () => proof.value === undefined || (await proof.value.spend());
  return await exchange(c, grantType, { ...known.value, form, ...key, spendProof });
};

const exchange = async (
  c: Context<AppEnv>,
  grantType: GrantType,
  call: TokenCall & { readonly form: Parameters },
): Promise<Result<TokenAnswer, OAuthError>> => await EXCHANGES[grantType](c, call);
