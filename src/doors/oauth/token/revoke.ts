import { grantListing } from "../../../core/challenge/record.ts";
import { endGrant } from "../../../core/grant/end.ts";
import { grantOfToken, revokeRefreshToken } from "../../../core/grant/refresh.ts";
import { no, ok } from "../../../core/result.ts";
import { originOf, services } from "../../../http/context.ts";
import { readAccessToken } from "../bearer/access-token.ts";
import { knownClient } from "../client-auth.ts";
import { wrong } from "../errors.ts";
import type { Call } from "../form.ts";
import { givesTokens } from "../request.ts";

/**
 * Revocation (RFC 7009 §2). A refresh token and an access token end their whole grant alike: an access token that is read by nobody but its
 * resource could not be taken back alone. Unknown tokens, and another client's, are a success without effect (T89).
 */
export const revoke: Call = async (c, form) => {
  const known = await knownClient(c, form);
  if (!known.ok) return known;
  const { client } = known.value;
  if (form.token === undefined) return no(wrong("invalid_request", "token is missing"));
  const powers = services(c);
  const { ip } = originOf(c);
  const found = await grantOfToken(powers, form.token);
  if (found.ok) {
    if (givesTokens(found.value.snapshot.spec)) await revokeRefreshToken(powers, client, form.token, ip);
    return ok(undefined);
  }
  const token = await readAccessToken(powers, form.token);
  if (token?.clientId !== client.id) return ok(undefined);
  const id = powers.challenges.parse(String(token.claims.sid));
  const grant = id && (await powers.challenges.read(id))?.grant;
  if (grant) {
    const by = { actor: `client:${client.id}`, ...(ip === undefined ? {} : { ip }) };
    await endGrant(powers, grantListing(grant), { ...by, reason: "signed_out", byClient: true });
  }
  return ok(undefined);
};
