import { canonicalJson } from "@countersign/protocol/canonical";
import type { Context } from "hono";
import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import { decideChallenge, decideClaimed } from "../../../core/challenge/decide.ts";
import { checkMatchCode } from "../../../core/challenge/match-code.ts";
import type { VerifiedProof } from "../../../core/challenge/proof.ts";
import { amrOfSameDevice } from "../../../core/challenge/proximity.ts";
import { reportSignIn } from "../../../core/challenge/report.ts";
import { callerFrom } from "../../../core/client/caller-from.ts";
import type { Applied, Snapshot } from "../../../core/ports/challenges.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import type { PhoneCaller } from "../caller.ts";
import { refuse, say } from "../errors.ts";
import type { DecisionBody } from "../schema.ts";
import { signedBy } from "../signed.ts";
import { payloadOf } from "./asked.ts";
import { type Found, findAsked } from "./find.ts";
import type { Judged } from "./judge.ts";
import { judgeHere } from "./list.ts";

/** RFC 8176: more than one channel, here the screen that waits and the device that answers. */
const CHANNELS = "mca";

/**
 * `POST /approver/prompts/{id}/decision`: a device's signed answer over what was shown. Signature first, so that nobody without the key uses
 * up a guess at the number; then the number; then the inbox and the challenge, once (T28).
 */
export async function decide(c: Context<AppEnv>, caller: PhoneCaller, body: DecisionBody): Promise<Response> {
  const id = services(c).challenges.parse(c.req.param("id") ?? "");
  if (id === undefined) return refuse(c, { code: "unknown_challenge" });
  // What a number is compared with is the challenge's: it is read with what stands before the device.
  const isMatching = body.decision === "approve" && body.match_code !== undefined;
  const [found, challenge] = await Promise.all([
    findAsked(c, caller, id, body.scan),
    isMatching ? services(c).challenges.read(id) : undefined,
  ]);
  if (!found.ok) return refuse(c, { code: "unknown_challenge" });
  const isSeen = found.value.seen !== undefined;
  const judged = await judgeHere(c, caller, { ...found.value, isSeen });
  if (body.decision === "approve") {
    if (judged.whyNot !== undefined) return refuse(c, { code: "not_allowed", detail: judged.whyNot });
    if (judged.match === "number" && body.match_code === undefined) {
      return say(c, 400, "number_needed", "The number on the other screen has to come along.");
    }
  }
  const answered = await answer(c, caller, { ...found.value, challenge }, judged, body);
  if (!answered.ok) return refused(c, caller, answered.error);
  return c.json({ state: body.decision === "approve" ? "approved" : "denied" });
}

/** `challenge`: as it was found, where a number came along. */
type Asking = Found & { readonly challenge: Snapshot | undefined };

async function answer(
  c: Context<AppEnv>,
  caller: PhoneCaller,
  found: Asking,
  judged: Judged,
  body: DecisionBody,
): Promise<Result<Applied, Refusal>> {
  const { config, doors } = services(c);
  const { decision, match_code: number, scan, not_me: notMe, page } = body;
  const text = canonicalJson({
    ...payloadOf(config.issuer, found.client, found.asked, doors),
    decision,
    ...(number === undefined ? {} : { match_code: number }),
    ...(scan === undefined ? {} : { scan }),
    ...(notMe === undefined ? {} : { not_me: notMe }),
    ...(page === undefined ? {} : { page }),
  });
  const isMatched = decision === "approve" && (judged.match === "number" || found.seen?.by === "frame");
  const amr = (shown: readonly string[]) => {
    const own = judged.isMarked ? amrOfSameDevice(shown) : shown;
    return isMatched ? [...own, CHANNELS] : own;
  };
  const signed = await signedBy(c, caller, text, body, { decision, amr });
  if (!signed.ok) return signed;
  const matched =
    decision === "approve" && judged.match === "number"
      ? await match(c, found, caller, number)
      : ok(undefined);
  if (!matched.ok) return matched;
  const carried = () => carry(c, found, signed.value, page);
  return notMe && decision === "deny" ? await report(c, caller, found, carried) : await carried();
}

/** Compares the number that was typed; a guess is counted for the challenge and for the person (T04). */
async function match(
  c: Context<AppEnv>,
  { challenge }: Asking,
  { device }: PhoneCaller,
  number: string | undefined,
): Promise<Result<undefined, Refusal>> {
  // A challenge without a number passes the comparison, and none that asks for one has none.
  if (challenge?.spec.matchCodeHash === undefined) return no({ code: "unknown_challenge" });
  return await checkMatchCode(services(c), challenge, device.userId, number);
}

async function carry(
  c: Context<AppEnv>,
  { prompt, claimed, asked }: Found,
  proof: VerifiedProof,
  page: string | undefined,
): Promise<Result<Applied, Refusal>> {
  const powers = services(c);
  const { ip } = originOf(c);
  // Which build of the page asked is on record with the answer.
  const from = { ...(ip === undefined ? {} : { ip }), ...(page === undefined ? {} : { page }) };
  if (prompt) return await decideChallenge(powers, { prompt, proof, ...from });
  if (!claimed) throw new Error("a request is a prompt or a claimed challenge");
  const scanned = { challengeId: asked.challengeId, proof, evidence: proof.digest, ...from };
  return await decideClaimed(powers, claimed, scanned);
}

const ON_RECORD: ReadonlySet<Refusal["code"]> = new Set([
  "bad_signature",
  "bad_key",
  "replayed",
  "wrong_code",
  "out_of_guesses",
  "device_revoked",
]);

/** Whatever was wrong with a signature or a number is on record (T25). */
function refused(c: Context<AppEnv>, { device }: PhoneCaller, refusal: Refusal): Response {
  if (ON_RECORD.has(refusal.code)) {
    const { ip } = originOf(c);
    noteRefusal(services(c), {
      type: "decision_refused",
      subject: `device:${device.id}`,
      userId: device.userId,
      reason: refusal.code,
      ...(ip === undefined ? {} : { ip }),
    });
  }
  return refuse(c, refusal);
}

/** That somebody else began it silences whoever did. */
async function report(
  c: Context<AppEnv>,
  { device }: PhoneCaller,
  { asked, claimed }: Found,
  carried: () => Promise<Result<Applied, Refusal>>,
): Promise<Result<Applied, Refusal>> {
  const powers = services(c);
  const brought = claimed?.spec.brought ?? "nothing";
  const reported = {
    userId: device.userId,
    clientId: asked.clientId,
    challengeId: asked.challengeId,
    caller:
      asked.caller ??
      (brought === "secret" ? { brought } : await callerFrom(powers, "nothing", asked.origin.ip)),
    ip: originOf(c).ip,
  };
  return await reportSignIn(powers, reported, carried);
}
