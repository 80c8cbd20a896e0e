import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { finishedEvent, grantListing } from "./finished-event.ts";
import { recordFinish } from "./record-finish.ts";
import type { Redeemed } from "./redeem-challenge.ts";
import { type AtOnce, settleAtOnce, spendInput } from "./settle-at-once.ts";

type Powers = Pick<
  Services,
  "rooms" | "inboxes" | "records" | "keyring" | "handles" | "chance" | "clock" | "background" | "log"
>;

/**
 * A trusted device signs itself in. Its signing input is spent first, so the same signature never signs in twice, here or as the
 * answer to a prompt (Cotter §10.6); but not before its tokens can be signed. Where the request may be repeated, the repetition gets the
 * same facts and family, as long as everybody stands. Refused when the person was locked, the device removed or
 * the client disabled before it is on record.
 */
export async function signInAtOnce(powers: Powers, asked: AtOnce): Promise<Result<Redeemed, Refusal>> {
  const { proof } = asked;
  await powers.keyring.ready(asked.lane);
  if (!(await spendInput(powers, asked))) return no({ code: "replayed" });
  const result = await settleAtOnce(powers, asked);
  if (!result.ok) return result;
  const settled = result.value;
  const { facts, grant, view } = settled;
  if (!facts) throw new Error("a redeemed challenge has facts");
  // A repetition, and the session has been ended meanwhile.
  if (grant?.ended) return no({ code: "replayed" });
  const { userId } = proof;
  const deviceId = proof.kind === "device" ? proof.deviceId : undefined;
  const standing = { userId, clientId: asked.client.id, deviceId, since: settled.spec.createdAt };
  const listing = grant && grantListing(grant);
  const recorded = await recordFinish(powers, view.id, finishedEvent(settled), listing, standing);
  if (!recorded.ok) return recorded;
  return ok({ facts, snapshot: settled, ...(grant ? { grant } : {}) });
}
