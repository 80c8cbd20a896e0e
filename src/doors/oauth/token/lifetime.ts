import type { Client } from "../../../core/client/client.ts";
import { backchannelLogout, tokenLengths } from "../../../core/client/settings.ts";
import { type Millis, SECOND } from "../../../core/time.ts";
import { SESSION_LIFETIME } from "../lifetimes.ts";
import { hasScope } from "../scope.ts";

/** Whether a start asks for a refresh token: by `offline_access`, or where no scope is asked that would need it (OpenID Connect Core §11). */
export const asksRefresh = (client: Client, scope: string): boolean =>
  client.grantTypes.includes("refresh_token") &&
  (hasScope(scope, "offline_access") || !hasScope(scope, "openid"));

/**
 * How long a grant is kept, where that is not the life of its refresh token: as long as its access token, or, where its client wants to
 * hear of a sign-out, as long as a browser stays signed in.
 */
export const lifetimeOf = (
  { settings }: Client,
  isRefreshed: boolean,
): { readonly grantLifetime?: Millis } => {
  if (isRefreshed) return {};
  const access = tokenLengths(settings).accessSeconds * SECOND;
  return {
    grantLifetime: Math.max(access, backchannelLogout(settings) === undefined ? 0 : SESSION_LIFETIME),
  };
};
