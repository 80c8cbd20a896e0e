import type { Context } from "hono";
import { decideNamed } from "../../../core/challenge/decide.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { refuse } from "../errors.ts";
import type { RespondBody } from "../schema.ts";
import { provenBy, refuseOnRecord, signerOf } from "../signed/signer.ts";
import { readyToState, stated } from "../signed/statement.ts";
import { promptEvent } from "../translate.ts";
import { readNumber } from "./numbers.ts";
import { namedBy } from "./prompts.ts";

/** Row 12 of Cotter §3.1: a trusted device approves or rejects what awaits its user. */
export async function respond(c: Context<AppEnv>, id: string, body: RespondBody): Promise<Response> {
  const powers = services(c);
  const number = readNumber(id);
  const signer = await signerOf(c, body);
  if (!signer) return refuse(c, { code: "unknown_user" });
  if (number === undefined) return refuse(c, { code: "unknown_challenge" });
  const { record, text } = signer;
  const { client } = c.var;
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
  const decided = await decideNamed(powers, {
    named: namedBy(client, number, body),
    proof: proof.value,
    ...(ip === undefined ? {} : { ip }),
  });
  if (!decided.ok) return refuseOnRecord(c, record.user.id, decided.error);
  const at = powers.clock.now();
  // It was compared with what the device has said of it.
  const shown = { prompt: decided.value, event: body.event };
  const told = { answer: { approved: body.approved, at }, place: true };
  return c.json(await stated(powers, promptEvent(shown, record, client, told, "everything")));
}
