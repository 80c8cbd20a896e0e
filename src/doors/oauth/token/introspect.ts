import type { Client } from "../../../core/client/client.ts";
import { servesOf } from "../../../core/client/settings.ts";
import { grantOfToken } from "../../../core/grant/refresh.ts";
import { isAlive } from "../../../core/grant/state.ts";
import type { Services } from "../../../core/ports/services.ts";
import { no, ok } from "../../../core/result.ts";
import { toSeconds } from "../../../core/time.ts";
import { services } from "../../../http/context.ts";
import { acrOfGrant } from "../acr.ts";
import { readAccessToken } from "../bearer/access-token.ts";
import { knownClient } from "../client-auth.ts";
import { BAD_CLIENT, wrong } from "../errors.ts";
import type { Call } from "../form.ts";
import { givesTokens } from "../request.ts";

const INACTIVE = { active: false } as const;

/**
 * Introspection (RFC 7662 §2), for confidential clients. A token that is neither the caller's own nor for a resource that it serves is told as
 * any other that is not active.
 */
export const introspect: Call = async (c, form) => {
  const known = await knownClient(c, form);
  if (!known.ok) return known;
  const { client, method } = known.value;
  if (method === "none") return no(BAD_CLIENT);
  if (form.token === undefined) return no(wrong("invalid_request", "token is missing"));
  const powers = services(c);
  return ok(
    (await ofAccessToken(powers, client, form.token)) ?? (await ofRefreshToken(powers, client, form.token)),
  );
};

async function ofAccessToken(
  powers: Pick<Services, "verifier" | "challenges" | "config" | "clients">,
  client: Client,
  text: string,
): Promise<object | undefined> {
  const token = await readAccessToken(powers, text);
  if (!token) return undefined;
  const { claims, clientId, jkt } = token;
  const owner = await powers.clients.find(clientId);
  if (!owner || owner.disabledAt !== undefined) return INACTIVE;
  if (owner.id !== client.id && !isServedBy(client, owner, claims.aud)) return INACTIVE;
  const { iss, sub, aud, exp, iat, jti, scope, client_id, acr, amr, auth_time, authorization_details } =
    claims;
  return {
    active: true,
    token_type: jkt === undefined ? "Bearer" : "DPoP",
    ...{ iss, sub, aud, exp, iat, jti, scope, client_id, acr, amr, auth_time },
    ...(authorization_details === undefined ? {} : { authorization_details }),
    ...(jkt === undefined ? {} : { cnf: { jkt } }),
  };
}

/** Whether the token's audience is a resource that this client serves. An address means something in its own realm alone. */
const isServedBy = ({ realm, settings }: Client, owner: Client, audience: unknown): boolean =>
  realm === owner.realm && typeof audience === "string" && servesOf(settings).includes(audience);

async function ofRefreshToken(
  powers: Pick<Services, "challenges" | "handles" | "config" | "clock">,
  client: Client,
  text: string,
): Promise<object> {
  const found = await grantOfToken(powers, text);
  if (!found.ok) return INACTIVE;
  const { grant, generation, snapshot } = found.value;
  const isCurrent = generation === grant.generation && isAlive(grant, powers.clock.now());
  if (!isCurrent || grant.clientId !== client.id || !givesTokens(snapshot.spec)) return INACTIVE;
  return {
    active: true,
    token_type: "refresh_token",
    iss: powers.config.issuer,
    sub: grant.userId,
    client_id: grant.clientId,
    scope: grant.scope,
    iat: toSeconds(grant.rotatedAt),
    exp: toSeconds(grant.expiresAt),
    auth_time: grant.authTime,
    acr: acrOfGrant(grant),
    amr: grant.amr,
  };
}
