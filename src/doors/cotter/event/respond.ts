import type { Context } from "hono";
import { decideChallenge } from "../../../core/challenge/decide.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { refuse } from "../errors.ts";
import type { RespondBody } from "../schema.ts";
import { provenBy, refuseOnRecord, signerOf } from "../signed/signer.ts";
import { readyToState, stated } from "../signed/statement.ts";
import { promptEvent } from "../translate.ts";
import { readNumber } from "./numbers.ts";
import { promptOfNumber, type Shown } from "./prompts.ts";

/** Row 12 of Cotter §3.1: a trusted device approves or rejects what awaits its user. */
export async function respond(c: Context<AppEnv>, id: string, body: RespondBody): Promise<Response> {
  const powers = services(c);
  const number = readNumber(id);
  const signer = await signerOf(c, body);
  if (!signer) return refuse(c, { code: "unknown_user" });
  const { record, text } = signer;
  const { client } = c.var;
  const shown =
    number === undefined ? undefined : await promptOfNumber(powers, client, record.user.id, number);
  if (!shown) return refuse(c, { code: "unknown_challenge" });
  const mismatch = mismatchOf(client.id, shown, body);
  if (mismatch) return refuse(c, mismatch);
  const proof = await provenBy(c, signer, body.code, {
    user: text,
    issuer: body.issuer,
    event: body.event,
    timestamp: body.timestamp,
    approved: body.approved,
  });
  if (!proof.ok) return refuseOnRecord(c, record.user.id, proof.error);
  const { ip } = originOf(c);
  await readyToState(powers);
  const decided = await decideChallenge(powers, {
    prompt: shown.prompt,
    proof: proof.value,
    ...(ip === undefined ? {} : { ip }),
  });
  if (!decided.ok) return refuseOnRecord(c, record.user.id, decided.error);
  const at = powers.clock.now();
  return c.json(
    await stated(
      powers,
      promptEvent(
        shown,
        record,
        client,
        { answer: { approved: body.approved, at }, place: true },
        "everything",
      ),
    ),
  );
}

/**
 * The echo must be the prompt's own: a device signs what was shown (Cotter §10.6). As `issuer` some SDKs sign the one that they were
 * shown, which is who asks, and the others the id of their own app.
 */
function mismatchOf(caller: string, { prompt, event }: Shown, body: RespondBody): Refusal | undefined {
  if (body.issuer !== prompt.clientId && body.issuer !== caller)
    return { code: "prompt_mismatch", detail: "issuer" };
  if (body.event !== event) return { code: "prompt_mismatch", detail: "event" };
  if (body.timestamp !== String(prompt.signingSecond))
    return { code: "prompt_mismatch", detail: "timestamp" };
  return undefined;
}
