import type { Context } from "hono";
import type * as z from "zod";
import { recoveryOf } from "../../../core/client/settings.ts";
import { identifierIdOf } from "../../../core/code/subject.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { DAY, type Instant, toSeconds } from "../../../core/time.ts";
import {
  type ExchangedCode,
  redeemAuthorizationCode,
} from "../../../hosted/verification/redeem-authorization-code.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { refuse } from "../errors.ts";
import type { identityBody } from "../schema.ts";
import { identityStatement } from "../signed/signing-input.ts";
import { readyToState } from "../signed/statement.ts";
import { firstBundle } from "../tokens.ts";
import { subjectOf, userWire } from "../translate.ts";
import { claimerOf } from "./claimer.ts";
import { ambientOf, handOver, keyDigest } from "./enrolment-key.ts";
import { placeHint } from "./place-hint.ts";

const ZERO_TIME = "0001-01-01T00:00:00Z";
/** How long the vendor's identity says that it is good for (Cotter §4.8). */
const IDENTITY_LIFETIME = 30 * DAY;

/**
 * Row 13 of Cotter §3.1: the authorization code of the hosted page for tokens and a signed identity. Tokens are always there: iOS asks
 * for them without saying so. Whatever is wrong with the code is one answer, 400: WEB tries again on 500.
 */
export async function getIdentity(
  c: Context<AppEnv>,
  body: z.output<typeof identityBody>,
): Promise<Response> {
  const powers = services(c);
  const { client } = c.var;
  await readyToState(powers);
  const exchanged = await redeemAuthorizationCode(powers, {
    client,
    code: body.authorization_code,
    number: body.challenge_id,
    redirectUrl: body.redirect_url,
    codeVerifier: body.code_verifier,
    origin: originOf(c),
    ...(client.settings.enrol_after_proof ? { ambient: await ambientOf(c) } : {}),
    keyDigest: (key) => keyDigest(c, key),
    ...placeHint(c.req.raw),
    subject: subjectOf(client),
    claimer: (named) => claimerOf(c, named),
  });
  if (!exchanged.ok) return refuseCode(c, exchanged.error);
  const { grant, facts } = exchanged.value.redeemed;
  if (!grant) throw new Error("an exchanged code opened a grant");
  const { devices, enrolmentKey } = exchanged.value;
  const mayEnrol = devices.length === 0 || recoveryOf(client.settings) === "lost";
  if (mayEnrol && enrolmentKey !== undefined) handOver(c, enrolmentKey);
  return c.json({
    ...(await identityOf(c, exchanged.value)),
    oauth_token: await firstBundle(powers, client, grant, facts),
    user: userWire(exchanged.value.user, client, devices, "everything"),
  });
}

function refuseCode(c: Context<AppEnv>, refusal: Refusal): Response {
  if (refusal.code === "user_locked" || refusal.code === "not_allowed") return refuse(c, refusal);
  return c.json({ msg: "Authorization code is not valid" }, 400);
}

const iso = (at: Instant): string => new Date(at).toISOString();

async function identityOf(c: Context<AppEnv>, { redeemed, verification, user }: ExchangedCode) {
  const powers = services(c);
  const { identifier } = verification;
  const { approval } = redeemed.snapshot.view;
  const at = approval?.at ?? redeemed.snapshot.spec.createdAt;
  const own = user.identifiers.find(
    ({ kind, normal }) => kind === identifier.kind && normal === identifier.normal,
  );
  const id = await identifierIdOf(powers, identifier);
  const shown = {
    identifier: own?.value ?? identifier.value,
    identifier_type: identifier.kind === "phone" ? "PHONE" : "EMAIL",
  };
  const signed = {
    ...shown,
    receiver: c.get("client").id,
    expire_at: String(toSeconds(at + IDENTITY_LIFETIME)),
  };
  return {
    identifier: {
      ID: id,
      created_at: iso(own?.createdAt ?? at),
      updated_at: iso(at),
      update_at: iso(at),
      deleted_at: ZERO_TIME,
      ...shown,
      public_key: "",
      device_type: "BROWSER",
      device_name: redeemed.snapshot.spec.origin.userAgent ?? "",
      expiry: iso(at + IDENTITY_LIFETIME),
      timestamp: iso(at),
    },
    token: {
      identifier_id: id,
      ...signed,
      timestamp: String(toSeconds(at)),
      signature: await powers.keyring.signStatement(identityStatement(signed)),
    },
  };
}
