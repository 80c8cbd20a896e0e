import { calculateJwkThumbprint } from "jose";
import { CountersignError } from "../errors.ts";
import { signedText } from "./device-signature.ts";
import type { KeySource } from "./key-source.ts";
import { type PublicJwk, type ReceiptClaims, readReceiptClaims } from "./receipt-claims.ts";
import { type JwtDemands, readJwt, SKEW_SECONDS } from "./signed-jwt.ts";

const SECOND = 1_000;
/** Everything that was shown is in it, spelled twice in base64url. */
const LENGTH_LIMIT = 98_304;

/** Why a receipt is not taken, by `reason`. Reasons are stable, words are not. */
const WORDS = {
  malformed: "The receipt is not a signed JWT",
  too_long: "The receipt is too long",
  header: "The header of the receipt has a member that is not taken",
  algorithm: "The receipt is not signed by ES256",
  type: "This is not a receipt",
  unknown_key: "The receipt is signed by an unknown key",
  signature: "The signature of the receipt does not fit",
  issuer: "The receipt is of another issuer",
  audience: "The receipt is of another client",
  expired: "The receipt has an end, and it is over",
  issued_in_future: "The receipt was issued in the future: compare the clocks",
  claims: "The receipt lacks a claim, or one is of another type",
  device_signature: "The device's own signature does not hold",
  device_text: "The device has signed another request, or another decision",
} as const;

export type ReceiptReason = keyof typeof WORDS;

export const receiptRefusal = (reason: ReceiptReason): CountersignError =>
  new CountersignError("invalid_token", WORDS[reason], { reason });

/** A decision, as its deployment and its device have signed it. */
export type Receipt = {
  /** Of the request. */
  readonly id: string;
  readonly clientId: string;
  readonly decision: "approve" | "deny";
  readonly decidedAt: Date;
  /** The user who decided, as tokens name them. Missing where nobody knows. */
  readonly user?: string;
  /** Missing in the realm `main`. */
  readonly realm?: string;
  /** What stood behind the decision: `device`, `code`, `session`, `client`, `first_enrolment`. */
  readonly approver: { readonly kind: string; readonly deviceId?: string; readonly clientId?: string };
  /** RFC 8176. */
  readonly amr: readonly string[];
  /** What the client asked for. Missing in what a waiter has read. */
  readonly asked?: {
    readonly at: Date;
    readonly door: string;
    readonly purpose: string;
    readonly scope?: string;
    readonly message?: string;
    readonly details?: readonly Readonly<Record<string, unknown>>[];
  };
  /** The device's own signature, which was checked. Missing where there is the deployment's word alone. */
  readonly signed?: SignedByDevice;
};

export type SignedByDevice = {
  readonly key: PublicJwk;
  /** RFC 7638. One device has one key for as long as it is enrolled. */
  readonly thumbprint: string;
  /**
   * What the signature holds, and was compared with the rest: `everything` that a phone of the deployment's pages showed and was told; the
   * `answer`, yes or no, of a Cotter app; `nothing` but that the key was there: of a wire where yes and no are the same text.
   */
  readonly covers: "everything" | "answer" | "nothing";
  /** What was signed; missing where a passkey signed a random challenge. */
  readonly text?: string;
  /** Where it covers everything: the text, read. */
  readonly words?: Readonly<Record<string, unknown>>;
};

export type ReceiptDemands = Pick<JwtDemands, "issuer" | "now"> & { readonly clientId: string };

/** What a receipt says, once the signatures of the deployment and of the device are found good. Throws the refusal. */
export async function readReceipt(
  keys: KeySource,
  token: string,
  { issuer, now, clientId }: ReceiptDemands,
): Promise<Receipt> {
  const kind = { type: "receipt+jwt", limit: LENGTH_LIMIT, refusal: receiptRefusal } as const;
  const claims = readReceiptClaims(await readJwt(keys, token, { issuer, now, ...kind }));
  if (claims === undefined) throw receiptRefusal("claims");
  if (claims.client_id !== clientId) throw receiptRefusal("audience");
  if (claims.iat * SECOND > now + SKEW_SECONDS * SECOND) throw receiptRefusal("issued_in_future");
  const { signed } = claims;
  if (signed !== undefined && claims.approver.kind !== "device") throw receiptRefusal("claims");
  return receiptOf(claims, signed && (await checked(claims, signed, issuer)));
}

