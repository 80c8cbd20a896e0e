import {
  type ClientId,
  parseClientId,
  parseOpenClientId,
  parseUserId,
  type UserId,
} from "../../../core/ids.ts";
import type { TokenClaims } from "../../../core/keys/token.ts";
import type { Services } from "../../../core/ports/services.ts";
import { givesTokens } from "../request.ts";

/** An access token of this door that was found good: its signature, its time, and the grant behind it. */
export type AccessToken = {
  readonly claims: TokenClaims;
  readonly clientId: ClientId;
  readonly userId: UserId;
  readonly scope: string;
  /** Thumbprint of the key that it is bound to (RFC 9449 §6.1). */
  readonly jkt?: string;
};

type Powers = Pick<Services, "verifier" | "challenges" | "config">;

/**
 * Reads an access token of this door (RFC 9068 §4). One whose grant has ended is no more: it was revoked, its user locked, its device
 * removed. Tokens of the vendors' doors and ID tokens are none (T87).
 */
export async function readAccessToken(powers: Powers, token: string): Promise<AccessToken | undefined> {
  const read = await powers.verifier.verify(token, { kind: "access", issuer: powers.config.issuer });
  if (!read.ok) return undefined;
  const claims = read.value;
  const { client_id, sub, sid, scope, cnf } = claims;
  const clientId = parseClientId(textOf(client_id)) ?? parseOpenClientId(textOf(client_id));
  const userId = parseUserId(textOf(sub));
  const grantId = powers.challenges.parse(textOf(sid));
  if (clientId === undefined || userId === undefined || grantId === undefined) return undefined;
  const snapshot = await powers.challenges.read(grantId);
  const grant = snapshot?.grant;
  if (!grant || !givesTokens(snapshot.spec) || grant.clientId !== clientId) return undefined;
  // The token has its own time; of the grant it only matters that nobody has ended it.
  if (grant.ended) return undefined;
  const jkt = (cnf as { readonly jkt?: string } | undefined)?.jkt;
  return { claims, clientId, userId, scope: textOf(scope), ...(jkt === undefined ? {} : { jkt }) };
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
