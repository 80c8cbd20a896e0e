import type { ServiceAccount } from "../../core/message/push-sender.ts";
import type { Clock } from "../../core/ports/edge.ts";
import type { PushNote, PushOutcome } from "../../core/ports/pushes.ts";
import { type Millis, SECOND, toSeconds } from "../../core/time.ts";
import { outcomeOf, request } from "../http.ts";
import { wordsOf } from "../push-words.ts";
import { restOf } from "../web-push/send.ts";
import { makeAccessTokens } from "./token.ts";

const ANSWER_WITHIN: Millis = 5 * SECOND;
/** Most of an answer that is looked at. */
const ANSWER_LIMIT = 4_096;

export type FcmOptions = {
  readonly account: ServiceAccount;
  readonly url: string;
  readonly tokenUrl: string;
  readonly clock: Clock;
};

export type Fcm = { send(registration: string, note: PushNote): Promise<PushOutcome> };

/** Firebase Cloud Messaging, HTTP v1: wakes a native app by its registration token. */
export function makeFcm({ account, url, tokenUrl, clock }: FcmOptions): Fcm {
  const tokens = makeAccessTokens({ account, url: tokenUrl, clock });
  return {
    async send(registration, note) {
      const access = await tokens.get();
      if (!("token" in access)) return access;
      const answer = await request({
        url: `${url}/v1/projects/${account.project}/messages:send`,
        headers: { Authorization: `Bearer ${access.token}`, "Content-Type": "application/json" },
        body: JSON.stringify({ message: messageOf(registration, note, restOf(note, clock.now())) }),
        within: ANSWER_WITHIN,
      });
      if (!(answer instanceof Response)) return answer;
      if (answer.status === 404 && (await isUnregistered(answer))) return { kind: "gone" };
      await answer.body?.cancel().catch(() => undefined);
      if (answer.status !== 401) return outcomeOf(answer.status);
      // The token was taken back before its end: another one may be good.
      tokens.drop();
      return { kind: "retry", reason: "status 401" };
    },
  };
}

/** The id for the app, and the neutral words for whoever looks at the screen. */
function messageOf(token: string, note: PushNote, rest: number) {
  const { words, tag } = wordsOf(note);
  const { expiresAt } = note;
  const id = "challengeId" in note ? { prompt_id: tag } : { device_id: tag };
  return {
    token,
    data: { ...id, expires_at: new Date(expiresAt).toISOString() },
    notification: words,
    android: { priority: "HIGH", ttl: `${rest}s`, notification: { tag } },
    apns: { headers: { "apns-priority": "10", "apns-expiration": String(toSeconds(expiresAt)) } },
  };
}

/** 404 is also what a wrong project gets: only FCM's own word for it takes a device off the list. */
async function isUnregistered(answer: Response): Promise<boolean> {
  try {
    return (await answer.text()).slice(0, ANSWER_LIMIT).includes('"UNREGISTERED"');
  } catch {
    return false;
  }
}
