import { canonicalJson } from "@countersign/protocol/canonical";
import type { Context } from "hono";
import { toBase64Url } from "../../core/base64.ts";
import type { VerifiedProof } from "../../core/challenge/proof.ts";
import { ownCeremony } from "../../core/device/ceremony.ts";
import { reachOf } from "../../core/device/own-pages.ts";
import { tellsNews } from "../../core/device/passkey.ts";
import { userSubject } from "../../core/ids.ts";
import type { OnPage } from "../../core/ports/secrets.ts";
import type { Refusal } from "../../core/refusal.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { MINUTE, SECOND } from "../../core/time.ts";
import { type AppEnv, services } from "../../http/context.ts";
import type { PhoneCaller } from "./caller.ts";
import type { ActBody, SignedBody } from "./schema.ts";

/**
 * What a device of our page has signed, found good: over exactly this text, which the server has put together itself from what it asked to be
 * shown (T24). A passkey signs the SHA-256 of it as its challenge, behind the device's unlock; a key signs it as a JWS.
 */
export async function signedBy(
  c: Context<AppEnv>,
  { device, user }: PhoneCaller,
  text: string,
  { passkey, signature }: SignedBody,
  onPage: Omit<OnPage, "through">,
): Promise<Result<VerifiedProof, Refusal>> {
  const powers = services(c);
  const how = { ...onPage, through: reachOf(device) };
  if (device.credentialId === undefined) {
    return signature === undefined
      ? no({ code: "bad_signature" })
      : await powers.proofs.statement(user.user, device, text, signature, how);
  }
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const ceremony = ownCeremony(powers, { challenge: toBase64Url(new Uint8Array(digest)) });
  if (!ceremony || passkey === undefined || passkey.credential_id !== device.credentialId) {
    return no({ code: "bad_signature" });
  }
  const answer = {
    clientData: passkey.client_data,
    authenticatorData: passkey.authenticator_data,
    signature: passkey.signature,
  };
  const checked = await powers.proofs.passkey(user.user, device, answer, ceremony, { ...how, text });
  if (!checked.ok) return checked;
  const { proof, state } = checked.value;
  const isNews = tellsNews(device, state);
  return !isNews || (await powers.devices.notePasskey(device.id, state))
    ? ok(proof)
    : no({ code: "bad_signature" });
}

/** How far a device's clock may be from ours. */
export const SKEW = MINUTE;

type Act = {
  /** What it is good for, and nothing else. */
  readonly use: "remove_device" | "let_in_device" | "recovery_codes";
  /** The device that it is about, where that is another one. */
  readonly target?: string;
};

/** An act of a device that changes what its user has: signed for this use in this minute, and good once. */
export async function signedAct(
  c: Context<AppEnv>,
  caller: PhoneCaller,
  { use, target }: Act,
  body: ActBody,
): Promise<Result<VerifiedProof, Refusal>> {
  const { clock, config, inboxes, chance } = services(c);
  if (Math.abs(body.at * SECOND - clock.now()) > SKEW) return no({ code: "stale", detail: "at" });
  const text = canonicalJson({
    v: 1,
    iss: config.issuer,
    use,
    device: caller.device.id,
    at: body.at,
    ...(target === undefined ? {} : { target }),
  });
  const signed = await signedBy(c, caller, text, body, { decision: "approve" });
  if (!signed.ok) return signed;
  const { digest } = signed.value;
  const isFirst = await inboxes.spend(userSubject(caller.device.userId), digest, chance.uuid());
  return isFirst ? signed : no({ code: "replayed" });
}
