import { backchannelLogout, idTokenLane } from "../../../core/client/settings.ts";
import { isOpenClientId } from "../../../core/ids.ts";
import type { TokenClaims } from "../../../core/keys/token.ts";
import type { EndedGrant } from "../../../core/message/queue.ts";
import { webhookRetrySeconds } from "../../../core/message/tell-webhook.ts";
import type { HearPowers, TellPowers } from "../../../core/ports/services.ts";
import { MINUTE, type Millis, SECOND, toSeconds } from "../../../core/time.ts";
import { givesTokens } from "../request.ts";

/** How long a logout token is good (OpenID Connect Back-Channel Logout 1.0, section 2.4: two minutes at most). */
export const LOGOUT_TOKEN_LIFETIME: Millis = 2 * MINUTE;

const EVENT = "http://schemas.openid.net/event/backchannel-logout";

/** Puts the news into the queue, where the grant is one of this door and its client wants to hear. A browser's session is no client's. */
export async function hearEnded(
  { clients, challenges, events }: HearPowers,
  grant: EndedGrant,
): Promise<void> {
  // Nobody can set one to be told, and finding out who it is may be a call to its server.
  if (isOpenClientId(grant.clientId)) return;
  const client = await clients.find(grant.clientId);
  if (!client || client.disabledAt !== undefined || !backchannelLogout(client.settings)) return;
  const snapshot = await challenges.read(grant.id);
  if (snapshot && givesTokens(snapshot.spec)) await events.send({ kind: "tell_ended", door: "oauth", grant });
}

/**
 * Tells a client by a logout token that its user is signed out. It is signed when it is sent; `jti` names the ended grant, so a repeat is
 * known as one. Answers seconds until the next attempt; undefined when there is none to make.
 */
export async function tellLogout(
  powers: TellPowers,
  grant: EndedGrant,
  attempts: number,
): Promise<number | undefined> {
  const { clients, keyring, webhooks, log } = powers;
  const client = await clients.find(grant.clientId);
  const told = client?.disabledAt === undefined ? client && backchannelLogout(client.settings) : undefined;
  if (!client || !told) return undefined;
  // Checked as its ID tokens are (section 2.6), so signed as those.
  const token = await keyring.sign(
    idTokenLane(client.settings),
    { typ: "logout+jwt" },
    await claimsOf(powers, grant),
  );
  const outcome = await webhooks.post(told.uri, {
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ logout_token: token }).toString(),
  });
  if (outcome.kind === "sent") return undefined;
  const { kind, reason } = outcome;
  const about = { clientId: grant.clientId, grantId: grant.id, outcome: kind, reason };
  log("warn", "a client was not told of a sign-out", about);
  return kind === "retry" ? webhookRetrySeconds(attempts) : undefined;
}

/** OpenID Connect Back-Channel Logout 1.0, section 2.4. Never a nonce: it must not pass for an ID token. */
async function claimsOf(
  { handles, config, clock }: TellPowers,
  { id, userId, clientId }: EndedGrant,
): Promise<TokenClaims> {
  const iat = toSeconds(clock.now());
  return {
    iss: config.issuer,
    aud: clientId,
    sub: userId,
    sid: id,
    iat,
    exp: iat + LOGOUT_TOKEN_LIFETIME / SECOND,
    jti: await handles.digest(["oauth-logout", id]),
    events: { [EVENT]: {} },
  };
}