/** The device's signature, checked, and held against what the deployment says it has decided. */
async function checked(
  claims: ReceiptClaims,
  signed: NonNullable<ReceiptClaims["signed"]>,
  issuer: string,
): Promise<SignedByDevice> {
  const { text, key } = await signedText(signed, issuer).catch(() => {
    throw receiptRefusal("device_signature");
  });
  const thumbprint = await calculateJwkThumbprint({ ...key }, "sha256");
  const common = { key, thumbprint, ...(text === undefined ? {} : { text }) };
  if (text === undefined) return { ...common, covers: "nothing" };
  if (signed.form === "text") return { ...common, covers: coveredBy(text, claims) };
  const words = wordsOf(text);
  if (words === undefined || !isAbout(words, claims, issuer)) throw receiptRefusal("device_text");
  return { ...common, covers: "everything", words };
}

/** The start of another thing that the same key may sign: a header of a JWS, such as of another answer or of a DPoP proof. */
const SIGNING_INPUT = /^eyJ[\w-]*\./;
/** How Cotter's SDKs end what they sign: yes or no, and the key of a device that is added. */
const COTTER_ANSWER = /TRUSTED_DEVICE(true|false)[A-Za-z0-9+/=\s-]*$/;

/** What a text of a vendor's wire says. Authsignal's is the id of the request alone. */
function coveredBy(text: string, { decision, jti }: ReceiptClaims): "answer" | "nothing" {
  if (SIGNING_INPUT.test(text)) throw receiptRefusal("device_text");
  const said = COTTER_ANSWER.exec(text)?.[1];
  if (said === undefined && text !== jti) throw receiptRefusal("device_text");
  if (said === undefined) return "nothing";
  if ((said === "true") !== (decision === "approve")) throw receiptRefusal("device_text");
  return "answer";
}

type Words = Readonly<Record<string, unknown>>;

const objectIn = (value: unknown): Words | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Words) : undefined;

/** What a phone of ours signs (docs/approver.md); another version of it is not known here. */
function wordsOf(text: string): Words | undefined {
  try {
    const words = objectIn(JSON.parse(text));
    return words?.v === 1 ? words : undefined;
  } catch {
    return undefined;
  }
}

function isAbout(words: Words, claims: ReceiptClaims, issuer: string): boolean {
  const shown = objectIn(words.shown) ?? {};
  return (
    words.iss === issuer &&
    words.id === claims.jti &&
    words.decision === claims.decision &&
    objectIn(words.client)?.id === claims.client_id &&
    isShown(shown, claims.asked ?? {})
  );
}

/** Whether what the client asked for stood on the screen. A door may have shown more. */
function isShown(
  shown: Words,
  {
    binding_message: message,
    authorization_details: details = [],
  }: Partial<NonNullable<ReceiptClaims["asked"]>>,
): boolean {
  if (message !== undefined && shown.message !== message) return false;
  const seen = new Set((Array.isArray(shown.details) ? shown.details : []).map(ordered));
  return details.every((detail) => seen.has(ordered(detail)));
}

/** Older runtimes do not have it, and hardly anybody sends such a text. */
const wellFormed = (text: string & { toWellFormed?(): string }): string => text.toWellFormed?.() ?? text;

/** JSON with its members in order, and lone surrogates as the phone shows them. */
const ordered = (value: unknown): string =>
  JSON.stringify(value, (_name, member) => {
    if (typeof member === "string") return wellFormed(member);
    const members = objectIn(member);
    return members
      ? Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member;
  });

function receiptOf(claims: ReceiptClaims, signed: SignedByDevice | undefined): Receipt {
  const { approver, asked, user_id: user, realm } = claims;
  const known = Object.entries({ deviceId: approver.device_id, clientId: approver.client_id });
  return {
    id: claims.jti,
    clientId: claims.client_id,
    decision: claims.decision,
    decidedAt: new Date(claims.decided_at * SECOND),
    ...(user === undefined ? {} : { user }),
    ...(realm === undefined ? {} : { realm }),
    approver: { kind: approver.kind, ...Object.fromEntries(known.filter(([, id]) => id !== undefined)) },
    amr: claims.amr,
    ...(asked === undefined ? {} : { asked: askedOf(asked) }),
    ...(signed === undefined ? {} : { signed }),
  };
}

function askedOf({
  at,
  door,
  purpose,
  scope,
  binding_message: message,
  authorization_details: details,
}: NonNullable<ReceiptClaims["asked"]>): NonNullable<Receipt["asked"]> {
  return {
    at: new Date(at * SECOND),
    ...{ door, purpose },
    ...(scope === undefined ? {} : { scope }),
    ...(message === undefined ? {} : { message }),
    ...(details === undefined ? {} : { details }),
  };
}
