import type { AssertionWire, AttestationWire } from "../../../protocol/src/approver.ts";
import { CountersignError, isCountersignError } from "../errors.ts";
import { fromBase64Url, toBase64Url } from "./bytes.ts";

/** What a passkey is asked; `challenge` is base64url. Without `credentialId` any passkey of this service may answer. */
export type PasskeyAsked = {
  readonly challenge: string;
  readonly rpId: string;
  readonly credentialId?: string;
  readonly timeout?: number;
};

/** Creation options as the server puts them, with base64url in the place of bytes (WebAuthn §5.4). */
export type CreationWire = {
  readonly challenge: string;
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly excludeCredentials: readonly { readonly id: string }[];
  readonly [name: string]: unknown;
};

/** Passkeys of a browser or an app. What the person does not go on with is a `CountersignError` `not_signed`. */
export type Passkeys = {
  get(asked: PasskeyAsked): Promise<AssertionWire & { readonly user_handle: string }>;
  create(options: CreationWire): Promise<AttestationWire>;
};

/** The person said no, or their device did; it is not told which (WebAuthn §14.5.1). `twin`: it has a passkey of this account already. */
const notSigned = (reason: "cancelled" | "twin", cause?: unknown) =>
  new CountersignError("not_signed", "No passkey was used.", { reason, cause });

async function get({ challenge, rpId, credentialId, timeout }: PasskeyAsked): Promise<PublicKeyCredential> {
  const publicKey: PublicKeyCredentialRequestOptions = {
    challenge: fromBase64Url(challenge),
    rpId,
    userVerification: "required",
    ...(timeout === undefined ? {} : { timeout }),
    ...(credentialId === undefined
      ? {}
      : { allowCredentials: [{ type: "public-key", id: fromBase64Url(credentialId) }] }),
  };
  try {
    const found = await navigator.credentials.get({ publicKey });
    if (found instanceof PublicKeyCredential) return found;
  } catch (cause) {
    throw notSigned("cancelled", cause);
  }
  throw notSigned("cancelled");
}

async function create(asked: CreationWire): Promise<AttestationWire> {
  const publicKey = {
    ...asked,
    challenge: fromBase64Url(asked.challenge),
    user: { ...asked.user, id: fromBase64Url(asked.user.id) },
    excludeCredentials: asked.excludeCredentials.map(({ id }) => ({
      type: "public-key",
      id: fromBase64Url(id),
    })),
  } as unknown as PublicKeyCredentialCreationOptions;
  let made: Credential | null;
  try {
    made = await navigator.credentials.create({ publicKey });
  } catch (cause) {
    throw notSigned(isTwin(cause) ? "twin" : "cancelled", cause);
  }
  if (!(made instanceof PublicKeyCredential)) throw notSigned("cancelled");
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

/** An app's own passkeys, whose faults are `not_signed` too. */
export function guarded({ get, create }: Passkeys): Passkeys {
  const refused = (cause: unknown): never => {
    throw isCountersignError(cause) ? cause : notSigned("cancelled", cause);
  };
  return { get: (asked) => get(asked).catch(refused), create: (options) => create(options).catch(refused) };
}

/** `navigator.credentials` as the seam of `createPhone`; undefined where a browser has no passkeys. */
export function browserPasskeys(): Passkeys | undefined {
  if (typeof PublicKeyCredential === "undefined" || navigator.credentials === undefined) return undefined;
  return {
    create,
    async get(asked) {
      const credential = await get(asked);
      const answer = credential.response as AuthenticatorAssertionResponse;
      return {
        credential_id: credential.id,
        client_data: toBase64Url(answer.clientDataJSON),
        authenticator_data: toBase64Url(answer.authenticatorData),
        signature: toBase64Url(answer.signature),
        user_handle: toBase64Url(answer.userHandle ?? new Uint8Array()),
      };
    },
  };
}
