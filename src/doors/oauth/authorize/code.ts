import type { Context } from "hono";
import type { ChallengeSpec, JsonObject } from "../../../core/challenge/state.ts";
import { askerOf } from "../../../core/client/client.ts";
import { SECOND } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { CODE_LIFETIME } from "../lifetimes.ts";
import { type OAuthSubject, requestContext } from "../request.ts";
import type { Session } from "../session/session.ts";
import { OAUTH_CODE, redirectDigest } from "../token/authorization-code.ts";
import { asksRefresh, lifetimeOf } from "../token/lifetime.ts";
import type { Ask } from "./ask.ts";

/**
 * An authorization code for the person of this session (RFC 6749 §4.1.2): a challenge of its own, approved from birth, which the token
 * endpoint redeems once. Undefined when the person was locked in this very moment.
 */
export async function makeCode(c: Context<AppEnv>, ask: Ask, session: Session): Promise<string | undefined> {
  const powers = services(c);
  const { grant, user } = session;
  const id = powers.challenges.fresh();
  const proof = powers.proofs.vouch(user.user, {
    kind: "session",
    sessionId: grant.id,
    ...(grant.deviceId === undefined ? {} : { deviceId: grant.deviceId }),
    provenAt: grant.authTime * SECOND,
    decision: "approve",
    digest: await powers.handles.digest(["oauth-code", id, grant.id]),
    amr: grant.amr,
  });
  if (!proof.ok) return undefined;
  const opened = await powers.challenges.openSettled(await specOf(c, ask, session, id), proof.value);
  if (!opened.ok) throw new Error(`a code was refused: ${opened.error.code}`);
  return await powers.handles.mint(id, OAUTH_CODE);
}

async function specOf(
  c: Context<AppEnv>,
  ask: Ask,
  { grant, acr }: Session,
  id: ChallengeSpec["id"],
): Promise<ChallengeSpec> {
  const powers = services(c);
  const { client, scope, nonce, codeChallenge, dpopJkt, resource } = ask;
  const now = powers.clock.now();
  const subject: OAuthSubject = {
    acr,
    ...(nonce === undefined ? {} : { nonce }),
    ...(resource === undefined ? {} : { resource }),
  };
  const context = requestContext({
    kind: "authorization_code",
    redirect: await redirectDigest(powers, ask.redirectUri),
    ...(codeChallenge === undefined ? {} : { codeChallenge }),
    ...(dpopJkt === undefined ? {} : { dpopJkt }),
  });
  return {
    id,
    door: "oauth",
    ...askerOf(client),
    purpose: "sign_in",
    userId: grant.userId,
    scope,
    requiresClaim: false,
    nonce: powers.chance.text(16),
    context,
    subject: subject as JsonObject,
    ...lifetimeOf(client, asksRefresh(client, scope)),
    origin: originOf(c),
    createdAt: now,
    expiresAt: now + CODE_LIFETIME,
    redeemWindow: CODE_LIFETIME,
    replayWindow: 0,
  };
}
