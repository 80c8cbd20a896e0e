import type { Context } from "hono";
import { type Polled, pollChallenge, redeemChallenge } from "../../../core/challenge/redeem.ts";
import type { Redeemed, Snapshot } from "../../../core/ports/challenges.ts";
import type { Refusal } from "../../../core/refusal.ts";
import type { Result } from "../../../core/result.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { isGuessable } from "../../../http/waiter-handle.ts";
import { refuse } from "../errors.ts";
import { readyToState, stated } from "../signed/statement.ts";
import { firstBundle } from "../tokens.ts";
import { subjectOf, waiterEvent } from "../translate.ts";
import { findEvent, idsOf, readNumber, waiterProofOf } from "./numbers.ts";

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
  const wantsTokens = c.req.query("oauth_token") === "true";
  const found = await (wantsTokens ? poll(c, id) : look(c, id));
  if (!found) return (await powers.limits.miss(ip)) ? refuse(c, { code: "unknown_challenge" }) : tooMany(c);
  const { snapshot, redeemed } = found;
  if (redeemed) return await release(c, snapshot, number, redeemed);
  switch (snapshot.view.state) {
    case "pending":
    case "claimed":
      return c.json(await stated(powers, waiterEvent(snapshot, number)));
    case "approved":
    case "redeemed":
      return wantsTokens
        ? await release(c, snapshot, number, await redeem(c, snapshot, number))
        : c.json(await stated(powers, waiterEvent(snapshot, number)));
    case "denied":
      return refuse(c, { code: "denied" });
    case "cancelled":
    case "expired":
      return refuse(c, { code: snapshot.view.state });
  }
}

async function look(c: Context<AppEnv>, number: string): Promise<Polled | undefined> {
  const snapshot = await findEvent(services(c), c.get("client"), number);
  return snapshot && { snapshot };
}

/** The event of a number, and its tokens if they are there: for the client that started it, since another's guess reaches another object. */
async function poll(c: Context<AppEnv>, number: string): Promise<Polled | undefined> {
  const powers = services(c);
  await readyToState(powers);
  const redemption = await redemptionOf(c, number);
  for (const id of await idsOf(powers, c.get("client"), number)) {
    const polled = await pollChallenge(powers, id, redemption);
    if (polled) return polled;
  }
  return undefined;
}

async function redemptionOf(c: Context<AppEnv>, number: string) {
  const powers = services(c);
  const { client } = c.var;
  const { ip } = originOf(c);
  const waiterProof = await waiterProofOf(powers, client, number);
  return { client, lane: "cotter", waiterProof, ...(ip === undefined ? {} : { ip }) } as const;
}

/** Of a challenge that was started before starts said what tokens say. */
async function redeem(
  c: Context<AppEnv>,
  snapshot: Snapshot,
  number: number,
): ReturnType<typeof redeemChallenge> {
  return await redeemChallenge(services(c), {
    ...(await redemptionOf(c, String(number))),
    snapshot,
    subject: subjectOf(c.get("client")),
    withGrant: true,
  });
}

async function release(
  c: Context<AppEnv>,
  snapshot: Snapshot,
  number: number,
  redeemed: Result<Redeemed, Refusal>,
): Promise<Response> {
  const powers = services(c);
  if (!redeemed.ok) {
    // Past the replay window the event stays approved, without tokens (settled question 20); so it does when they were taken back.
    return redeemed.error.code === "redeemed" || redeemed.error.code === "grant_ended"
      ? c.json(await stated(powers, waiterEvent(snapshot, number)))
      : refuse(c, redeemed.error);
  }
  const { grant, facts } = redeemed.value;
  const event = await stated(powers, waiterEvent(redeemed.value.snapshot, number));
  if (!grant) return c.json(event);
  return c.json({ ...event, oauth_token: await firstBundle(powers, c.get("client"), grant, facts) });
}

const tooMany = (c: Context<AppEnv>): Response =>
  refuse(c, { code: "too_many", scope: "ip", retryAt: services(c).clock.now() + 60_000 });
