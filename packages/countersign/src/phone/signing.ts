import type { AssertionWire, Payload } from "../../../protocol/src/approver.ts";
import { canonicalJson, type JsonValue } from "../../../protocol/src/canonical.ts";
import { CountersignError } from "../errors.ts";
import type { StoredPhone } from "./keys.ts";
import type { Passkeys } from "./passkeys.ts";
import { digestOf, jws, type PhoneCrypto } from "./signer.ts";

/** What an answer adds to the payload, as it stands in its body too. */
export type Answer = {
  readonly decision: "approve" | "deny";
  readonly match_code?: string;
  readonly scan?: string;
  readonly not_me?: true;
  readonly page?: string;
};

/** What is signed with an answer: the payload that was shown and the answer, in the spelling of RFC 8785. */
export const textToSign = (payload: Payload, answer: Answer): string =>
  canonicalJson({ ...payload, ...answer });

/** Members that docs/approver.md names, and that an app therefore shows. */
const KNOWN = {
  payload: ["v", "iss", "id", "nonce", "exp", "client", "purpose", "shown"],
  client: ["id", "name"],
  shown: ["at", "place", "device", "action", "message", "scope", "code", "details"],
} as const;

/** What an answer adds: in a payload these would not be signed as they were shown. */
const RESERVED: readonly string[] = ["decision", "match_code", "scan", "not_me", "page"];

const unlike = (value: object, known: readonly string[]): string[] =>
  Object.keys(value).filter((name) => !known.includes(name));

/** Members of a payload that this library has no name for, such as `shown.colour`. */
export function unknownMembers(payload: Payload): readonly string[] {
  return [
    ...unlike(payload, KNOWN.payload),
    ...unlike(payload.client, KNOWN.client).map((name) => `client.${name}`),
    ...unlike(payload.shown, KNOWN.shown).map((name) => `shown.${name}`),
  ];
}

export type Fitness = {
  readonly id: string;
  readonly issuer: string;
  /** The server's time in milliseconds. */
  readonly now: number;
  readonly decision: Answer["decision"];
  /** The app shows every member of a payload, known or not. */
  readonly showsAll: boolean;
};

const unfit = (error: string, message: string, data: Readonly<Record<string, unknown>> = {}) =>
  new CountersignError("invalid_argument", message, { error, data });

/** Refuses to sign what is not of this service, not of this request, over, or not wholly shown. Declining takes no more than the first three. */
export function refuseUnfit(payload: Payload, { id, issuer, now, decision, showsAll }: Fitness): void {
  if (payload.iss !== issuer)
    throw unfit("wrong_issuer", "This request is not of the service of this phone.");
  if (payload.id !== id) throw unfit("wrong_request", "The payload is of another request.");
  if (payload.exp * 1000 <= now)
    throw new CountersignError("expired", "The time of this request is over.", { error: "expired" });
  if (decision === "deny") return;
  if (payload.v !== 1 || RESERVED.some((name) => Object.keys(payload).includes(name)))
    throw unfit("unknown_version", "This library does not know this form of a request.");
  const unknown = unknownMembers(payload);
  if (unknown.length > 0 && !showsAll)
    throw unfit("unknown_members", `The request says more than is shown: ${unknown.join(", ")}.`, {
      unknown,
    });
}

export type Signing = {
  readonly crypto: PhoneCrypto;
  readonly passkeys: Passkeys | undefined;
  /** Of passkeys: the name that they belong to. */
  readonly rpId: () => Promise<string | undefined>;
};

/** What goes along with a text that this device has signed. */
export type Signed = { readonly signature: string } | { readonly passkey: AssertionWire };

/** What this device signs of a text: its passkey as a challenge, or its own key as a JWS. */
export async function signText(
  { crypto, passkeys, rpId }: Signing,
  { signer, device }: Pick<StoredPhone, "signer" | "device">,
  text: string,
): Promise<Signed> {
  if (device?.credentialId === undefined) {
    const header = { alg: "ES256", kid: device?.id, typ: "countersign+jws" };
    return { signature: await jws(signer, header, text) };
  }
  const name = await rpId();
  if (!passkeys || name === undefined)
    throw unfit("no_passkeys", "This phone answers by a passkey, and there are none here.");
  const asked = {
    challenge: await digestOf(crypto, text),
    rpId: name,
    credentialId: device.credentialId,
  };
  const { user_handle: _, ...passkey } = await passkeys.get(asked);
  return { passkey };
}

/** Nothing of it changes any more, however deep: what is signed is what was shown. */
export function deepFrozen<T extends JsonValue>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) deepFrozen(member as JsonValue);
    Object.freeze(value);
  }
  return value;
}
