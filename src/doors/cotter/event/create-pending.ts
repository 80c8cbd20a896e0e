import type { Context } from "hono";
import type * as z from "zod";
import { startChallenge } from "../../../core/challenge/start.ts";
import type { ChallengeSpec } from "../../../core/challenge/state.ts";
import { noteLimited, tryStart } from "../../../core/challenge/take-start.ts";
import { callerFrom } from "../../../core/client/caller-from.ts";
import { eventNames } from "../../../core/client/settings.ts";
import { SECOND } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { refuse } from "../errors.ts";
import { EVENT_LIFETIME, REDEEM_WINDOW, REPLAY_WINDOW } from "../lifetimes.ts";
import type { pendingBody } from "../schema.ts";
import { ENROL_EVENT } from "../signed/signing-input.ts";
import { readyToState, stated } from "../signed/statement.ts";
import { eventContext, LOGIN, subjectOf, waiterEvent } from "../translate.ts";
import { arrivingOf, markOfName, nameIn } from "../user/people.ts";
import { drawEvent } from "./numbers.ts";

type PendingBody = z.output<typeof pendingBody>;

/** Row 9 of Cotter §3.1: a device that nobody trusts asks; its secret number comes back, the prompt goes to the inbox. */
export async function createPending(c: Context<AppEnv>, body: PendingBody): Promise<Response> {
  const powers = services(c);
  const { client } = c.var;
  const origin = originOf(c);
  if (body.event.includes(ENROL_EVENT))
    return refuse(c, { code: "malformed", detail: "event: reserved name" });
  if (body.issuer !== undefined && body.issuer !== client.id) {
    return refuse(c, { code: "not_allowed", detail: "issuer is not this API_KEY_ID" });
  }
  if (!(await powers.limits.start(origin.ip))) {
    return refuse(c, { code: "too_many", scope: "ip", retryAt: powers.clock.now() + 60_000 });
  }
  const caller = await callerFrom(powers, "nothing", origin.ip);
  // Counted by the name before it is known whose that is; the user's own count follows with the prompt.
  const [person, start] = await Promise.all([
    arrivingOf(c, nameIn(body)),
    tryStart(powers, client, caller, await markOfName(powers, client, nameIn(body))),
  ]);
  if (!person) {
    if (start.ok) powers.background(() => start.value.giveBack());
    return refuse(c, { code: "unknown_user" });
  }
  const { record } = person;
  if (!start.ok) {
    noteLimited(powers, client, start.error, record.user.id);
    return refuse(c, start.error);
  }
  // Anybody can ask by any name, so the user is shown one that the client lists.
  const event = eventNames(client.settings).includes(body.event) ? body.event : LOGIN;
  let number = 0;
  await readyToState(powers);
  const started = await startChallenge(powers, {
    door: "cotter",
    client,
    caller,
    taken: start.value,
    user: { id: record.user.id, locked: record.user.status === "locked" },
    purpose: "sign_in",
    scope: "access",
    requiresClaim: false,
    matchCode: client.settings.match_code === "required",
    context: eventContext(client, record, { name: nameIn(body) }, event, body.event),
    subject: subjectOf(client)(record),
    origin,
    lifetime: (client.settings.challenge_seconds ?? EVENT_LIFETIME / SECOND) * SECOND,
    redeemWindow: REDEEM_WINDOW,
    replayWindow: REPLAY_WINDOW,
    draw: async () => {
      const drawn = await drawEvent(powers, client, body.location === undefined);
      number = drawn.number;
      return drawn.id;
    },
  });
  if (!started.ok) return refuse(c, started.error);
  const { snapshot, prompt, matchCode } = started.value;
  const answer = await stated(powers, waiterEvent(snapshot, number, prompt?.signingSecond));
  return c.json({
    ...answer,
    ...waitingUris(powers.config.issuer, snapshot.spec),
    ...(matchCode === undefined ? {} : { match_code: matchCode }),
  });
}

/** The socket's says whose number it is, so that the number is judged without reading the challenge. */
const waitingUris = (issuer: string, { id, clientId }: Pick<ChallengeSpec, "id" | "clientId">) => ({
  wait_uri: `${issuer}/challenges/${id}/wait`,
  socket_uri: `${issuer.replace(/^http/, "ws")}/challenges/${id}/socket?client=${encodeURIComponent(clientId)}`,
});
