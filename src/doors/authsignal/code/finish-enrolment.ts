import { redeemChallenge } from "../../../core/challenge/redeem.ts";
import { userSubject } from "../../../core/ids.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import { weakerHoldersOf } from "../../../core/user/weaker-holders.ts";
import { type EnrolledAddress, enrolVerifiedAddress } from "../enrolment/address.ts";
import { enrolledOf, NOTHING_ENROLLED, neverEnrolled } from "../enrolment/enrolled.ts";
import { authenticatorIdOf, standingAddress } from "../enrolment/standing-address.ts";
import type { AwaitedCode, CodeBearer, VerifiedActionCode } from "./challenge.ts";
import { needsScope } from "./enrol.ts";
import { enrolledAs } from "./method.ts";

type Powers = Pick<Services, "handles" | "inboxes"> &
  Parameters<typeof standingAddress>[0] &
  Parameters<typeof weakerHoldersOf>[0] &
  Parameters<typeof enrolledOf>[0] &
  Parameters<typeof enrolVerifiedAddress>[0] &
  Parameters<typeof redeemChallenge>[0];

/**
 * Enrols the address whose code came back, before its challenge is approved and anything says so. Whether it may be is asked anew: without
 * the backend's word only a user who has nothing else, and of several at once only the first. It meets an action that takes its course
 * anyway (`allow`), and none that waits for a challenge, a review or nothing (Authsignal §5.1). Refused: `enrolment_closed`, `replayed`
 * (the token has added another address), what `enrolVerifiedAddress` refuses.
 */
export async function finishCodeEnrolment(
  powers: Powers,
  asked: CodeBearer,
  { snapshot, identifier }: AwaitedCode,
  approve: () => Promise<Result<Snapshot, Refusal>>,
): Promise<Result<VerifiedActionCode, Refusal>> {
  const { action, client, user } = asked;
  const id = await authenticatorIdOf(powers, client, user.user.id, identifier);
  if (snapshot.view.state === "redeemed") {
    const authenticator = await standingAddress(powers, user.user.id, identifier, client);
    if (!authenticator) return no({ code: "unknown_challenge" });
    const meets = action.state === "challenge_succeeded" && action.challengeId === snapshot.spec.id;
    return ok({ snapshot, enrolled: { user, authenticator, isNew: false }, meets });
  }
  const refused = await refusedAlready(powers, asked, identifier, id);
  if (refused) return no(refused);
  const { ip } = asked.origin;
  const who = userSubject(user.user.id);
  const use = await powers.handles.digest(["enrol", asked.tokenId, enrolledAs(asked.methods[0])]);
  if (!(await powers.inboxes.spend(who, use, id))) return no({ code: "replayed" });
  const enrolled = await enrolVerifiedAddress(powers, {
    user,
    identifier,
    client,
    assertedBy: "proof",
    by: { actor: `client:${client.id}`, ...(ip === undefined ? {} : { ip }) },
    onlyFirst: !asked.mayAdd,
  });
  if (!enrolled.ok) {
    await powers.inboxes.unspend(who, use);
    return enrolled;
  }
  const approved = await approve();
  if (!approved.ok) return approved;
  return await finish(powers, asked, approved.value, enrolled.value);
}

/** What a refusal can be told by reading alone: a page polls on after one, and must cost no writes. The writing asks again. */
async function refusedAlready(
  powers: Pick<Services, "users" | "devices" | "authenticators">,
  asked: CodeBearer,
  identifier: ReadIdentifier,
  id: string,
): Promise<Refusal | undefined> {
  if (needsScope(asked)) return { code: "enrolment_closed" };
  const { client, user, mayAdd } = asked;
  const [claimers, enrolled] = await Promise.all([
    weakerHoldersOf(powers, client, user, identifier, "proof"),
    mayAdd ? NOTHING_ENROLLED : enrolledOf(powers, user.user.id),
  ]);
  if (!claimers.ok) return claimers.error;
  const others = { ...enrolled, rows: enrolled.rows.filter((row) => row.id !== id) };
  return neverEnrolled(others) ? undefined : { code: "enrolment_closed" };
}

/** An action that takes its course is left to be collected by the waiter; every other challenge of an enrolment ends here. */
async function finish(
  powers: Powers,
  { action, client, origin: { ip } }: CodeBearer,
  snapshot: VerifiedActionCode["snapshot"],
  enrolled: EnrolledAddress,
): Promise<Result<VerifiedActionCode, Refusal>> {
  // Met by this very challenge, when an outage took the answer.
  const wasMet = action.state === "challenge_succeeded" && action.challengeId === snapshot.spec.id;
  if (action.state === "allow" || wasMet) return ok({ snapshot, enrolled, meets: true });
  if (snapshot.view.state === "approved") {
    const { id } = snapshot.spec;
    await redeemChallenge(powers, {
      snapshot,
      client,
      lane: "standard",
      waiterProof: await powers.handles.waiterProof(["authsignal_enrol", client.id, id]),
      subject: () => ({}),
      withGrant: false,
      ...(ip === undefined ? {} : { ip }),
    });
  }
  return ok({ snapshot, enrolled, meets: false });
}
