import { fromBase64Url, sha256, toBase64Url } from "./bytes.ts";

/** What a passkey has signed, as the server takes it. */
export type Assertion = {
  readonly credential_id: string;
  readonly client_data: string;
  readonly authenticator_data: string;
  readonly signature: string;
};

export const canPasskey = (): boolean =>
  typeof PublicKeyCredential !== "undefined" && navigator.credentials !== undefined;

/** The person said no, or their device did; it is not told which (WebAuthn §14.5.1). */
export class NoPasskey extends Error {}

async function get(options: PublicKeyCredentialRequestOptions): Promise<PublicKeyCredential> {
  try {
    const found = await navigator.credentials.get({ publicKey: options });
    if (found instanceof PublicKeyCredential) return found;
  } catch (cause) {
    throw new NoPasskey("no passkey was used", { cause });
  }
  throw new NoPasskey("no passkey was used");
}

function assertionOf(credential: PublicKeyCredential): Assertion & { readonly user_handle: string } {
  const answer = credential.response as AuthenticatorAssertionResponse;
  return {
    credential_id: credential.id,
    client_data: toBase64Url(answer.clientDataJSON),
    authenticator_data: toBase64Url(answer.authenticatorData),
    signature: toBase64Url(answer.signature),
    user_handle: toBase64Url(answer.userHandle ?? new Uint8Array()),
  };
}

/** Any passkey of this service signs what the server has asked. */
export const signIn = async (begun: {
  readonly challenge: string;
  readonly rp_id: string;
  readonly timeout: number;
}) =>
  assertionOf(
    await get({
      challenge: fromBase64Url(begun.challenge),
      rpId: begun.rp_id,
      timeout: begun.timeout,
      userVerification: "required",
    }),
  );

/** This passkey signs a text, behind the device's unlock. */
export async function signText(text: string, credentialId: string, rpId: string): Promise<Assertion> {
  const signed = await get({
    challenge: new Uint8Array(await sha256(text)),
    rpId,
    allowCredentials: [{ type: "public-key", id: fromBase64Url(credentialId) }],
    userVerification: "required",
  });
  const { user_handle: _, ...assertion } = assertionOf(signed);
  return assertion;
}

// biome-ignore lint/suspicious/noExplicitAny: creation options as the server has put them, with base64url in the place of bytes
export async function makePasskey(asked: any) {
  const options: PublicKeyCredentialCreationOptions = {
    ...asked,
    challenge: fromBase64Url(asked.challenge),
    user: { ...asked.user, id: fromBase64Url(asked.user.id) },
    excludeCredentials: asked.excludeCredentials.map((one: { id: string }) => ({
      type: "public-key",
      id: fromBase64Url(one.id),
    })),
  };
  let made: Credential | null;
  try {
    made = await navigator.credentials.create({ publicKey: options });
  } catch (cause) {
    throw new NoPasskey(isTwin(cause) ? "twin" : "no passkey was made", { cause });
  }
  if (!(made instanceof PublicKeyCredential)) throw new NoPasskey("no passkey was made");
  const answer = made.response as AuthenticatorAttestationResponse;
  return {
    credential_id: made.id,
    client_data: toBase64Url(answer.clientDataJSON),
    attestation_data: toBase64Url(answer.attestationObject),
  };
}

/** This device has one of the person's passkeys already (WebAuthn §5.1.3, step 20). */
const isTwin = (cause: unknown): boolean =>
  cause instanceof DOMException && cause.name === "InvalidStateError";
