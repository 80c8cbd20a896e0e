import { admits } from "../../../core/challenge/approvers.ts";
import { signInAtOnce } from "../../../core/challenge/at-once.ts";
import type { VerifiedProof } from "../../../core/challenge/proof.ts";
import { askerOf, type Client } from "../../../core/client/client.ts";
import type { Device, PasskeyState } from "../../../core/device/device.ts";
import { tellsNews } from "../../../core/device/passkey.ts";
import type { Redeemed } from "../../../core/ports/challenges.ts";
import type { PasskeyAnswer } from "../../../core/ports/secrets.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { type IssuedCode, issueCounted } from "../code/issue.ts";
import type { CodeKind, CodePurpose } from "../code/user-code.ts";
import { originsOf, readCeremony } from "./ceremony.ts";

export type SelfIssue = PasskeyAnswer & {
  readonly client: Client;
  readonly user: UserRecord;
  readonly kind: CodeKind;
  readonly challenge: string;
  readonly credentialId: string;
  readonly ip?: string | undefined;
};

type Powers = Parameters<typeof issueCounted>[0] &
  Parameters<typeof signInAtOnce>[0] &
  Pick<Services, "proofs" | "secrets" | "config" | "devices">;

/** The ticket of a ceremony that asks for a code. */
export const ticketOf = (kind: CodeKind, purpose: CodePurpose): string => `${kind}/${purpose}`;

/** Whether this device is a passkey of this door that answers for the client: one of another door belongs to another site. */
export const signsHere = (client: Client, device: Device): boolean =>
  device.door === "loginid" && admits(askerOf(client), device);

const PURPOSES: readonly CodePurpose[] = ["sign_in", "enrol_device"];

type Signed = {
  readonly purpose: CodePurpose;
  readonly device: Device;
  readonly proof: VerifiedProof;
  readonly state: PasskeyState;
};

const refused = (detail: string) => no<Refusal>({ code: "not_allowed", detail });

/**
 * A user's own passkey signs in and asks for a code in one signature; the code is approved from birth by that signature. All that
 * is wrong before the signature is found good is one refusal, so that nothing is told of who has which passkey. It is
 * no start of the client's: a device of its users has signed.
 */
export async function selfIssueCode(
  powers: Powers,
  asked: SelfIssue,
): Promise<Result<{ readonly redeemed: Redeemed; readonly issued: IssuedCode }, Refusal>> {
  const signed = await readSignature(powers, asked);
  if (!signed.ok) return signed;
  // Before the counter and the signature are used up for an answer that cannot be signed.
  await powers.keyring.ready("standard");
  return await signInAndIssue(powers, asked, signed.value);
}

async function readSignature(powers: Powers, asked: SelfIssue): Promise<Result<Signed, Refusal>> {
  const { client, user, kind, challenge } = asked;
  const userId = user.user.id;
  const ceremony = await readCeremony(powers, { client, userId }, "generate", challenge);
  const purpose = PURPOSES.find((one) => ceremony?.ticket === ticketOf(kind, one));
  if (!ceremony || !purpose) return refused("the challenge is not one of these five minutes");
  const owned = await powers.devices.ofUser(userId);
  const device = owned.find((one) => one.credentialId === asked.credentialId && signsHere(client, one));
  if (!device) return refused("no such passkey");
  const { rpId } = ceremony;
  const origins = originsOf(client, powers.config, rpId);
  const checked = await powers.proofs.passkey(user.user, device, asked, { challenge, origins, rpId });
  if (checked.ok) return ok({ purpose, device, ...checked.value });
  return checked.error.code === "user_locked" ? no(checked.error) : refused("the passkey did not sign this");
}

async function signInAndIssue(
  powers: Powers,
  { client, user, kind, ip }: SelfIssue,
  { purpose, device, proof, state }: Signed,
): Promise<Result<{ readonly redeemed: Redeemed; readonly issued: IssuedCode }, Refusal>> {
  if (tellsNews(device, state) && !(await powers.devices.notePasskey(device.id, state))) {
    return refused("the passkey's counter went back, or it was removed");
  }
  const signedIn = await signInAtOnce(powers, {
    door: "loginid",
    client,
    purpose: "sign_in",
    scope: "access",
    context: {},
    origin: ip === undefined ? {} : { ip },
    proof,
    lane: "standard",
    replayWindow: 0,
    draw: async () => ({ id: powers.challenges.fresh(), waiterProof: powers.chance.text(32) }),
  });
  if (!signedIn.ok) return signedIn.error.code === "replayed" ? refused("the challenge was used") : signedIn;
  const issued = await issueCounted(powers, { client, user, kind, purpose, approved: true, by: proof, ip });
  return issued.ok ? ok({ redeemed: signedIn.value, issued: issued.value }) : issued;
}
