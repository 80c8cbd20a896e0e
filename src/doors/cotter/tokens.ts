import type { Facts } from "../../core/challenge/state.ts";
import type { Client } from "../../core/client/client.ts";
import { tokenLengths } from "../../core/client/settings.ts";
import type { Grant } from "../../core/grant/state.ts";
import { sharedClaims } from "../../core/keys/claims.ts";
import type { TokenClaims } from "../../core/keys/token.ts";
import type { Services } from "../../core/ports/services.ts";
import { toSeconds } from "../../core/time.ts";
import { METHOD } from "./signed/signing-input.ts";

type Powers = Pick<Services, "keyring" | "handles" | "config">;

/** What differs between the first bundle of a grant and a later one. */
export type TokenTimes = Pick<Facts, "jti" | "idJti" | "iat" | "exp" | "idExp"> & { readonly kid?: string };

export type Bundle = {
  readonly access_token: string;
  readonly id_token: string;
  readonly refresh_token: string;
  readonly token_type: "Bearer";
  readonly expires_in: number;
  readonly auth_method: string;
};

/** The vendor's word for how the user proved who they are (Cotter §4.5): of the whole grant, so refreshing keeps it. */
function methodOf(amr: readonly string[]): string {
  if (amr.includes("otp")) return "OTP";
  return amr.includes("link") ? "MAGIC_LINK" : METHOD;
}

/** Signs the `oauth_token` bundle of a grant (Cotter §4.5-4.7). Same facts, same claims and refresh token. */
export async function bundleOf(
  powers: Powers,
  client: Client,
  grant: Grant,
  times: TokenTimes,
): Promise<Bundle> {
  const { iat } = times;
  const whose = {
    door: "cotter",
    issuer: powers.config.issuer,
    aud: client.id,
    sub: grant.userId,
    iat,
  } as const;
  const access: TokenClaims = {
    ...grant.subject,
    ...sharedClaims(client, { ...whose, exp: times.exp, jti: times.jti }),
    authentication_method: methodOf(grant.amr),
    type: "client_access_token",
    scope: grant.scope,
    // Which grant it is of, so that a token of one that has ended shows nobody (claimer.ts).
    sid: grant.id,
  };
  const id: TokenClaims = {
    ...grant.subject,
    ...sharedClaims(client, { ...whose, exp: times.idExp, jti: times.idJti }),
    type: "client_id_token",
    // Flutter assigns it to a String (Cotter fact 7).
    auth_time: String(grant.authTime),
  };
  const [access_token, id_token, refresh_token] = await Promise.all([
    powers.keyring.sign("cotter", { typ: "JWT" }, access, times.kid),
    powers.keyring.sign("cotter", { typ: "JWT" }, id, times.kid),
    powers.handles.refreshToken(grant),
  ]);
  return {
    access_token,
    id_token,
    refresh_token,
    token_type: "Bearer",
    expires_in: times.exp - times.iat,
    auth_method: methodOf(grant.amr),
  };
}

/** The bundle that a redemption released: its facts, and the first token of the grant however often it is read again. */
export const firstBundle = (powers: Powers, client: Client, grant: Grant, facts: Facts): Promise<Bundle> =>
  bundleOf(powers, client, { ...grant, generation: 1 }, facts);

/** A bundle for a grant that was just rotated. */
export function refreshedBundle(
  powers: Powers & Pick<Services, "chance" | "clock">,
  client: Client,
  grant: Grant,
): Promise<Bundle> {
  const { accessSeconds, idSeconds } = tokenLengths(client.settings);
  const iat = toSeconds(powers.clock.now());
  const { chance } = powers;
  return bundleOf(powers, client, grant, {
    jti: chance.uuid(),
    idJti: chance.uuid(),
    iat,
    exp: iat + accessSeconds,
    idExp: iat + idSeconds,
  });
}
