import type { Context } from "hono";
import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import type { Client } from "../../../core/client/client.ts";
import { browserSecret, isOwnForm } from "../../../hosted/browser.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { readForm } from "../../../http/form.ts";
import { trouble } from "../authorize/back.ts";
import { markedPlace } from "../authorize/place.ts";
import type { Place } from "../session/place.ts";
import { placeAt } from "../session/place-at.ts";
import { openSession } from "../session/session.ts";
import { showSignIn } from "../session/sign-in-page.ts";
import { signInByPasskey } from "./sign-in.ts";
import { boundTo } from "./way.ts";

/** Bytes of a form with what an authenticator says. */
export const LONGEST = 32_768;

/** `POST /oauth/sign-in/passkey`: what a passkey has signed signs this browser in. */
export async function takePasskey(c: Context<AppEnv>): Promise<Response> {
  const form = await readForm(c, LONGEST);
  if (!form || !(await isOwnForm(c, form.csrf))) return await trouble(c, "form");
  const at = await placeAt(c, form.to ?? "");
  if (at instanceof Response) return at;
  const { client } = at;
  const signed = await signInByPasskey(services(c), {
    client,
    bound: boundTo(browserSecret(c) ?? "", at),
    answer: {
      challenge: form.challenge ?? "",
      credentialId: form.credential_id ?? "",
      clientData: form.client_data ?? "",
      authenticatorData: form.authenticator_data ?? "",
      signature: form.signature ?? "",
      userHandle: form.user_handle ?? "",
    },
    origin: originOf(c),
  });
  const opened = signed.ok ? await openSession(c, client, signed.value) : signed;
  if (opened.ok) return c.redirect(await markedPlace(c, opened.value, at.place, "signed_in"), 303);
  const { error } = opened;
  return error.code === "user_locked"
    ? await trouble(c, "locked")
    : await refused(c, at, error.code === "not_allowed" ? error.detail : error.code);
}

/** One answer, whatever was wrong; the record has the reason. */
async function refused(c: Context<AppEnv>, at: Place, reason: string): Promise<Response> {
  await missPasskey(c, at.client, reason);
  // A good signature is nothing that could be guessed, so it was looked at before.
  if (services(c).limits.blocked(originOf(c).ip)) return await trouble(c, "busy");
  return await showSignIn(c, at, { isPasskeyRefused: true, status: 422 });
}

/** A passkey that was refused counts as a wrong code does, for the address, and is on record. */
export async function missPasskey(c: Context<AppEnv>, client: Client, reason: string): Promise<void> {
  const { limits } = services(c);
  const { ip } = originOf(c);
  noteRefusal(services(c), {
    type: "passkey_refused",
    subject: limits.network(ip) ?? "anybody",
    clientId: client.id,
    reason,
    ...(ip === undefined ? {} : { ip }),
  });
  await limits.miss(ip);
}
