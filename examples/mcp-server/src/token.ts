import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";

/** What an access token of Countersign says (RFC 9068). */
export type AccessToken = JWTPayload & {
  readonly sub: string;
  readonly client_id: string;
  readonly scope: string;
  /** How the user was signed in, such as `urn:signin:acr:device-match`. */
  readonly acr: string;
};

/** Who may sign, and for whom a token has to be. */
export type Expected = { readonly issuer: string; readonly resource: string };

type Keys = ReturnType<typeof createRemoteJWKSet>;

/** The public keys of each issuer: fetched when they are first needed, and again when a new one signs. */
const known = new Map<string, Keys>();

function keysOf(issuer: string): Keys {
  const keys = known.get(issuer) ?? createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
  known.set(issuer, keys);
  return keys;
}

/**
 * Checks a token offline: its signature, that it is an access token (`typ`), of this issuer, for this very server, and that its time is
 * not over. Undefined for any other. An issuer that cannot be reached is no verdict, and is thrown.
 */
export async function readToken(token: string, expected: Expected): Promise<AccessToken | undefined> {
  try {
    const { payload } = await jwtVerify<AccessToken>(token, keysOf(expected.issuer), {
      algorithms: ["ES256"],
      typ: "at+jwt",
      issuer: expected.issuer,
      // Without this line a token for somebody else's server would be good here.
      audience: expected.resource,
      requiredClaims: ["exp", "sub", "client_id"],
      clockTolerance: 60,
    });
    return payload;
  } catch (error) {
    if (isVerdict(error)) return undefined;
    throw error;
  }
}

/** jose's errors are about the token, but for those of fetching the keys. */
const isVerdict = (error: unknown): boolean =>
  error instanceof errors.JOSEError &&
  !(error instanceof errors.JWKSTimeout) &&
  error.code !== "ERR_JOSE_GENERIC";
