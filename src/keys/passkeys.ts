import { fromBase64Url, toBase64Url } from "../core/base64.ts";
import type { Device, DeviceKey, PasskeyState } from "../core/device/device.ts";
import type { PasskeyAnswer, PasskeyCeremony, ReadPasskey } from "../core/ports/secrets.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok, type Result } from "../core/result.ts";
import { type AuthenticatorData, readAuthenticatorData } from "./authenticator-data.ts";
import { readCbor } from "./cbor.ts";
import { readDeviceKey } from "./device-keys.ts";
import { goodSignature } from "./device-signature.ts";
import { sameBytes } from "./spki.ts";

/** WebAuthn §4: an id has 16 bytes of chance at least, and 1,023 bytes at most. */
const ID_BYTES = { least: 16, most: 1023 };
const DATA_LIMIT = 8 * 1024;

type Bad = RefusalOf<"bad_key">;
const bad = (detail: string): Bad => ({ code: "bad_key", detail });

/** What a browser made for a new passkey (WebAuthn §7.1). The attestation is not trusted, so its statement is not looked at. */
export async function readPasskey(
  answer: { readonly credentialId: string; readonly clientData: string; readonly attestationData: string },
  ceremony: PasskeyCeremony,
): Promise<Result<ReadPasskey, Bad>> {
  const clientData = bytesOf(answer.clientData);
  const attestation = bytesOf(answer.attestationData);
  if (!clientData || !attestation) return no(bad("not base64url"));
  const unfit = clientDataFault(clientData, "webauthn.create", ceremony);
  if (unfit) return no(bad(unfit));
  const held = dataOf(attestation);
  if (typeof held === "string") return no(bad(held));
  const data = readAuthenticatorData(held, "creation");
  if (typeof data === "string" || !data.credential) return no(bad(String(data)));
  const wrong = await authenticatorFault(data, ceremony);
  if (wrong) return no(bad(wrong));
  const { id, key: made } = data.credential;
  if (id.length < ID_BYTES.least || id.length > ID_BYTES.most) return no(bad("the credential id's length"));
  const credentialId = toBase64Url(id);
  if (credentialId !== answer.credentialId) return no(bad("the credential id is another"));
  const key = await readDeviceKey(made.spki.toBase64(), made.algorithm);
  return key.ok ? ok({ credentialId, key: key.value, ...stateOf(data) }) : key;
}

/**
 * The authenticator data in an attestation object (WebAuthn §6.5.4). None was asked for, but a key may vouch for itself all the same
 * (WebAuthn §5.1.3), so a statement of any format may stand there; only "none" must have nothing to say (WebAuthn §8.7).
 */
function dataOf(attestation: Uint8Array): Uint8Array | string {
  const read = readCbor(attestation);
  if (!(read?.value instanceof Map)) return "the attestation object cannot be read";
  const { value: object, end } = read;
  if (end !== attestation.length) return "bytes follow the attestation object";
  const [format, statement, data] = [object.get("fmt"), object.get("attStmt"), object.get("authData")];
  if (typeof format !== "string" || !(statement instanceof Map) || !(data instanceof Uint8Array)) {
    return "the attestation object is not whole";
  }
  return format === "none" && statement.size > 0 ? "an attestation of none says something" : data;
}

const stateOf = ({ signCount, backupEligible, backedUp }: AuthenticatorData): PasskeyState => ({
  signCount,
  backupEligible,
  backedUp,
});

/** What a passkey tells, and its signature as Web Crypto takes it. */
type CheckedPasskey = { readonly state: PasskeyState; readonly signature: Uint8Array };

/** Whether this passkey signed this ceremony (WebAuthn §7.2), and what it tells; the store holds the counter to its last. */
export async function checkPasskey(
  device: Device,
  answer: PasskeyAnswer,
  ceremony: PasskeyCeremony,
): Promise<Result<CheckedPasskey, Bad | RefusalOf<"bad_signature">>> {
  const clientData = bytesOf(answer.clientData);
  const authenticator = bytesOf(answer.authenticatorData);
  const signature = bytesOf(answer.signature);
  if (!clientData || !authenticator || !signature) return no(bad("not base64url"));
  const unfit = clientDataFault(clientData, "webauthn.get", ceremony);
  if (unfit) return no(bad(unfit));
  const data = readAuthenticatorData(authenticator, "assertion");
  if (typeof data === "string") return no(bad(data));
  const wrong = await authenticatorFault(data, ceremony);
  if (wrong) return no(bad(wrong));
  const good = await goodAssertion(device.key, authenticator, clientData, signature);
  if (!good) return no({ code: "bad_signature" });
  const before = device.backupEligible ?? data.backupEligible;
  return before === data.backupEligible
    ? ok({ state: stateOf(data), signature: good })
    : no(bad("whether it may be backed up has changed"));
}

async function goodAssertion(
  key: DeviceKey,
  authenticator: Uint8Array,
  clientData: Uint8Array,
  signature: Uint8Array,
): Promise<Uint8Array | undefined> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", clientData));
  const message = new Uint8Array(authenticator.length + hash.length);
  message.set(authenticator);
  message.set(hash, authenticator.length);
  return await goodSignature(key, signature, message);
}

const bytesOf = (text: string): Uint8Array | undefined =>
  text.length > DATA_LIMIT ? undefined : fromBase64Url(text);

/** The members of client data (WebAuthn §5.8.1); undefined for what is no JSON object. */
function clientDataOf(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const data: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes),
    );
    return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function clientDataFault(
  bytes: Uint8Array,
  type: "webauthn.create" | "webauthn.get",
  ceremony: PasskeyCeremony,
): string | undefined {
  const data = clientDataOf(bytes);
  if (!data) return "the client data cannot be read";
  if (data.type !== type) return "the client data is for another ceremony";
  if (data.challenge !== ceremony.challenge) return "the challenge is another";
  if ((data.crossOrigin ?? false) !== false) return "the page stood in a frame of another site";
  if ((data.tokenBinding as { status?: unknown } | null | undefined)?.status === "present") {
    return "the connection is said to be bound, and is not";
  }
  const { origin } = data;
  return typeof origin === "string" && ceremony.origins.includes(origin)
    ? undefined
    : "the origin is not the client's";
}

async function authenticatorFault(
  data: AuthenticatorData,
  { rpId }: PasskeyCeremony,
): Promise<string | undefined> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(rpId)));
  if (!sameBytes(hash, data.rpIdHash)) return "the rp id is another";
  if (!data.userPresent) return "nobody was present";
  return data.userVerified ? undefined : "nobody was verified";
}
