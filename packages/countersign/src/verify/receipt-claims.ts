/** What a receipt says before its device's signature is looked at. Times are in seconds. */
export type ReceiptClaims = {
  readonly client_id: string;
  readonly user_id?: string;
  readonly iat: number;
  readonly jti: string;
  readonly realm?: string;
  readonly decision: "approve" | "deny";
  readonly decided_at: number;
  readonly approver: { readonly kind: string; readonly device_id?: string; readonly client_id?: string };
  readonly amr: readonly string[];
  /** For the client alone, as is `signed`. */
  readonly asked?: {
    readonly at: number;
    readonly door: string;
    readonly purpose: string;
    readonly scope?: string;
    readonly binding_message?: string;
    readonly authorization_details?: readonly Readonly<Record<string, unknown>>[];
  };
  readonly signed?: SignedClaim;
};

export type PublicJwk = {
  readonly kty: string;
  readonly alg: "ES256" | "EdDSA" | "RS256";
  readonly [member: string]: string;
};

/** A device's signature, by its form. */
export type SignedClaim = { readonly key: PublicJwk } & (
  | { readonly form: "jws"; readonly jws: string }
  | { readonly form: "text"; readonly text: string; readonly signature: string }
  | {
      readonly form: "webauthn";
      readonly text?: string;
      readonly client_data: string;
      readonly authenticator_data: string;
      readonly signature: string;
    }
);

type Check = (value: unknown) => boolean;
type Members = Readonly<Record<string, Check>>;

const isText: Check = (value) => typeof value === "string" && value !== "";
/** Seconds that a `Date` can hold. */
const isTime: Check = (value) => Number.isSafeInteger(value) && Math.abs(value as number) < 8e12;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const objectOf =
  (members: Members): Check =>
  (value) =>
    isObject(value) && Object.entries(members).every(([name, check]) => check(value[name]));

const KEY = objectOf({
  kty: isText,
  alg: (value) => value === "ES256" || value === "EdDSA" || value === "RS256",
  // Who shows a private key has signed nothing that anybody believes.
  d: (value) => value === undefined,
});

const FORMS: Readonly<Record<string, Check>> = {
  jws: objectOf({ key: KEY, jws: isText }),
  text: objectOf({ key: KEY, text: isText, signature: isText }),
  webauthn: objectOf({
    key: KEY,
    text: optional(isText),
    client_data: isText,
    authenticator_data: isText,
    signature: isText,
  }),
};

const isSigned: Check = (value) =>
  isObject(value) &&
  typeof value.form === "string" &&
  Object.hasOwn(FORMS, value.form) &&
  FORMS[value.form]?.(value) === true;

const isReceipt = objectOf({
  client_id: isText,
  user_id: optional(isText),
  iat: isTime,
  jti: isText,
  realm: optional(isText),
  decision: (value) => value === "approve" || value === "deny",
  decided_at: isTime,
  approver: objectOf({ kind: isText, device_id: optional(isText), client_id: optional(isText) }),
  amr: listOf(isText),
  asked: optional(
    objectOf({
      at: isTime,
      door: isText,
      purpose: isText,
      scope: optional(isText),
      binding_message: optional(isText),
      authorization_details: optional(listOf(isObject)),
    }),
  ),
  signed: optional(isSigned),
});

/** The claims when each is of its type; undefined for any other payload. */
export const readReceiptClaims = (payload: Readonly<Record<string, unknown>>): ReceiptClaims | undefined =>
  isReceipt(payload) ? (payload as unknown as ReceiptClaims) : undefined;
