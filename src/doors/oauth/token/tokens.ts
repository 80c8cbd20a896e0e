import { toBase64Url } from "../../../core/base64.ts";
import type { Facts } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import { idTokenLane, tokenLengths } from "../../../core/client/settings.ts";
import type { Grant } from "../../../core/grant/state.ts";
import { sharedClaims } from "../../../core/keys/claims.ts";
import type { TokenClaims } from "../../../core/keys/token.ts";
import type { Services } from "../../../core/ports/services.ts";
import { toSeconds } from "../../../core/time.ts";
import { acrOfGrant } from "../acr.ts";
import type { OAuthSubject } from "../request.ts";
import { hasScope } from "../scope.ts";

type Powers = Pick<Services, "keyring" | "handles" | "config">;

export type TokenTimes = Pick<Facts, "jti" | "idJti" | "iat" | "exp" | "idExp"> & { readonly kid?: string };

/** The answer of the token endpoint (RFC 6749 §5.1, OpenID Connect Core, section 3.1.3.3). */
export type TokenAnswer = {
  readonly access_token: string;
  readonly token_type: "Bearer" | "DPoP";
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
};

export type Issue = {
  readonly client: Client;
  readonly grant: Grant;
  readonly times: TokenTimes;
  /** What the access token is good for; the grant's own scope when it is missing. */
  readonly scope?: string | undefined;
  /** Thumbprint of the DPoP key that came along (RFC 9449 §6.1). */
  readonly jkt?: string | undefined;
  readonly withRefresh: boolean;
  /** An ID token of a refresh names no nonce (OpenID Connect Core, section 12.2). */
  readonly withNonce: boolean;
};

/** Signs the tokens of a grant. The same facts give the same claims and the same refresh token. */
export async function issueTokens(powers: Powers, issue: Issue): Promise<TokenAnswer> {
  const { grant, times, jkt, scope = grant.scope } = issue;
  const access_token = await powers.keyring.sign(
    "standard",
    { typ: "at+jwt" },
    accessClaims(powers, issue, scope),
    times.kid,
  );
  const [id_token, refresh_token] = await Promise.all([
    hasScope(grant.scope, "openid") ? idToken(powers, issue, access_token) : undefined,
    issue.withRefresh ? powers.handles.refreshToken(grant) : undefined,
  ]);
  return {
    access_token,
    token_type: jkt === undefined ? "Bearer" : "DPoP",
    expires_in: times.exp - times.iat,
    scope,
    ...(refresh_token === undefined ? {} : { refresh_token }),
    ...(id_token === undefined ? {} : { id_token }),
  };
}

const common = (powers: Powers, { client, grant, times }: Issue, aud: string) =>
  ({ door: "oauth", issuer: powers.config.issuer, aud, sub: grant.userId, iat: times.iat, client }) as const;

const howApproved = (grant: Grant): TokenClaims => ({
  auth_time: grant.authTime,
  acr: acrOfGrant(grant),
  amr: grant.amr,
  sid: grant.id,
});

/** RFC 9068 §2.2. The audience is the resource that was asked for (RFC 8707), else the client itself. */
function accessClaims(powers: Powers, issue: Issue, scope: string): TokenClaims {
  const { client, grant, times, jkt } = issue;
  const { resource, details } = grant.subject as OAuthSubject;
  const { client: _, ...shared } = common(powers, issue, resource ?? client.id);
  return {
    ...sharedClaims(client, { ...shared, exp: times.exp, jti: times.jti }),
    client_id: client.id,
    scope,
    ...howApproved(grant),
    ...(details === undefined ? {} : { authorization_details: details }),
    ...(jkt === undefined ? {} : { cnf: { jkt } }),
  };
}

/** OpenID Connect Core, section 2. Addresses are userinfo's to tell. */
async function idToken(powers: Powers, issue: Issue, accessToken: string): Promise<string> {
  const { client, grant, times, withNonce } = issue;
  const { nonce } = grant.subject as OAuthSubject;
  const { client: _, ...shared } = common(powers, issue, client.id);
  const claims: TokenClaims = {
    ...sharedClaims(client, { ...shared, exp: times.idExp, jti: times.idJti }),
    ...howApproved(grant),
    at_hash: await halfHash(accessToken),
    ...(nonce === undefined || !withNonce ? {} : { nonce }),
  };
  const lane = idTokenLane(client.settings);
  return await powers.keyring.sign(lane, { typ: "JWT" }, claims, lane === "standard" ? times.kid : undefined);
}

/** `at_hash`: the left half of the SHA-256 (OpenID Connect Core, section 3.1.3.6). */
async function halfHash(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return toBase64Url(new Uint8Array(hash).slice(0, 16));
}

/** The times of tokens that are made now, for a grant that was made earlier. */
export function timesNow({ chance, clock }: Pick<Services, "chance" | "clock">, client: Client): TokenTimes {
  const { accessSeconds, idSeconds } = tokenLengths(client.settings);
  const iat = toSeconds(clock.now());
  return { jti: chance.uuid(), idJti: chance.uuid(), iat, exp: iat + accessSeconds, idExp: iat + idSeconds };
}
