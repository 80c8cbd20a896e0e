import type { Context } from "hono";
import type { AtOnce } from "../../../core/challenge/at-once.ts";
import { signInAtOnce } from "../../../core/challenge/at-once.ts";
import type { VerifiedProof } from "../../../core/challenge/proof.ts";
import { enrolByDevice } from "../../../core/device/enrol-by-device.ts";
import { tellDeviceEnrolled } from "../../../core/device/notify.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { MINUTE, SECOND } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { refuse } from "../errors.ts";
import { REPLAY_WINDOW } from "../lifetimes.ts";
import type { CreateEventBody } from "../schema.ts";
import { provenBy, refuseOnRecord, signerOf } from "../signed/signer.ts";
import { ENROL_EVENT } from "../signed/signing-input.ts";
import { readyToState, stated } from "../signed/statement.ts";
import { firstBundle } from "../tokens.ts";
import { eventContext, subjectOf, waiterEvent } from "../translate.ts";
import { readNewKey } from "../user/device-texts.ts";
import { drawSignedEvent } from "./numbers.ts";

/** How far a device's clock may be off, either way: phones drift, and one SDK rounds up (Cotter §10.7). */
const CLOCK_TOLERANCE = 5 * MINUTE;

/** Row 8 of Cotter §3.1: a trusted device signs itself in, or enrols another device whose QR text it has scanned. */
export async function createApproved(c: Context<AppEnv>, body: CreateEventBody): Promise<Response> {
  const unfit = unfitness(c, body);
  if (unfit) return refuse(c, unfit);
  const signer = await signerOf(c, body);
  if (!signer) return refuse(c, { code: "unknown_user" });
  const { record, text } = signer;
  const proof = await provenBy(c, signer, body.code, {
    user: text,
    issuer: body.issuer,
    event: body.event,
    timestamp: body.timestamp,
    approved: true,
    ...(body.register_new_device ? { newKey: body.new_device_public_key ?? "" } : {}),
  });
  if (!proof.ok) return refuseOnRecord(c, record.user.id, proof.error);
  await readyToState(services(c));
  const call = atOnce(c, record, body, proof.value);
  return body.register_new_device ? enrol(c, record, body, call) : signIn(c, record, call);
}

function unfitness(c: Context<AppEnv>, body: CreateEventBody): Refusal | undefined {
  if (body.issuer !== c.get("client").id) {
    return { code: "not_allowed", detail: "issuer is not this API_KEY_ID" };
  }
  const enrols = body.register_new_device === true;
  if (enrols ? body.event !== ENROL_EVENT : body.event.includes(ENROL_EVENT)) {
    return { code: "malformed", detail: "event: reserved name" };
  }
  if (enrols && !body.new_device_public_key) {
    return { code: "malformed", detail: "new_device_public_key: expected string" };
  }
  const off = Math.abs(services(c).clock.now() - Number(body.timestamp) * SECOND);
  return off > CLOCK_TOLERANCE ? { code: "stale", detail: "more than five minutes off" } : undefined;
}

type Call = { readonly asked: Omit<AtOnce, "subject">; readonly numberOf: (snapshot: Snapshot) => number };

function atOnce(c: Context<AppEnv>, record: UserRecord, body: CreateEventBody, proof: VerifiedProof): Call {
  const powers = services(c);
  const { client } = c.var;
  let number = 0;
  const asked: Call["asked"] = {
    door: "cotter",
    client,
    purpose: body.register_new_device ? "enrol_device" : "sign_in",
    scope: "access",
    context: eventContext(client, record, "everything", body.event),
    origin: originOf(c),
    proof,
    lane: "cotter",
    replayWindow: REPLAY_WINDOW,
    signedSecond: Number(body.timestamp),
    draw: async (turn) => {
      const narrow = body.location === undefined;
      const drawn = await drawSignedEvent(powers, client, { digest: proof.digest, narrow, turn });
      number = drawn.number;
      return drawn;
    },
  };
  return { asked, numberOf: () => number };
}

async function signIn(c: Context<AppEnv>, record: UserRecord, call: Call): Promise<Response> {
  const powers = services(c);
  const wanted = c.req.query("oauth_token") === "true";
  const signedIn = await signInAtOnce(powers, {
    ...call.asked,
    ...(wanted ? { subject: subjectOf(c.get("client"))(record) } : {}),
  });
  if (!signedIn.ok) return refuseOnRecord(c, record.user.id, signedIn.error);
  const { grant, facts, snapshot } = signedIn.value;
  const event = await stated(powers, waiterEvent(snapshot, call.numberOf(snapshot)));
  if (!grant) return c.json(event);
  return c.json({ ...event, oauth_token: await firstBundle(powers, c.get("client"), grant, facts) });
}

async function enrol(
  c: Context<AppEnv>,
  record: UserRecord,
  body: CreateEventBody,
  call: Call,
): Promise<Response> {
  const powers = services(c);
  const key = await readNewKey(powers, body.new_device_public_key ?? "", body.new_device_algorithm);
  if (!key.ok) return refuse(c, key.error);
  const enrolled = await enrolByDevice(powers, {
    ...call.asked,
    newDevice: { key: key.value, name: body.device_name ?? "", kind: body.device_type ?? "" },
  });
  if (!enrolled.ok) return refuseOnRecord(c, record.user.id, enrolled.error);
  const { device, settled } = enrolled.value;
  tellDeviceEnrolled(powers, { client: c.get("client"), user: record, device, origin: originOf(c) });
  return c.json(await stated(powers, waiterEvent(settled, call.numberOf(settled))));
}
