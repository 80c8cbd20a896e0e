import type { Context } from "hono";
import { redeemChallenge } from "../../../core/challenge/redeem.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { isGuessable } from "../../../http/waiter-handle.ts";
import { refuse } from "../errors.ts";
import { readyToState, stated } from "../signed/statement.ts";
import { firstBundle } from "../tokens.ts";
import { subjectOf, waiterEvent } from "../translate.ts";
import { findEvent, readNumber, waiterProofOf } from "./numbers.ts";

/**
 * Row 11 of Cotter §3.1: the waiting device's poll. Tokens go only to whoever holds the secret number and asks for them; polls that
 * overlap get the same ones (Cotter fact 10). A rejected event ends the poll at once (settled question 21).
 */
export async function collect(c: Context<AppEnv>, id: string): Promise<Response> {
  const powers = services(c);
  const { ip } = originOf(c);
  const number = readNumber(id);
  if (number === undefined) return refuse(c, { code: "unknown_challenge" });
  // A number of 53 bits is looked at whatever its neighbours have missed; one of 31 could be guessed at.
  if (isGuessable(number) && powers.limits.blocked(ip)) return tooMany(c);
  const snapshot = await findEvent(powers, c.var.client, id);
  if (!snapshot)
    return (await powers.limits.miss(ip)) ? refuse(c, { code: "unknown_challenge" }) : tooMany(c);
  switch (snapshot.view.state) {
    case "pending":
    case "claimed":
      return c.json(await stated(powers, waiterEvent(snapshot, number)));
    case "approved":
    case "redeemed":
      return c.req.query("oauth_token") === "true"
        ? release(c, snapshot, number)
        : c.json(await stated(powers, waiterEvent(snapshot, number)));
    case "denied":
      return refuse(c, { code: "denied" });
    case "cancelled":
    case "expired":
      return refuse(c, { code: snapshot.view.state });
  }
}

async function release(c: Context<AppEnv>, snapshot: Snapshot, number: number): Promise<Response> {
  const powers = services(c);
  const { client } = c.var;
  const { ip } = originOf(c);
  await readyToState(powers);
  const redeemed = await redeemChallenge(powers, {
    snapshot,
    client,
    lane: "cotter",
    waiterProof: await waiterProofOf(powers, client, String(number)),
    subject: subjectOf(client),
    withGrant: true,
    ...(ip === undefined ? {} : { ip }),
  });
  if (!redeemed.ok) {
    // Past the replay window the event stays approved, without tokens (settled question 20); so it does when they were taken back.
    return redeemed.error.code === "redeemed" || redeemed.error.code === "grant_ended"
      ? c.json(await stated(powers, waiterEvent(snapshot, number)))
      : refuse(c, redeemed.error);
  }
  const { grant, facts } = redeemed.value;
  const event = await stated(powers, waiterEvent(redeemed.value.snapshot, number));
  if (!grant) return c.json(event);
  return c.json({ ...event, oauth_token: await firstBundle(powers, client, grant, facts) });
}

const tooMany = (c: Context<AppEnv>): Response =>
  refuse(c, { code: "too_many", scope: "ip", retryAt: services(c).clock.now() + 60_000 });
