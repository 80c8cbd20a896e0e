import type { PhaseName } from "../../../core/challenge/state.ts";
import { type ChallengeId, type UserId, userSubject } from "../../../core/ids.ts";
import type { DoorEvent } from "../../../core/message/queue.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Sealing } from "../../../core/ports/secrets.ts";
import type { Services } from "../../../core/ports/services.ts";
import { type Instant, MINUTE, type Millis, SECOND } from "../../../core/time.ts";
import type { PingSecrets, Pings } from "../ports.ts";
import { requestOf } from "../request.ts";

const PURPOSE = "ciba-ping";

/** How long an end that is no approval can be asked about: no ping is of use past it. */
const END_KNOWN: Millis = 10 * MINUTE;

/** Seconds to wait after the first, second, … failed attempt: tokens wait for a minute. */
const RETRY_AFTER_SECONDS = [2, 5, 15, 30] as const;

const ENDS: ReadonlySet<PhaseName> = new Set(["approved", "denied", "cancelled", "expired"]);

/** What the client of a request is told of its end: once, so nothing more once it was told of an approval. */
export function pingOf({
  spec,
  view,
  timeline,
}: Pick<Snapshot, "spec" | "view" | "timeline">): DoorEvent | undefined {
  const { state } = view;
  const sealed = requestOf(spec)?.notificationToken;
  if (sealed === undefined || spec.userId === undefined || !ENDS.has(state)) return undefined;
  if (state !== "approved" && timeline.some(({ what }) => what === "approved")) return undefined;
  const at = timeline.at(-1)?.at ?? spec.createdAt;
  const until = at + (state === "approved" ? spec.redeemWindow : END_KNOWN);
  return {
    id: `${spec.id}-${state}`,
    type: "ciba.ping",
    at,
    data: { challenge_id: spec.id, user_id: spec.userId, until, sealed },
  };
}

type Powers = Pick<Services, "webhooks" | "inboxes" | "clock" | "log"> & { readonly sealing: Sealing };

/** Pings over the deployment's own webhooks: the same guards for the same kind of address (T97). */
export function makePings({ webhooks, inboxes, clock, log, sealing }: Powers): Pings {
  return {
    seal: (id, secrets) => sealing.seal(JSON.stringify(secrets), PURPOSE, id),

    async send({ id: clientId, notificationEndpoint: url, disabledAt }, event, attempts) {
      const { challenge_id: id, user_id: userId, until, sealed } = readData(event);
      if (url === undefined || disabledAt !== undefined || clock.now() >= until) return undefined;
      const pause = RETRY_AFTER_SECONDS[attempts - 1];
      const who = userSubject(userId);
      const taken = await inboxes.claimDelivery(who, event.id, until);
      if (taken !== "mine") return taken === "busy" ? pause : undefined;
      const { authReqId, token } = JSON.parse(await sealing.unseal(sealed, PURPOSE, id)) as PingSecrets;
      const outcome = await webhooks.post(url, {
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ auth_req_id: authReqId }),
      });
      if (outcome.kind === "sent") {
        await inboxes.endDelivery(who, event.id, "sent");
        return undefined;
      }
      const { kind, reason } = outcome;
      log("warn", "a ping did not arrive", { clientId, challengeId: id, attempts, outcome: kind, reason });
      const again = kind === "retry" && pause !== undefined && clock.now() + pause * SECOND < until;
      await inboxes.endDelivery(who, event.id, again ? "released" : "failed");
      return again ? pause : undefined;
    },
  };
}

type PingData = {
  readonly challenge_id: ChallengeId;
  readonly user_id: UserId;
  readonly until: Instant;
  readonly sealed: string;
};

/** Written by `pingOf` alone. */
const readData = ({ data }: DoorEvent): PingData => data as unknown as PingData;
