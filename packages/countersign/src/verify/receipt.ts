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
  /** What the client asked for. */
  readonly asked: {
    readonly at: Date;
    readonly door: string;
    readonly purpose: string;
    readonly scope?: string;
    readonly message?: string;
    readonly details?: readonly Readonly<Record<string, unknown>>[];
  };
  /** The device's own signature, which was checked. Missing where no device signed: then there is the deployment's word alone. */
  readonly signed?: SignedByDevice;
};

export type SignedByDevice = {
  readonly key: PublicJwk;
  /** RFC 7638. One device has one key for as long as it is enrolled. */
  readonly thumbprint: string;
  /** What was signed; missing where a passkey signed a random challenge. */
  readonly text?: string;
  /** Of a phone of the deployment's own pages: what it showed, and what was said to it. */
  readonly words?: Readonly<Record<string, unknown>>;
};

export type ReceiptDemands = Pick<JwtDemands, "issuer" | "audience" | "now">;

/** What a receipt says, once the signatures of the deployment and of the device are found good. Throws the refusal. */
export async function readReceipt(keys: KeySource, token: string, demands: ReceiptDemands): Promise<Receipt> {
  const kind = { type: "receipt+jwt", limit: LENGTH_LIMIT, refusal: receiptRefusal } as const;
  const claims = readReceiptClaims(await readJwt(keys, token, { ...demands, ...kind }));
  if (claims === undefined) throw receiptRefusal("claims");
  if (claims.iat * SECOND > demands.now + SKEW_SECONDS * SECOND) throw receiptRefusal("issued_in_future");
  const { signed } = claims;
  return receiptOf(claims, signed && (await checked(claims, signed, demands.issuer)));
}

/** The device's signature, checked; of a phone of ours also that it is about this request and says this. */
async function checked(
  claims: ReceiptClaims,
  signed: NonNullable<ReceiptClaims["signed"]>,
  issuer: string,
): Promise<SignedByDevice> {
  const text = await signedText(signed).catch(() => {
    throw receiptRefusal("device_signature");
  });
  const words = wordsOf(text);
  if (words !== undefined && !isAbout(words, claims, issuer)) throw receiptRefusal("device_text");
  const thumbprint = await calculateJwkThumbprint({ ...signed.key }, "sha256");
  return {
    key: signed.key,
    thumbprint,
    ...(text === undefined ? {} : { text }),
    ...(words === undefined ? {} : { words }),
  };
}

/** The members of what a phone of ours signs; texts of the vendors' wires are no JSON. */
function wordsOf(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const words: unknown = JSON.parse(text ?? "");
    return typeof words === "object" && words !== null && !Array.isArray(words) && "v" in words
      ? (words as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const isAbout = (words: Readonly<Record<string, unknown>>, claims: ReceiptClaims, issuer: string): boolean =>
  words.iss === issuer &&
  words.id === claims.jti &&
  words.decision === claims.decision &&
  (words.client as { readonly id?: unknown } | undefined)?.id === claims.aud;

function receiptOf(claims: ReceiptClaims, signed: SignedByDevice | undefined): Receipt {
  const { approver, asked, sub, realm } = claims;
  const { scope, binding_message: message, authorization_details: details } = asked;
  const known = Object.entries({ deviceId: approver.device_id, clientId: approver.client_id });
  return {
    id: claims.jti,
    clientId: claims.aud,
    decision: claims.decision,
    decidedAt: new Date(claims.decided_at * SECOND),
    ...(sub === undefined ? {} : { user: sub }),
    ...(realm === undefined ? {} : { realm }),
    approver: { kind: approver.kind, ...Object.fromEntries(known.filter(([, id]) => id !== undefined)) },
    amr: claims.amr,
    asked: {
      at: new Date(asked.at * SECOND),
      door: asked.door,
      purpose: asked.purpose,
      ...(scope === undefined ? {} : { scope }),
      ...(message === undefined ? {} : { message }),
      ...(details === undefined ? {} : { details }),
    },
    ...(signed === undefined ? {} : { signed }),
  };
}
