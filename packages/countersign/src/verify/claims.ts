import type { Acr } from "./acr.ts";

/** A member of `authorization_details` (RFC 9396 §2). */
export type AuthorizationDetail = { readonly type: string; readonly [member: string]: unknown };

/** What an access token of Countersign says (RFC 9068 §2.2). Times are in seconds. */
export type AccessTokenClaims = {
  readonly iss: string;
  /** The user's id, the same for all clients of a realm. */
  readonly sub: string;
  readonly aud: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly client_id: string;
  /** Names with a blank between them. */
  readonly scope: string;
  readonly auth_time: number;
  /** One of `Acr`, or one that is newer than this library. */
  readonly acr: Acr | (string & {});
  readonly amr: readonly string[];
  /** The same for all tokens of one sign-in. */
  readonly sid: string;
  /** Missing in tokens of the realm `main`. */
  readonly realm?: string;
  /** What the user approved, where more than a sign-in was asked. */
  readonly authorization_details?: readonly AuthorizationDetail[];
  /** The key that the token is bound to (RFC 9449 §6.1). */
  readonly cnf?: { readonly jkt: string };
};

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === "string" && value !== "";
const isTime: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isList = (value: unknown, check: Check): boolean => Array.isArray(value) && value.every(check);

const REQUIRED: Readonly<Record<string, Check>> = {
  iss: isText,
  sub: isText,
  aud: isText,
  iat: isTime,
  exp: isTime,
  jti: isText,
  client_id: isText,
  scope: (value) => typeof value === "string",
  auth_time: isTime,
  acr: isText,
  amr: (value) => isList(value, isText),
  sid: isText,
};

const OPTIONAL: Readonly<Record<string, Check>> = {
  realm: isText,
  authorization_details: (value) => isList(value, (detail) => isObject(detail) && isText(detail.type)),
  // A binding of another kind is one that nobody checks here, so such a token is not taken.
  cnf: (value) => isObject(value) && isText(value.jkt) && Object.keys(value).length === 1,
};

/** The claims when each is there and of its type; undefined for any other payload. */
export function readClaims(payload: Readonly<Record<string, unknown>>): AccessTokenClaims | undefined {
  const isWhole = Object.entries(REQUIRED).every(([name, check]) => check(payload[name]));
  const isClean = Object.entries(OPTIONAL).every(
    ([name, check]) => payload[name] === undefined || check(payload[name]),
  );
  return isWhole && isClean ? (payload as unknown as AccessTokenClaims) : undefined;
}
