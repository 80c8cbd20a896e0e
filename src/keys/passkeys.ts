import {
  type AuthenticatorData,
  ClientDataType,
  coseAlgorithmES256,
  coseEllipticCurveP256,
  parseAttestationObject,
  parseAuthenticatorData,
  parseClientDataJSON,
} from "@oslojs/webauthn";
import type { Device, DeviceKey } from "../core/device/device.ts";
import type { PasskeyAnswer, PasskeyCeremony, ReadPasskey } from "../core/ports/secrets.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok, type Result } from "../core/result.ts";
import { fromBase64Url, toBase64, toBase64Url } from "./base64.ts";
import { importDeviceKey, readDeviceKey } from "./device-keys.ts";
import { rawFromDer } from "./ecdsa-signature.ts";
import { P256_HEADER, sameBytes } from "./spki.ts";

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
  const unfit = clientDataFault(clientData, ClientDataType.Create, ceremony);
  if (unfit) return no(bad(unfit));
  const data = attempt(() => parseAttestationObject(attestation).authenticatorData);
  if (!data?.credential) return no(bad("the attestation object cannot be read"));
  const wrong = await authenticatorFault(data, ceremony);
  if (wrong) return no(bad(wrong));
  const { id } = data.credential;
  if (id.length < ID_BYTES.least || id.length > ID_BYTES.most) return no(bad("the credential id's length"));
  const credentialId = toBase64Url(id);
  if (credentialId !== answer.credentialId) return no(bad("the credential id is another"));
  const point = attempt(() => pointOf(data));
  if (!point) return no(bad("the key is not ES256 over P-256"));
  const key = await readDeviceKey(toBase64(Uint8Array.from([...P256_HEADER, ...point])), "EC");
  return key.ok ? ok({ credentialId, key: key.value, signCount: data.signatureCounter }) : key;
}

function pointOf({ credential }: AuthenticatorData): Uint8Array | undefined {
  const key = credential?.publicKey;
  if (key?.algorithm() !== coseAlgorithmES256) return undefined;
  const { curve, x, y } = key.ec2();
  if (curve !== coseEllipticCurveP256) return undefined;
  const hex = [x, y].map((number) => number.toString(16).padStart(64, "0")).join("");
  return Uint8Array.from({ length: 64 }, (_, index) =>
    Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}

/** Whether this passkey signed this ceremony (WebAuthn §7.2), and its counter; the store holds the counter to its last. */
export async function checkPasskey(
  device: Device,
  answer: PasskeyAnswer,
  ceremony: PasskeyCeremony,
): Promise<Result<{ readonly signCount: number }, Bad | RefusalOf<"bad_signature">>> {
  const clientData = bytesOf(answer.clientData);
  const authenticator = bytesOf(answer.authenticatorData);
  const signature = bytesOf(answer.signature);
  if (!clientData || !authenticator || !signature) return no(bad("not base64url"));
  const unfit = clientDataFault(clientData, ClientDataType.Get, ceremony);
  if (unfit) return no(bad(unfit));
  const data = attempt(() => parseAuthenticatorData(authenticator));
  if (!data) return no(bad("the authenticator data cannot be read"));
  const wrong = await authenticatorFault(data, ceremony);
  if (wrong) return no(bad(wrong));
  const signed = await verifies(device.key, authenticator, clientData, signature);
  return signed ? ok({ signCount: data.signatureCounter }) : no({ code: "bad_signature" });
}

async function verifies(
  key: DeviceKey,
  authenticator: Uint8Array,
  clientData: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const raw = rawFromDer(signature);
  if (key.algorithm !== "EC" || raw === undefined) return false;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", clientData));
  const message = new Uint8Array(authenticator.length + hash.length);
  message.set(authenticator);
  message.set(hash, authenticator.length);
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, await importDeviceKey(key), raw, message);
}

const bytesOf = (text: string): Uint8Array | undefined =>
  text.length > DATA_LIMIT ? undefined : fromBase64Url(text);

/** What the library reads, or undefined for what it throws at. */
function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function clientDataFault(
  bytes: Uint8Array,
  type: ClientDataType,
  ceremony: PasskeyCeremony,
): string | undefined {
  const data = attempt(() => parseClientDataJSON(bytes));
  if (!data) return "the client data cannot be read";
  if (data.type !== type) return "the client data is for another ceremony";
  if (toBase64Url(data.challenge) !== ceremony.challenge) return "the challenge is another";
  if (data.crossOrigin) return "the page stood in a frame of another site";
  return ceremony.origins.includes(data.origin) ? undefined : "the origin is not the client's";
}

async function authenticatorFault(
  data: AuthenticatorData,
  { rpId }: PasskeyCeremony,
): Promise<string | undefined> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(rpId)));
  if (!sameBytes(hash, data.relyingPartyIdHash)) return "the rp id is another";
  if (!data.userPresent) return "nobody was present";
  return data.userVerified ? undefined : "nobody was verified";
}
