import type { GrantDraft } from "../challenge/command.ts";
import { deviceBehind, sessionBehind } from "../challenge/proof.ts";
import type { Challenge, JsonObject } from "../challenge/state.ts";
import type { ClientId, DeviceId, GrantId, UserId } from "../ids.ts";
import type { Instant, Millis } from "../time.ts";

/**
 * A grant. The refresh token itself is derived from `id`, `generation` and `salt` with the handle key of
 * `keyVersion`; nothing here lets anybody make one without that key (settled question 2).
 */
export type Grant = {
  readonly id: GrantId;
  readonly clientId: ClientId;
  readonly userId: UserId;
  /** The device whose approval opened the grant; its removal ends it. */
  readonly deviceId?: DeviceId;
  /** The browser session that approved it; signing out there ends it. */
  readonly sessionId?: GrantId;
  readonly scope: string;
  readonly subject: JsonObject;
  readonly amr: readonly string[];
  /** Unix seconds of the approval. */
  readonly authTime: number;
  readonly salt: string;
  readonly jkt?: string;
  readonly lifetime: Millis;
  readonly createdAt: Instant;
  readonly generation: number;
  readonly keyVersion: number;
  readonly rotatedAt: Instant;
  readonly expiresAt: Instant;
  readonly ended?: { readonly at: Instant; readonly reason: string };
};

/** Opens the grant that a redemption gives birth to. The challenge must be redeemed. */
export function openGrant(challenge: Challenge, draft: GrantDraft): Grant {
  const { spec, phase } = challenge;
  if (phase.name !== "redeemed") throw new Error("a grant is born of a redeemed challenge only");
  const deviceId = deviceBehind(phase.approver);
  const sessionId = sessionBehind(phase.approver);
  const lifetime = spec.grantLifetime ?? draft.lifetime;
  return {
    id: spec.id,
    clientId: spec.clientId,
    userId: phase.userId,
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    scope: spec.scope,
    subject: draft.subject ?? spec.subject ?? {},
    amr: phase.facts.amr,
    authTime: phase.facts.authTime,
    salt: draft.salt,
    ...(draft.jkt === undefined ? {} : { jkt: draft.jkt }),
    lifetime,
    createdAt: phase.at,
    generation: 1,
    keyVersion: draft.keyVersion,
    rotatedAt: phase.at,
    expiresAt: phase.at + lifetime,
  };
}

/** Whether the grant can still be refreshed at `now`. */
export const isAlive = (grant: Grant, now: Instant): boolean =>
  grant.ended === undefined && now < grant.expiresAt;
