import type { ChallengeSpec, JsonObject, Origin } from "../../../core/challenge/state.ts";
import { askerOf, type Client } from "../../../core/client/client.ts";
import {
  type Bound,
  CEREMONY,
  type Ceremony,
  ownCeremony,
  readCeremony,
} from "../../../core/device/ceremony.ts";
import type { Device } from "../../../core/device/device.ts";
import { signsInFor } from "../../../core/device/own-pages.ts";
import { tellsNews, userHandle } from "../../../core/device/passkey.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { PasskeyAnswer } from "../../../core/ports/secrets.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { PASSKEY_ACR } from "../acr.ts";
import { REPLAY_WINDOW, SESSION_LIFETIME } from "../lifetimes.ts";
import { type OAuthSubject, requestContext } from "../request.ts";

/** What a browser brings of a passkey's signature (WebAuthn §7.2), each base64url. */
export type SignedIn = PasskeyAnswer & {
  readonly challenge: string;
  readonly credentialId: string;
  readonly userHandle: string;
};

type Asked = {
  readonly client: Client;
  readonly bound: Bound;
  readonly answer: SignedIn;
  readonly origin: Origin;
};

type Powers = Pick<
  Services,
  | "handles"
  | "clock"
  | "chance"
  | "secrets"
  | "config"
  | "devices"
  | "users"
  | "proofs"
  | "keyring"
  | "challenges"
>;

type Refused = RefusalOf<"not_allowed" | "user_locked">;

const refused = (detail: string) => no<Refused>({ code: "not_allowed", detail });

/**
 * Takes a passkey's signature for a sign-in on our own page: the answer is a challenge that is approved already. Whatever is wrong before the
 * signature is found good is `not_allowed`, with a detail for the record alone: who has which passkey is told to nobody. `user_locked`
 * is for whoever has signed.
 */
export async function signInByPasskey(powers: Powers, asked: Asked): Promise<Result<Snapshot, Refused>> {
  const { client, bound, answer, origin } = asked;
  const ceremony = await readCeremony(powers, bound, answer.challenge);
  const expected = ceremony && ownCeremony(powers, ceremony);
  if (!ceremony || !expected) return refused("the challenge is not one of these five minutes");
  const device = await powers.devices.byCredentialId(client.realm, answer.credentialId);
  if (!device || !signsInFor(client, device)) return refused("no such passkey");
  if (answer.userHandle !== userHandle(device.userId)) return refused("the passkey is another user's");
  const user = await powers.users.byId(device.userId, client.realm);
  if (!user) return refused("no such user");
  const checked = await powers.proofs.passkey(user.user, device, answer, expected);
  if (!checked.ok) {
    return checked.error.code === "user_locked" ? no(checked.error) : refused(reasonOf(checked.error));
  }
  const { proof, state } = checked.value;
  // Before the counter and the challenge are used up for a session that cannot be opened.
  await powers.keyring.ready("standard");
  if (tellsNews(device, state) && !(await powers.devices.notePasskey(device.id, state))) {
    return refused("the passkey's counter went back, or it was removed");
  }
  const spec = await specOf(powers, { client, origin, device, ceremony });
  const opened = await powers.challenges.openSettled(spec, proof);
  if (opened.ok) return ok(opened.value);
  return refused(opened.error.code === "occupied" ? "the challenge was used" : opened.error.code);
}

const reasonOf = (refusal: { readonly code: string; readonly detail?: string }): string =>
  refusal.detail ?? refusal.code;

/** The object of the ceremony itself: a challenge that comes again finds it occupied, so it is good once. */
async function specOf(
  { handles, challenges, chance }: Powers,
  {
    client,
    origin,
    device,
    ceremony,
  }: Pick<Asked, "client" | "origin"> & { readonly device: Device; readonly ceremony: Ceremony },
): Promise<ChallengeSpec> {
  const { id, began } = ceremony;
  const subject: OAuthSubject = { acr: PASSKEY_ACR };
  return {
    id: challenges.named(await handles.pepper(["oauth-passkey-signed"], id)),
    door: "oauth",
    ...askerOf(client),
    // Whose passkeys sign in here is no question of prompts: `signsInFor` has said it.
    approvers: "realm",
    purpose: "sign_in",
    userId: device.userId,
    onlyDevice: device.id,
    scope: "browser",
    requiresClaim: false,
    nonce: chance.text(16),
    context: requestContext({ kind: "browser_session" }),
    subject: subject as JsonObject,
    grantLifetime: SESSION_LIFETIME,
    origin,
    createdAt: began,
    expiresAt: began + CEREMONY,
    redeemWindow: CEREMONY,
    replayWindow: REPLAY_WINDOW,
  };
}
