import type { Context } from "hono";
import type * as z from "zod";
import { claimChallenge, decideChallenge, decideClaimed } from "../../../core/challenge/decide.ts";
import { checkMatchCode } from "../../../core/challenge/match-code.ts";
import type { VerifiedProof } from "../../../core/challenge/proof.ts";
import { Outage } from "../../../core/fault.ts";
import { type ChallengeId, userSubject } from "../../../core/ids.ts";
import type { Prompt } from "../../../core/inbox/state.ts";
import type { Applied, Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, type Result } from "../../../core/result.ts";
import { type Millis, SECOND } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { failUntracked, putOnRecord } from "../action/claimed.ts";
import { bringAlong } from "../action/collect.ts";
import { detailsOf, userCustomFor } from "../action/details.ts";
import { hears } from "../action/webhook.ts";
import { type Holder, holderOf, refuseOnRecord, signedBy } from "../enrolment/credentials.ts";
import { keepPushToken } from "../enrolment/device.ts";
import type { Namespace } from "../enrolment/enrolled.ts";
import { refuse } from "../errors.ts";
import type { answerBody, claimBody } from "../schema.ts";
import { requestedBy, shownContext, userOf } from "../translate.ts";
import { canAnswer } from "./prompts.ts";

type Answer = z.output<typeof answerBody>;

/** §6.6 answer: a decision about a listed prompt, or about a challenge that this credential has claimed. Both ways are a 200. */
export async function answerChallenge(
  c: Context<AppEnv>,
  namespace: Namespace,
  body: Answer,
): Promise<Response> {
  const powers = services(c);
  const holder = await holderOf(c, namespace, body.publicKey);
  if (!holder.ok) return refuse(c, holder.error);
  const id = powers.challenges.parse(body.challengeId);
  if (id === undefined) return refuse(c, { code: "unknown_challenge" });
  const decided = await decide(c, namespace, holder.value, id, body);
  if (!decided.ok) {
    const said = await saidBefore(c, id, body, decided.error);
    if (said) return c.json({ isVerified: (await settled(c, holder.value, said)) && body.approved });
    return refuseOnRecord(c, holder.value, decided.error);
  }
  await failUntracked(powers, decided.value, holder.value.user);
  return c.json({ isVerified: (await settled(c, holder.value, decided.value)) && body.approved });
}

/** Names the bytes of a signature, however they are spelled. */
const evidenceOf = (powers: Pick<Services, "handles" | "proofs">, signature: string): Promise<string> =>
  powers.handles.digest(["signature", powers.proofs.signatureMark(signature)]);

/** Refusals of what was decided already; each comes behind the check of the signature. */
const DECIDED: ReadonlySet<Refusal["code"]> = new Set(["already_decided", "redeemed", "denied", "cancelled"]);
/** A phone, or its HTTP library, sends the same call again when the answer was lost. */
const REPEATED: Millis = 30 * SECOND;

/** The challenge, if this very call has decided it a moment ago. */
async function saidBefore(
  c: Context<AppEnv>,
  id: ChallengeId,
  { approved, signature }: Answer,
  { code }: Refusal,
): Promise<Snapshot | undefined> {
  const powers = services(c);
  const snapshot = DECIDED.has(code) ? await powers.challenges.read(id) : undefined;
  if (!snapshot) return undefined;
  const word = approved ? "approved" : "denied";
  // The bytes verify under this device's key, so no other device said them.
  const said = await evidenceOf(powers, signature);
  const since = powers.clock.now() - REPEATED;
  const isSaid = snapshot.timeline.some(
    ({ what, evidence, at }) => what === word && evidence === said && at > since,
  );
  return isSaid ? snapshot : undefined;
}

async function decide(
  c: Context<AppEnv>,
  namespace: Namespace,
  holder: Holder,
  id: ChallengeId,
  body: Answer,
): Promise<Result<Applied, Refusal>> {
  const powers = services(c);
  const { device } = holder;
  const listed =
    namespace === "qr-code" ? undefined : await powers.inboxes.find(userSubject(device.userId), id);
  const prompt = listed && canAnswer(listed, device) ? listed : undefined;
  if (!prompt && (listed || namespace === "push")) return no({ code: "unknown_challenge" });
  const scanned = prompt ? undefined : await powers.challenges.read(id);
  if (!prompt && !scanned?.spec.requiresClaim) return no({ code: "unknown_challenge" });
  const proof = await signedBy(c, holder, id, body.signature, body.approved ? "approve" : "deny");
  if (!proof.ok) return proof;
  const { ip } = originOf(c);
  const from = { evidence: await evidenceOf(powers, body.signature), ...(ip === undefined ? {} : { ip }) };
  if (prompt) return await decideListed(c, prompt, proof.value, body, from);
  if (!scanned) return no({ code: "unknown_challenge" });
  return await decideClaimed(powers, scanned, { challengeId: id, proof: proof.value, ...from });
}

