import { auditEvent } from "../audit/record.ts";
import { finishedEvent, grantListing, noteListed } from "../challenge/record.ts";
import type { ChallengeSpec } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import type { RefreshRotation } from "../client/settings.ts";
import { Outage } from "../fault.ts";
import type { ClientId } from "../ids.ts";
import type { Lane } from "../keys/key.ts";
import type { Snapshot } from "../ports/challenges.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { type Grant, isAlive } from "./state.ts";
import { tellEnded } from "./tell-ended.ts";

type Powers = Pick<
  Services,
  "challenges" | "records" | "handles" | "keyring" | "clock" | "chance" | "background" | "log"
> &
  Parameters<typeof tellEnded>[0];
type Refused = RefusalOf<
  "bad_refresh_token" | "refresh_reused" | "grant_ended" | "unknown_grant" | "replayed"
>;

export type Refreshing = {
  readonly lane: Extract<Lane, "standard" | "cotter">;
  readonly rotation: RefreshRotation;
  /** Whether this door gave the token out: it is good nowhere else. */
  readonly isOurs: (spec: ChallengeSpec) => boolean;
  /** Thumbprint of the DPoP key that came along, which counts where the grant is bound to one. */
  readonly jkt?: string | undefined;
  /** Asked of a genuine token before it is rotated: false where this very call came before, which is refused as `replayed`. */
  readonly once?: () => Promise<boolean>;
  readonly ip?: string | undefined;
};

/**
 * Rotates the grant of a refresh token and answers the grant as it stands then; the new token is derived from it. A forged token
 * does nothing. A genuine one that is too old, or another client's, ends the grant, is put on record and told to the client's
 * webhook (T84). `own` stands for whichever client the grant is of. Throws, before anything is rotated, where the lane cannot sign the answer. Touches no table, unless the grant is not known
 * to be listed: then it is listed first, or ended where it may not be.
 */
export async function refreshGrant(
  powers: Powers,
  client: Pick<Client, "id"> | "own",
  token: string,
  { lane, rotation, isOurs, jkt, once, ip }: Refreshing,
): Promise<Result<Grant, Refused>> {
  const grant = await grantOfToken(powers, token);
  if (!grant.ok) return grant;
  if (!isOurs(grant.value.snapshot.spec)) return no({ code: "bad_refresh_token" });
  const by = client === "own" ? grant.value.grant.clientId : client.id;
  await powers.keyring.ready(lane);
  if (once && !(await once())) return no({ code: "replayed" });
  if (!grant.value.snapshot.listed && !(await isListedNow(powers, grant.value))) {
    return no({ code: "grant_ended" });
  }
  const refreshed = await powers.challenges.refresh(grant.value.grant.id, {
    generation: grant.value.generation,
    clientId: by,
    keyVersion: powers.handles.keyVersion,
    rotation,
    ...(grant.value.grant.jkt === undefined || jkt === undefined ? {} : { jkt }),
  });
  if (!refreshed.ok && refreshed.error.code === "refresh_reused") {
    noteReuse(powers, grant.value.grant, by, ip);
  }
  return refreshed;
}

export type OwnGrant = { readonly grant: Grant; readonly generation: number; readonly snapshot: Snapshot };

/**
 * D1 could not be used when the grant began, so whoever has locked its user since, or removed its device, did not find it. A D1 that still
 * cannot be used is an outage. A grant that has ended is left to the refresh itself to refuse.
 */
async function isListedNow(powers: Powers, { grant, snapshot }: OwnGrant): Promise<boolean> {
  if (!isAlive(grant, powers.clock.now())) return true;
  const listed = await powers.records.finish(
    finishedEvent(snapshot),
    grantListing(grant),
    snapshot.spec.createdAt,
  );
  if (!listed.ok) {
    await powers.challenges.revoke(grant.id, listed.error.code);
    await tellEnded(powers, grant);
  }
  noteListed(powers, grant.id);
  return listed.ok;
}

/** The grant that a genuine refresh token belongs to, and which generation the token is. */
export async function grantOfToken(
  powers: Pick<Services, "challenges" | "handles">,
  token: string,
): Promise<Result<OwnGrant, RefusalOf<"bad_refresh_token">>> {
  const bad = no({ code: "bad_refresh_token" } as const);
  const id = powers.handles.grantIdOf(token);
  const grantId = id === undefined ? undefined : powers.challenges.parse(id);
  if (grantId === undefined) return bad;
  const snapshot = await powers.challenges.read(grantId);
  const grant = snapshot?.grant;
  if (!grant) return bad;
  const generation = await powers.handles.generationOf(token, grant);
  return generation === undefined ? bad : ok({ grant, generation, snapshot });
}

function noteReuse(powers: Powers, grant: Grant, by: ClientId, ip: string | undefined): void {
  const event = auditEvent(powers, {
    type: "refresh_reused",
    actor: `client:${by}`,
    userId: grant.userId,
    clientId: grant.clientId,
    ...(grant.deviceId ? { deviceId: grant.deviceId } : {}),
    ...(ip === undefined ? {} : { ip }),
    data: { grant_id: grant.id },
  });
  const told = [
    powers.events.send({ kind: "grant_ended", userId: grant.userId, grantId: grant.id, event }),
    powers.events.send({ kind: "webhook", clientId: grant.clientId, event }),
  ];
  powers.background(() =>
    Promise.all([...told, tellEnded(powers, grant)]).catch((cause: unknown) => {
      powers.log("error", "a reused refresh token could not be put on record", { cause: String(cause) });
    }),
  );
}

type RevokePowers = Pick<
  Services,
  "challenges" | "handles" | "records" | "events" | "clock" | "chance" | "log"
>;

/**
 * Ends the grant of a refresh token (RFC 7009). An unknown token, or another client's, is a success without effect (T89).
 */
export async function revokeRefreshToken(
  powers: RevokePowers,
  client: Client,
  token: string,
  ip?: string,
): Promise<void> {
  const found = await grantOfToken(powers, token);
  if (!found.ok || found.value.grant.clientId !== client.id) return;
  const ended = await powers.challenges.revoke(found.value.grant.id, "signed_out");
  if (!ended) return;
  const event = auditEvent(powers, {
    type: "grant.revoked",
    actor: `client:${client.id}`,
    userId: ended.userId,
    clientId: client.id,
    ...(ip === undefined ? {} : { ip }),
    reason: "signed_out",
    data: { grant_id: ended.id },
  });
  await powers.records.removeGrant(ended.userId, ended.id, event).catch((fault: unknown) => {
    if (!(fault instanceof Outage)) throw fault;
    // Asked again, an ended grant is a success without a row.
    return powers.events.send({ kind: "grant_ended", userId: ended.userId, grantId: ended.id, event });
  });
}
