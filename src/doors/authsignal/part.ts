import type { ChallengeId } from "../../core/ids.ts";
import type { DoorRules, Services } from "../../core/ports/services.ts";
import { DAY } from "../../core/time.ts";
import { mayBeMet } from "./action/action.ts";
import { OVERRULED } from "./action/settle.ts";
import { tellActionWebhook } from "./action/webhook.ts";
import { makeActionWebhooks } from "./action/webhook-form.ts";
import { makeActions } from "./store.ts";

/** Actions of a user that are looked through, newest first. */
const ACTIONS = 50;

/** Authsignal §7.3: up to three retries, at least 30 seconds apart. */
const RETRIES = 3;
const PAUSE_SECONDS = 30;

/** What this door says where core does something for every door. */
export const authsignalRules: DoorRules = {
  door: "authsignal",

  /** Action, custom data and the tracked device are the backend's own words. */
  says: ({ context: { action, custom, custom_in_row: inRow, user_agent: userAgent, unlisted } }) => ({
    ...(inRow === true ? { more: true } : {}),
    // A stranger's own word for it is shown to nobody.
    ...(typeof action === "string" && unlisted !== true ? { action } : {}),
    ...(custom === undefined ? {} : { details: [custom] }),
    ...(typeof userAgent === "string" ? { userAgent } : {}),
  }),

  async underWay({ actions, clock }, userId): Promise<readonly ChallengeId[]> {
    const open = await actions.openOf(userId, clock.now() - DAY, ACTIONS);
    return open.flatMap(({ challengeId }) => challengeId ?? []);
  },

  /** Only the newest challenge of an action is taken back by the word that closes it; the others are asked here. */
  async closedBy({ actions }, { clientId, context }, userId): Promise<string | undefined> {
    const { action: code, idem: idempotencyKey } = context;
    if (typeof code !== "string" || typeof idempotencyKey !== "string") return undefined;
    const action = await actions.find({ clientId, userId, code, idempotencyKey });
    return action !== undefined && !mayBeMet(action.state) ? OVERRULED : undefined;
  },

  async tell(powers, { client, event }, attempts): Promise<number | undefined> {
    const told = await tellActionWebhook(powers, client, event);
    return told.kind === "retry" && attempts <= RETRIES ? PAUSE_SECONDS * attempts : undefined;
  },
};

/** The ports that this door adds to a deployment (`wiring.ts`). */
export const authsignalPorts = (
  db: Parameters<typeof makeActions>[0],
  powers: Parameters<typeof makeActionWebhooks>[0],
): Pick<Services, "actions" | "actionWebhooks"> => ({
  actions: makeActions(db),
  actionWebhooks: makeActionWebhooks(powers),
});