async function decideListed(
  c: Context<AppEnv>,
  prompt: Prompt,
  proof: VerifiedProof,
  body: Answer,
  from: { readonly evidence: string; readonly ip?: string },
): Promise<Result<Applied, Refusal>> {
  const powers = services(c);
  if (body.approved && prompt.demands.matchCode && prompt.status.name === "live") {
    const snapshot = await powers.challenges.read(prompt.challengeId);
    if (!snapshot) return no({ code: "unknown_challenge" });
    const matched = await checkMatchCode(powers, snapshot, proof.userId, body.verificationCode);
    if (!matched.ok) return matched;
  }
  return await decideChallenge(powers, { prompt, proof, ...from });
}

/**
 * Brings the action along, so that the backend sees it without a poll: behind the answer, unless the client's `action.verify` has a say, which
 * the phone is told. The decision stands whatever fails here: until the row is written its challenge answers for it, and whoever asks
 * settles it (settled question 26).
 */
async function settled(c: Context<AppEnv>, { device }: Holder, applied: Snapshot): Promise<boolean> {
  const powers = services(c);
  if (applied.view.state === "approved" || applied.view.state === "redeemed") {
    powers.background(() => keepPushToken(powers, device, undefined, powers.clock.now()));
  }
  // A waiter's order was carried out with the approval, and its waiter brings the action along.
  if (applied.view.state === "redeemed") return true;
  if (applied.view.state === "cancelled") return false;
  return await unlessAway(powers, applied, async () => {
    const client = await powers.clients.find(applied.spec.clientId);
    if (!client) return true;
    const bring = async () => {
      const after = await bringAlong(powers, client, applied);
      return after === undefined || after.state === "challenge_succeeded";
    };
    if (applied.view.state === "approved" && hears(client, "action.verify")) return await bring();
    powers.background(() => unlessAway(powers, applied, bring));
    return true;
  });
}

/** What `bring` answers; yes where it cannot be done now. */
async function unlessAway(
  { log }: Pick<Services, "log">,
  { spec }: Snapshot,
  bring: () => Promise<boolean>,
): Promise<boolean> {
  try {
    return await bring();
  } catch (cause) {
    if (!(cause instanceof Outage)) throw cause;
    log("warn", "an action is not settled yet", { challengeId: spec.id, cause });
    return true;
  }
}

/** §6.6 claim: a credential that scanned a QR code binds itself to its challenge, and is shown what is asked. */
export async function claim(
  c: Context<AppEnv>,
  namespace: Namespace,
  body: z.output<typeof claimBody>,
): Promise<Response> {
  const powers = services(c);
  const holder = await holderOf(c, namespace, body.publicKey);
  if (!holder.ok) return refuse(c, holder.error);
  const id = powers.challenges.parse(body.challengeId);
  const found = id && (await powers.challenges.read(id));
  if (!id || found?.spec.requiresClaim !== true) return refuse(c, { code: "unknown_challenge" });
  const proof = await signedBy(c, holder.value, id, body.signature);
  if (!proof.ok) return refuse(c, proof.error);
  const { ip } = originOf(c);
  const claimed = await claimChallenge(powers, {
    challengeId: id,
    proof: proof.value,
    evidence: await evidenceOf(powers, body.signature),
    ...(ip === undefined ? {} : { ip }),
  });
  if (!claimed.ok) return refuseOnRecord(c, holder.value, claimed.error);
  await putOnRecord(powers, claimed.value, holder.value.user);
  const { spec } = claimed.value;
  const { action, idem, unlisted } = spec.context;
  const { userId } = holder.value.device;
  const { client } = holder.value;
  const [custom, userCustom, asker] = await Promise.all([
    detailsOf(powers, spec, userId),
    userCustomFor(powers, holder.value),
    spec.clientId === client.id ? client : powers.clients.find(spec.clientId),
  ]);
  return c.json({
    success: true,
    ...requestedBy(client, { id: spec.clientId, name: asker?.name ?? spec.clientId }),
    ...shownContext(spec, custom),
    ...(action === undefined || unlisted === true ? {} : { actionCode: action }),
    ...(idem === undefined ? {} : { idempotencyKey: idem }),
    ...userOf(userCustom),
  });
}
